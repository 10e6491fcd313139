"""What is wanted of an extraction: settings as they are once checked, light to load for every process that measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from radnb.features.catalogue import filters
from radnb.work.files import sha256_json

Options = Mapping[str, Any]
_ONCE = ("shape", "shape2D", "ibsi-morphology")  # measured on the mask, so once whatever the image types


@dataclass(frozen=True)
class Settings:
    """Checked settings: image types, feature classes with the features wanted, and everything else, in their order;
    `voxel` is for feature maps only, and no part of the values."""

    name: str
    image_types: Mapping[str, Options]
    classes: Mapping[str, tuple[str, ...]]
    setting: Options
    voxel: Options = field(default_factory=dict)

    @property
    def card(self) -> dict[str, Any]:
        """Return the whole as the mapping that PyRadiomics takes, nothing left implied."""
        return {"imageType": {name: dict(options) for name, options in self.image_types.items()},
                "featureClass": {name: list(features) for name, features in self.classes.items()},
                "setting": dict(self.setting)}

    @property
    def sha256(self) -> str:
        """Return a hash that is equal for settings that give equal values."""
        return sha256_json(self.card)

    @property
    def resampled(self) -> bool:
        """Say whether images are resampled to one voxel size."""
        return self.setting.get("resampledPixelSpacing") is not None

    @property
    def ibsi(self) -> bool:
        """Say whether everything follows IBSI's definitions, preparation included."""
        return self.setting.get("definitions") == "ibsi"

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every feature column, in PyRadiomics' order: shape first, then image by image."""
        shapes = [f"original_{kind}_{feature}" for kind in _ONCE for feature in self.classes.get(kind, ())]
        rest = [f"{image}_{kind}_{feature}" for name, options in self.image_types.items()
                for image in filters(name, {**self.setting, **options})
                for kind, features in self.classes.items() if kind not in _ONCE for feature in features]
        return (*shapes, *rest)
