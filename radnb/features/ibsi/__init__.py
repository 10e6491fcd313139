"""The Image Biomarker Standardisation Initiative's definitions (IBSI-1 and 2): preparation, features, compliance."""
