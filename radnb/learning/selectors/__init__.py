"""The ways to choose features, each fitted on training rows only; `selection.SELECTORS` names them."""
