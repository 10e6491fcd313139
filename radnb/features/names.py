"""What a feature's name means, in words for a clinician and as a short label for a figure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from radnb.features.catalogue import FEATURES, PERCENTILE
from radnb.features.ibsi.standard import AGGREGATIONS, FAMILY_WORDS, KINDS, WORDS
from radnb.features.words import CLASS_WORDS, FEATURE_WORDS, PHASE_WORDS

_NAME = re.compile(
    r"(?:(?P<phase>.+?)_)?(?P<image>original|log-sigma-[\d-]+-mm-3D|wavelet\d*-[LH]{2,3}|square|squareroot|logarithm"
    rf"|exponential|gradient|lbp-2D|lbp-3D-(?:m\d+|k))_(?P<kind>{'|'.join([*FEATURES, *KINDS])})"
    r"_(?P<feature>[A-Za-z0-9.]+)")
_FILTERS = {  # English after the comma, Chinese in front
    "square": ("after squaring the grey values (bright parts weigh more)", "灰度平方变换后（突出高灰度部分）"),
    "squareroot": ("after taking square roots of the grey values (contrasts evened out)",
                   "灰度开方变换后（缩小灰度差异）"),
    "logarithm": ("after taking logarithms of the grey values (contrasts evened out)",
                  "灰度对数变换后（缩小灰度差异）"),
    "exponential": ("after an exponential stretch of the grey values (bright parts weigh most)",
                    "灰度指数变换后（明显突出高灰度部分）"),
    "gradient": ("in the image of edges (how steeply grey values change)", "在边缘（梯度）图像上"),
    "lbp-2D": ("in the image of small two-dimensional patterns", "在二维局部纹理模式图像上"),
    "lbp-3D-k": ("in the image of how peaked the surroundings of each voxel are", "在三维局部峰度图像上")}
_BRIEF = {"square": ("square", "平方"), "squareroot": ("square root", "平方根"), "logarithm": ("logarithm", "对数"),
          "exponential": ("exponential", "指数"), "gradient": ("gradient", "梯度"), "lbp-2D": ("LBP 2-D", "二维LBP"),
          "lbp-3D-k": ("LBP 3-D kurtosis", "三维LBP峰度")}
_TITLES = {"Id": "Inverse difference", "Idm": "Inverse difference moment", "Idn": "Inverse difference normalised",
           "Idmn": "Inverse difference moment normalised", "Imc1": "Information correlation 1",
           "Imc2": "Information correlation 2", "MCC": "Maximal correlation coefficient",
           "MoransI": "Moran's I", "GearysC": "Geary's C", "CentreOfMassShift": "Centre of mass shift"}


@dataclass(frozen=True)
class Parts:
    """A feature name taken apart."""

    phase: str
    image: str
    kind: str
    feature: str


def parts(name: str) -> Parts | None:
    """Take the name of one of radnb's features, with or without a phase before it, apart; None for any other name."""
    found = _NAME.fullmatch(name)
    if found is None or not _known(found["kind"], found["feature"]):
        return None
    return Parts(found["phase"] or "", found["image"], found["kind"], found["feature"])


def _known(kind: str, feature: str) -> bool:
    if kind in KINDS:
        return (KINDS[kind][0], feature) in WORDS
    return (kind, feature) in FEATURE_WORDS or (kind == "firstorder" and PERCENTILE.fullmatch(feature) is not None)


def _words(found: Parts) -> tuple[str, str, str]:
    """Return short Chinese name, English and Chinese explanation."""
    if found.kind in KINDS:
        feature = WORDS[KINDS[found.kind][0], found.feature]
        unit = "" if feature.unit == "-" else f"; {feature.unit}"
        return (feature.short_chinese, f"{feature.english} (IBSI {feature.code}{unit})",
                f"{feature.chinese}（IBSI {feature.code}{unit.replace('; ', '；')}）")
    if (found.kind, found.feature) not in FEATURE_WORDS:
        share = found.feature.removesuffix("Percentile")
        return (f"第{share}百分位数", f"Grey value that {share} % of the tumour lies below",
                f"肿瘤中有{share}%的体素低于该灰度值")
    return FEATURE_WORDS[found.kind, found.feature]


def _class(kind: str, place: int) -> str:
    if kind not in KINDS:
        return CLASS_WORDS[kind][place]
    family, aggregation = KINDS[kind]
    words = [f"IBSI {FAMILY_WORDS[family][1 + place]}"]
    return ("，" if place else ", ").join([*words, *([AGGREGATIONS[aggregation][2 + place]] if aggregation else [])])


def explain(name: str, language: str = "en") -> str:
    """Say in plain words what a feature measures; a name that is not PyRadiomics' is given back with a note."""
    found = parts(name)
    if found is None:
        return f"{name}（来自所提供的表格）" if language == "zh" else f"{name} (from the table supplied)"
    _, english, chinese = _words(found)
    if language == "zh":
        return "：".join(filter(None, ["，".join(filter(None, [_phase(found, 1), _filter(found, 1)])), chinese]))
    return ", ".join(filter(None, [english, _filter(found, 0), _phase(found, 0)]))


def short_name(name: str, language: str = "en") -> str:
    """Return a label for a figure, as in `Contrast (GLCM), LoG 2 mm, arterial phase`."""
    found = parts(name)
    if found is None:
        return name
    place = 1 if language == "zh" else 0
    title = _words(found)[0] if place else _spaced(found.feature)
    kind = _class(found.kind, place)
    rest = [_brief(found.image, place), _phase(found, place)]
    return "，".join(filter(None, [f"{title}（{kind}）", *rest])) if place else \
        ", ".join(filter(None, [f"{title} ({kind})", *rest]))


def _spaced(feature: str) -> str:
    if feature in _TITLES:
        return _TITLES[feature]
    if PERCENTILE.fullmatch(feature):
        return f"{_ordinal(feature.removesuffix('Percentile'))} percentile"
    words = re.sub(r"(?<=[a-z])(?=[A-Z0-9])|(?<=D)(?=[A-Z][a-z])", " ", feature).split()
    first, *rest = [word.replace("Gray", "Grey") for word in words]
    text = " ".join([first, *(word if word.isupper() or word[0].isdigit() else word.lower() for word in rest)])
    return text.replace("non uniformity", "non-uniformity").replace("normalized", "normalised")


def _ordinal(number: str) -> str:
    ending = {"1": "st", "2": "nd", "3": "rd"}.get(number[-1], "th")
    return number + ("th" if number in ("11", "12", "13") or "." in number else ending)


def _phase(found: Parts, place: int) -> str:
    if not found.phase:
        return ""
    known = PHASE_WORDS.get(re.sub(r"[\s-]+", "_", found.phase).lower())
    return known[place] if known else found.phase.replace("_", " ")


def _sigma(image: str) -> str:
    return image.removeprefix("log-sigma-").removesuffix("-mm-3D").replace("-", ".").removesuffix(".0")


def _filter(found: Parts, place: int) -> str:
    image = found.image
    if image == "original":
        return ""
    if image.startswith("log-sigma"):
        return (f"after a filter that brings out structures of about {_sigma(image)} mm",
                f"经突出约{_sigma(image)} mm结构的滤波后")[place]
    if image.startswith("wavelet"):
        return _wavelet(image, place)
    if image.startswith("lbp-3D-m"):
        level = image.removeprefix("lbp-3D-m")
        return (f"in the image of small three-dimensional patterns (level {level})",
                f"在三维局部纹理模式图像上（第{level}级）")[place]
    return _FILTERS[image][place]


def _wavelet(image: str, place: int) -> str:
    level, bands = image.removeprefix("wavelet").split("-")
    scale = (f" (scale {level})", f"（第{level}级）")[place] if level else ""
    fine = bands.count("H")
    if not fine:
        return ("after smoothing that leaves the coarse structures", "经平滑仅保留粗大结构后")[place] + scale
    if fine == len(bands):
        return ("after a filter that leaves only fine detail in all directions",
                "经仅保留各方向细微结构的滤波后")[place] + scale
    return (f"after a filter that leaves fine detail in {fine} of {len(bands)} directions ({bands})",
            f"经保留{len(bands)}个方向中{fine}个方向细微结构的滤波后（{bands}）")[place] + scale


def _brief(image: str, place: int) -> str:
    if image == "original":
        return ""
    if image.startswith("log-sigma"):
        return f"LoG {_sigma(image)} mm"
    if image.startswith("wavelet"):
        return f"{('wavelet', '小波')[place]}{image.removeprefix('wavelet').replace('-', ' ')}"
    if image.startswith("lbp-3D-m"):
        return f"{('LBP 3-D ', '三维LBP ')[place]}{image.removeprefix('lbp-3D-')}"
    return _BRIEF[image][place]
