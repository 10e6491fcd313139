"""radnb's own extraction engine: the values of PyRadiomics 3.0.1, many times faster."""
