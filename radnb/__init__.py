"""radnb: a reproducible radiomics research workbook."""

__version__ = "0.1.0"
