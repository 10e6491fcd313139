"""The two kinds of outcome that selectors and models may be made for, and what a model's scores may be."""

CLASSES, SURVIVAL = "classes", "survival"
SCALES = ("probability", "risk", "linear")
