"""What an engine gives for one region."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from radnb.imaging.regions import Pair

Compute = Callable[[Pair], Mapping[str, float]]  # the features of one region; Values, where levels are known
WRAPPED = 0  # stands for the number of grey levels where the bins wrapped around, so that it means nothing
LEVELS = "levels_"  # in the store: the number of grey levels of an image stands beside its features


class Values(dict[str, float]):
    """The features of one region by column, and the number of grey levels of each image (`original`, ...)."""

    def __init__(self, features: Mapping[str, float], levels: Mapping[str, int] | None = None) -> None:
        super().__init__(features)
        self.levels = dict(levels or {})

    @property
    def stored(self) -> dict[str, float]:
        """Return features and levels as one mapping of numbers."""
        return {**self, **{f"{LEVELS}{image}": float(n) for image, n in self.levels.items()}}
