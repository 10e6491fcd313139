"""Truth: what the predictions are worth, with honest intervals."""
