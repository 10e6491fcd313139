"""Models: splits, selection and training that cannot leak."""
