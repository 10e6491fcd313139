"""The engines that compute features, behind one interface: add one here and cards, commands and tests know it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import SimpleITK as sitk

from radnb.errors import RadnbError, nearest
from radnb.features import reference
from radnb.features.engine import engine
from radnb.features.values import Compute
from radnb.features.wanted import Settings

REFERENCE = "pyradiomics"
PREFERRED = ("radnb", REFERENCE)  # the first that is here is used where none is named


def nothing(settings: Settings) -> list[str]:
    """Hand nothing over: the engine computes all of these settings by itself."""
    return []


@dataclass(frozen=True)
class Engine:
    """A way to compute features: what its values depend on, and a function of image and settings that gives one of a
    region (so that what an image's regions share is done once)."""

    version: Callable[[], str]  # raises a RadnbError with the mend where the engine cannot work
    prepare: Callable[[sitk.Image, Settings], Compute]
    handed_over: Callable[[Settings], list[str]] = nothing  # what the reference engine computes for it, in words
    bytes_per_voxel: int = 160  # memory at its peak for each voxel of the volume that is filtered
    in_boxes: bool = False  # filters only the region's box and what reaches into it, never the whole image

    def boxes_only(self, settings: Settings) -> bool:
        """Say whether nothing of these settings is filtered over the whole image."""
        return self.in_boxes and not settings.ibsi and not self.handed_over(settings)


ENGINES: dict[str, Engine] = {
    "radnb": Engine(engine.version, engine.prepare, engine.handed_over, bytes_per_voxel=80,
                    in_boxes=True),
    REFERENCE: Engine(reference.version, reference.prepare)}


@dataclass(frozen=True)
class Choice:
    """The engine that a run uses, its version, and why it is not the preferred one."""

    name: str
    version: str
    reason: str = ""

    @property
    def engine(self) -> Engine:
        """Return the engine itself."""
        return ENGINES[self.name]


def choose(name: str | None = None, settings: Settings | None = None) -> Choice:
    """Return the engine of this name, or the first of the preferred ones that works here, with the reason.

    Where it hands some of the settings to the reference engine, the version names both.
    """
    chosen = _named(name) if name is not None else _preferred()
    if settings is not None and chosen.name == REFERENCE and reference.known_part(settings) != settings:
        raise RadnbError(f"extraction: settings {settings.name!r} ask for what PyRadiomics does not know (IBSI's "
                         f"definitions, percentiles or filters of radnb). Use engine radnb. {chosen.reason}".strip(),
                         code="E_CONFIG")
    if settings is None or not (handed := chosen.engine.handed_over(settings)):
        return chosen
    other = ENGINES[REFERENCE].version()
    return replace(chosen, version=f"{chosen.version}; {', '.join(handed)} by {other}")


def _named(name: str) -> Choice:
    if name not in ENGINES:
        raise RadnbError(f"engine: {name!r} is unknown. {nearest(name, ENGINES)}", code="E_CONFIG")
    return Choice(name, ENGINES[name].version())


def _preferred() -> Choice:
    reasons: list[str] = []
    for known in PREFERRED:
        if known not in ENGINES:
            continue
        try:
            return Choice(known, ENGINES[known].version(), " ".join(reasons))
        except RadnbError as error:
            if known == PREFERRED[-1]:
                raise
            reasons.append(f"Engine {known} cannot be used here, so {PREFERRED[-1]} is: {error}")
    raise RadnbError("No engine is installed. Run the set-up of the README again.", code="E_CONFIG")
