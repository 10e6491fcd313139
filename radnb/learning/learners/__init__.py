"""The models, each fitted on training rows only; `models.CLASSIFIERS` and `models.SURVIVORS` name them."""
