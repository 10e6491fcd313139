"""The fast engine: one road from an image and its regions to the columns that PyRadiomics 3.0.1 would give."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import SimpleITK as sitk

from radnb.features import reference
from radnb.features.engine import native
from radnb.features.engine.filters import FILTERS
from radnb.features.engine.preprocess import Prepared, prepare_image
from radnb.features.engine.region import Region
from radnb.features.engine.shape import shape, shape_2d
from radnb.features.engine.texture import Roi, measure
from radnb.features.ibsi import engine as ibsi
from radnb.features.refusals import refuse_image, refuse_region
from radnb.features.values import Compute, Values
from radnb.features.wanted import Settings
from radnb.imaging.regions import Pair

VALUES = 1  # raised whenever any value changes by a bit: the store then computes anew
_PARTS = ("numpy", "SimpleITK", "PyWavelets")


def version() -> str:
    """Return what the values depend on, as words."""
    import importlib.metadata  # here, for the processes that measure do without it

    native.require()
    return ", ".join([f"radnb engine {VALUES}", *(f"{part} {importlib.metadata.version(part)}" for part in _PARTS)])


def handed_over(settings: Settings) -> list[str]:
    """List the image types that the reference engine computes, since this one does not know them."""
    return [] if settings.ibsi else [kind for kind in settings.image_types if kind not in FILTERS]


def prepare(image: sitk.Image, settings: Settings) -> Compute:
    """Return a function that gives the features of one region of `image`."""
    if settings.ibsi:
        return ibsi.prepare(image, settings)
    refuse_image(image, settings)
    others = reference.prepare(image, _only(settings, kinds)) if (kinds := handed_over(settings)) else None
    return functools.partial(_compute, prepare_image(image, settings.setting), settings, others)


def _only(settings: Settings, kinds: list[str]) -> Settings:
    """Return the settings for some image types alone, without shape."""
    classes = {kind: features for kind, features in settings.classes.items() if not kind.startswith("shape")}
    return replace(settings, image_types={kind: settings.image_types[kind] for kind in kinds}, classes=classes)


def _compute(prepared: Prepared, settings: Settings, others: Compute | None, pair: Pair) -> Values:
    refuse_region(pair, settings)
    region = prepared.region(pair)
    found = Values(dict(_shapes(region, settings)))
    measured = _Measured(region, settings)
    for kind in settings.image_types:
        if kind in FILTERS:
            measured.images(kind, found)
    if others is not None:
        rest = others(pair)
        found.update(rest)
        found.levels.update(rest.levels if isinstance(rest, Values) else {})
    return Values({name: found[name] for name in settings.columns}, found.levels)


def _shapes(region: Region, settings: Settings) -> Iterator[tuple[str, float]]:
    """Measure the mask, cut to the box of what is kept of it: PyRadiomics' meshes are not always closed, so that their
    volume depends on the box."""
    wanted, flat = settings.classes, int(settings.setting.get("force2Ddimension", 0))
    mask = region.shape_mask[region.box]
    if "shape" in wanted:
        yield from _named("original", shape(mask, region.spacing, wanted["shape"]))
    if "shape2D" in wanted:
        yield from _named("original", shape_2d(mask, region.spacing, wanted["shape2D"], flat))
    if body := {kind: wanted[kind] for kind in ("ibsi-morphology",) if kind in wanted}:
        image = region.volume[region.box]
        yield from _named("original", ibsi.measure_families(region, image, body, settings.setting))


@dataclass
class _Measured:
    """One region on its way through the image types."""

    region: Region
    settings: Settings

    def images(self, kind: str, found: Values) -> None:
        """Measure the grey values and their texture in each image of one type."""
        options = {**self.settings.setting, **self.settings.image_types[kind]}
        own = options if kind == "Original" else {**options, "resegmentRange": None}  # IBSI's bins: another range
        for name, image in FILTERS[kind](self.region, options):
            values, found.levels[name] = measure(self._roi, image, self._classes, options)
            found.update(_named(name, values))
            if self._families:
                found.update(_named(name, ibsi.measure_families(self.region, image, self._families, own)))

    @functools.cached_property
    def _classes(self) -> dict[str, tuple[str, ...]]:
        return {kind: wanted for kind, wanted in self.settings.classes.items()
                if not kind.startswith(("shape", "ibsi"))}

    @functools.cached_property
    def _families(self) -> dict[str, tuple[str, ...]]:
        return {kind: wanted for kind, wanted in self.settings.classes.items()
                if kind.startswith("ibsi") and kind != "ibsi-morphology"}

    @functools.cached_property
    def _roi(self) -> Roi:
        return Roi(self.region.mask[self.region.box], self.region.spacing, self.settings.setting)


def _named(image: str, values: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    return ((f"{image}_{name}", float(value)) for name, value in values.items())
