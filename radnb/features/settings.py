"""Extraction settings: PyRadiomics' own YAML, but a misspelt or contradictory line is refused, not ignored.

IBSI's definitions are asked for with `definitions: ibsi` under `setting`; single families of them (as in `ibsi-ivh`)
may also stand among PyRadiomics' classes.  `firstorder` takes any percentile by its name, as in `97.5Percentile`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from radnb.errors import RadnbError, nearest, raise_all
from radnb.features.catalogue import (
    FEATURES,
    IBSI,
    IBSI_OPTIONS,
    IBSI_TYPES,
    IMAGE_TYPES,
    IMAGE_TYPES_OF_RADNB,
    NEEDED,
    NEEDS,
    OF_IBSI,
    OF_IBSI_FAMILIES,
    OF_PYRADIOMICS,
    OF_THE_WHOLE,
    ON_REQUEST,
    ONLY_FOR,
    WITHDRAWN,
)
from radnb.features.ibsi.local import RADIUS_MM
from radnb.features.ibsi.standard import DIRECTIONAL, KINDS, PREFIX, ZONAL, kinds
from radnb.features.options import OF_RADNB, SETTINGS, VOXEL
from radnb.features.percentiles import is_percentile
from radnb.features.wanted import Options, Settings
from radnb.work.cards import read_card

__all__ = ["PRESETS", "Settings", "checked", "presets", "settings"]
PRESETS = Path(__file__).with_name("presets")
_SECTIONS = ("imageType", "featureClass", "setting", "voxelSetting")
_KNOWN = {**SETTINGS, **OF_RADNB}


def presets() -> list[str]:
    """List the names of the settings that come with radnb."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def settings(name_or_path: str | Path) -> Settings:
    """Read a preset or a PyRadiomics parameter file (YAML or JSON); every fault is told at once, with its mend."""
    text = str(name_or_path)
    path = PRESETS / f"{text}.yaml" if text in presets() else Path(text)
    if not path.is_file():
        raise RadnbError(f"extraction: there is neither a preset nor a file {text!r}. {nearest(text, presets())}",
                         code="E_CONFIG")
    return checked(read_card(path), name=path.stem, where=path.name)


def checked(card: Mapping[str, Any], *, name: str, where: str = "extraction settings") -> Settings:
    """Check a mapping of PyRadiomics parameters whole and return it as settings."""
    raise_all([f"{where}: {section}: this must be a mapping of `key: value` lines." for section in _SECTIONS
               if not isinstance(card.get(section) or {}, Mapping)], code="E_CONFIG")
    types, classes, setting, voxel = (dict(card.get(section) or {}) for section in _SECTIONS)
    found = [f"{key}: unknown section. {nearest(key, _SECTIONS)}" for key in card if key not in _SECTIONS]
    found += [*_image_type_problems(types), *_class_problems(classes), *_option_problems(setting, "setting"),
              *_option_problems(voxel, "voxelSetting", VOXEL)]
    raise_all([f"{where}: {problem}" for problem in found], code="E_CONFIG")
    types = {kind: dict(options or {}) for kind, options in (types or {"Original": {}}).items()}
    classes = classes or _all_classes(setting)
    raise_all([f"{where}: {problem}" for problem in _contradictions(types, classes, setting)], code="E_CONFIG")
    wanted = {each: _wanted(each, features) for kind, features in classes.items() for each in _kinds(kind, setting)}
    return replace(_frozen(name, types, wanted, setting), voxel=_read(voxel, VOXEL))


def _frozen(name: str, types: dict[str, Any], wanted: dict[str, tuple[str, ...]], setting: dict[str, Any]) -> Settings:
    unused = ("label", "additionalInfo", "correctMask", "label_channel")
    kept = {key: value for key, value in setting.items() if key not in unused and value is not None}
    kept.pop("aggregation", None)  # now said by the classes
    in_slices = kept.get("definitions") == "ibsi" and not any(
        kind == "ibsi-morphology" or KINDS[kind][1].startswith("3D") for kind in wanted)
    kept.setdefault("minimumROIDimensions", 2 if kept.get("force2D") or in_slices else 3)
    return Settings(name, types, wanted, kept)


def _all_classes(setting: Options) -> dict[str, None]:
    if setting.get("definitions") == "ibsi":
        return {kind: None for kind in IBSI if kind not in KINDS or not KINDS[kind][1]}
    return {kind: None for kind in FEATURES if kind != "shape2D"}


def _kinds(kind: str, setting: Options) -> tuple[str, ...]:
    """Return the classes that one line stands for: a family of matrices is measured in every aggregation asked for."""
    if not kind.startswith(PREFIX) or kind in KINDS:
        return (kind,)
    return kinds(kind.removeprefix(PREFIX), tuple(setting.get("aggregation", ("3D-averaged",))))


def _wanted(kind: str, features: list[str] | None) -> tuple[str, ...]:
    return tuple(features or {**FEATURES, **IBSI}[kind])


def _image_type_problems(types: Mapping[str, Any]) -> list[str]:
    found = []
    for kind, options in types.items():
        if kind not in (*IMAGE_TYPES, *IMAGE_TYPES_OF_RADNB):
            found.append(f"imageType.{kind}: unknown image type. "
                         f"{nearest(kind, [*IMAGE_TYPES, *IMAGE_TYPES_OF_RADNB])}")
        elif not isinstance(options or {}, Mapping):
            found.append(f"imageType.{kind}: this must be a mapping, as in `{kind}: {{}}`.")
        else:
            found += _option_problems(options or {}, f"imageType.{kind}")
            found += _misplaced(kind, options or {})
    return found


def _misplaced(kind: str, options: Mapping[str, Any]) -> list[str]:
    found = [f"imageType.{kind}.{key}: PyRadiomics ignores this here. Move it to `setting`."
             for key in options if key in OF_THE_WHOLE]
    return found + [f"imageType.{kind}.{key}: this belongs to {ONLY_FOR[key]}. Move it there."
                    for key in options if ONLY_FOR.get(key, kind) != kind]


def _class_problems(classes: Mapping[str, Any]) -> list[str]:
    found = []
    for kind, features in classes.items():
        if kind not in {**FEATURES, **IBSI}:
            found.append(f"featureClass.{kind}: unknown feature class. {nearest(kind, {**FEATURES, **IBSI})}")
        elif features is not None and not isinstance(features, list):
            found.append(f"featureClass.{kind}: this must be a list of features, or empty for all of them.")
        else:
            found += [f"featureClass.{kind}: {problem}" for problem in _feature_problems(kind, features or [])]
    return found


def _feature_problems(kind: str, features: list[Any]) -> list[str]:
    words, gone = [str(feature) for feature in features], WITHDRAWN.get(kind, {})
    known = {*{**FEATURES, **IBSI}[kind], *ON_REQUEST.get(kind, ())}
    if kind == "firstorder":
        known |= {word for word in words if is_percentile(word)}
    found = [f"{word}: PyRadiomics has withdrawn this feature (equal: {gone[word]}). Delete it."
             for word in words if word in gone]
    found += [f"{word}: unknown feature. {nearest(word, known)}" for word in words if word not in {*known, *gone}]
    return found + [f"{word}: named twice. Delete one." for word in dict.fromkeys(words) if words.count(word) > 1]


def _option_problems(options: Mapping[str, Any], where: str, known: Mapping[str, Any] = _KNOWN) -> list[str]:
    found = []
    for key, value in options.items():
        if key not in known:
            found.append(f"{where}.{key}: unknown setting. {nearest(key, known)}")
            continue
        try:
            TypeAdapter(known[key]).validate_python(value)
        except ValidationError as error:
            reason = error.errors()[0]["msg"].removeprefix("Value error, ")
            found.append(f"{where}.{key}: {value!r} will not do: {reason[:1].lower()}{reason[1:]}.")
    return found


def _read(options: Options, known: Mapping[str, Any]) -> dict[str, Any]:
    return {key: TypeAdapter(known[key]).validate_python(value) for key, value in options.items()}


def _contradictions(types: Mapping[str, Options], classes: Mapping[str, Any], setting: Options) -> list[str]:
    return [*_of_mask(setting), *_of_filters(types, setting), *_of_bins(types, setting), *_of_shape(classes, setting),
            *_of_grid(setting), *_of_definitions(types, classes, setting), *_of_families(classes, setting)]


def _of_mask(setting: Options) -> list[str]:
    found = []
    if setting.get("correctMask"):
        found.append("setting.correctMask: masks are never resampled unseen. Resample the mask onto the image's grid "
                     "yourself, look at it, and delete this line.")
    if setting.get("label", 1) != 1:
        found.append("setting.label: the label stands in the manifest, row by row. Name it there and delete this line.")
    if setting.get("label_channel"):
        found.append("setting.label_channel: masks with several channels are not read. Save the channel as a mask.")
    return found


def _of_filters(types: Mapping[str, Options], setting: Options) -> list[str]:
    found = [f"setting.{key}: there is no image type {kind} that would use it. Add {kind} or delete this line."
             for key, kind in ONLY_FOR.items() if key in setting and kind not in types]
    found += [f"imageType.{kind}: without `{key}` no image is made. Add, for example, {key}: {example}."
              for kind, keys in NEEDED.items() if kind in types
              for key, example in keys.items() if key not in {**setting, **types[kind]}]
    found += _of_ibsi(types, setting)
    if "LBP2D" in types and not {**setting, **types["LBP2D"]}.get("force2D"):
        found.append("imageType.LBP2D: this filter works slice by slice. Set force2D: true, or take LBP3D.")
    if "LBP3D" in types and {**setting, **types["LBP3D"]}.get("force2D"):
        found.append("imageType.LBP3D: this filter works in three dimensions. Delete force2D, or take LBP2D.")
    return found


def _of_ibsi(types: Mapping[str, Options], setting: Options) -> list[str]:
    if setting.get("definitions") != "ibsi":
        only = [*(f"imageType.{kind}" for kind in types if kind in IBSI_TYPES),
                *(f"{place}.{key}" for place, options in _places(types, setting) for key in options
                  if key in IBSI_OPTIONS)]
        return [f"{place}: this is a filter of IBSI 2. Set definitions: ibsi in `setting`, or delete this line."
                for place in only]
    found = [f"imageType.{kind}.{key}: this belongs to {', '.join(IBSI_OPTIONS[key])}. Move it there."
             for kind, options in types.items() for key in options if kind not in IBSI_OPTIONS.get(key, (kind,))]
    found += [f"imageType.{kind}: IBSI has no such filter. Take LoG, SSF, Wavelet, {', '.join(IBSI_TYPES)}, or delete "
              "this line." for kind in types if kind not in ("Original", "LoG", "SSF", "Wavelet", *IBSI_TYPES)]
    options = {**setting, **types.get("Laws", {})}
    parts, laws = 2 if options.get("inSlices") else 3, options.get("laws", [])
    return found + [f"imageType.Laws.laws: {kernels}: {parts} kernels are needed, one for each direction that is "
                    "filtered. Add or delete one." for kernels in laws if len(kernels) != 2 * parts]


def _places(types: Mapping[str, Options], setting: Options) -> list[tuple[str, Options]]:
    return [("setting", setting), *((f"imageType.{kind}", options) for kind, options in types.items())]


def _of_bins(types: Mapping[str, Options], setting: Options) -> list[str]:
    where = {"setting": setting, **{f"imageType.{kind}": options for kind, options in types.items()}}
    found = [f"{place}: binWidth and binCount exclude each other (PyRadiomics would use binCount). Delete one."
             for place, options in where.items() if options.get("binCount") and "binWidth" in options]
    return found + [f"imageType.{kind}.binWidth: binCount in `setting` would overrule it. Delete one."
                    for kind, options in types.items()
                    if "binWidth" in options and setting.get("binCount") and "binCount" not in options]


def _of_shape(classes: Mapping[str, Any], setting: Options) -> list[str]:
    if "shape2D" in classes and not setting.get("force2D"):
        return ["featureClass.shape2D: two-dimensional shape needs force2D: true. Add it, or take shape."]
    return []


def _of_grid(setting: Options) -> list[str]:
    found = [f"setting.{key}: this has no effect without {other}. Add {other} or delete this line."
             for key, other in NEEDS.items() if key in setting and setting[key] not in (None, False)
             and not setting.get(other)]
    spacing = setting.get("resampledPixelSpacing")
    if spacing is not None and not any(spacing):
        found.append("setting.resampledPixelSpacing: three zeros resample nothing. Give a spacing in mm, or delete it.")
    if spacing is not None and setting.get("interpolator", "") is None:
        found.append("setting.interpolator: resampling needs one. Set interpolator: sitkBSpline.")
    if spacing is not None and setting.get("preCrop"):
        found.append("setting.preCrop: resampling crops already, so this has no effect. Delete it.")
    return found


def _of_definitions(types: Mapping[str, Options], classes: Mapping[str, Any], setting: Options) -> list[str]:
    """List what one set of definitions does not know of the other."""
    if setting.get("definitions") != "ibsi":
        return [f"setting.{key}: PyRadiomics' definitions leave no choice here. Add definitions: ibsi, or delete this "
                "line." for key in OF_IBSI if key in setting]
    found = [f"featureClass.{kind}: this class is PyRadiomics'. Take the families ibsi-..., or delete definitions: "
             "ibsi (single IBSI families may stand among PyRadiomics' classes)."
             for kind in classes if kind in FEATURES]
    found += [f"setting.{key}: IBSI's definitions leave no choice here. {mend}"
              for key, mend in OF_PYRADIOMICS.items() if setting.get(key) not in (None, False)]
    if setting.get("interpolator") not in (None, "sitkNearestNeighbor", "sitkLinear", "sitkBSpline"):
        found.append("setting.interpolator: IBSI knows sitkNearestNeighbor, sitkLinear and sitkBSpline (cubic). "
                     "Choose one.")
    limits = list(setting.get("resegmentRange") or [])
    if limits != sorted(limits):
        found.append("setting.resegmentRange: the lower end is above the upper one. Exchange them.")
    return found


def _of_families(classes: Mapping[str, Any], setting: Options) -> list[str]:
    """List what contradicts itself in aggregations and steps of IBSI families."""
    named = [kind.removeprefix(PREFIX) for kind in classes if kind.startswith(PREFIX)]
    found = [f"setting.{key}: there is no IBSI family that would use it. Add one (as in ibsi-ivh) or delete this line."
             for key in OF_IBSI_FAMILIES if key in setting and not named]
    if named and "aggregation" in setting and not {*named} & {*DIRECTIONAL, *ZONAL}:
        found.append("setting.aggregation: no family without its own aggregation would use it. Add one (as in "
                     "ibsi-glcm) or delete this line.")
    if "ivhBinWidth" in setting and "ivhBinCount" in setting:
        found.append("setting: ivhBinWidth and ivhBinCount exclude each other. Delete one.")
    if "local" in named and setting.get("definitions") != "ibsi" and (pad := _short_pad(setting)):
        found.append(f"setting.padDistance: the ball of ibsi-local reaches 6.2 mm, but PyRadiomics keeps less around "
                     f"the region when it resamples. Set padDistance: {pad}.")
    asked = [each for kind in classes for each in _kinds(kind, setting)]
    return found + [f"featureClass.{kind}: named by itself and through its family's aggregation. Delete one."
                    for kind in dict.fromkeys(asked) if asked.count(kind) > 1]


def _short_pad(setting: Options) -> int:
    """Return the padDistance that ibsi-local needs, or 0 where there is enough."""
    steps = [step for step in setting.get("resampledPixelSpacing") or () if step]
    needed = math.ceil(RADIUS_MM / min(steps)) if steps else 0
    return needed if needed > setting.get("padDistance", 5) else 0
