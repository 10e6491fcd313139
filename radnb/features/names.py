"""What a feature's name means, in words for a clinician and as a short label for a figure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from radnb.features.catalogue import FEATURES
from radnb.features.ibsi.standard import AGGREGATIONS, FAMILY_WORDS, KINDS, WORDS
from radnb.features.percentiles import PERCENTILE, is_percentile
from radnb.features.words import CLASS_WORDS, FEATURE_WORDS, PHASE_WORDS

_NAME = re.compile(
    r"(?:(?P<phase>.+?)_)?(?P<image>original|log-sigma-[\d-]+-mm-[23]D(?:-riesz-\d{3})?|wavelet\d*-[LH]{2,3}|square"
    r"|squareroot|logarithm|exponential|gradient|lbp-2D|lbp-3D-(?:m\d+|k)|ssf-[\d-]+-mm|mean-\d+"
    r"|laws-(?:[LESWR][35]){2,3}(?:-energy-\d+)?|gabor-sigma-[\d-]+-wave-[\d-]+-mm|simoncelli-\d+(?:-riesz-\d{3})?)"
    rf"_(?P<kind>{'|'.join([*FEATURES, *KINDS])})_(?P<feature>[A-Za-z0-9.]+)")
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
_NUMBERED = {  # image -> English after the comma, Chinese in front, short English, short Chinese
    r"log-sigma-([\d-]+)-mm-3D": (
        "after a filter that brings out structures of about {} mm", "经突出约{} mm结构的滤波后",
        "LoG {} mm", "LoG {} mm"),
    r"log-sigma-([\d-]+)-mm-2D": (
        "after a filter that brings out structures of about {} mm, slice by slice", "逐层经突出约{} mm结构的滤波后",
        "LoG 2-D {} mm", "二维LoG {} mm"),
    r"log-sigma-([\d-]+)-mm-([23])D-riesz-(\d+)": (
        "after a filter that brings out edges of about {} mm along certain axes ({}-D Riesz {})",
        "经突出特定方向约{} mm边缘的滤波后（{}维Riesz {}）", "LoG {} mm {}-D Riesz {}", "LoG {} mm {}维Riesz {}"),
    r"ssf-([\d-]+)-mm": (
        "after a filter that brings out structures with a radius of about {} mm", "经突出半径约{} mm结构的滤波后",
        "SSF {} mm", "SSF {} mm"),
    r"lbp-3D-m(\d+)": (
        "in the image of small three-dimensional patterns (level {})", "在三维局部纹理模式图像上（第{}级）",
        "LBP 3-D m{}", "三维LBP m{}"),
    r"mean-(\d+)": (
        "after averaging over {} voxels in each direction", "经每个方向{}个体素平均后", "mean of {}", "均值滤波 {}"),
    r"laws-(\w+)": (
        "after a filter for one small pattern (Laws {})", "经某种细小纹理的滤波后（Laws {}）", "Laws {}", "Laws {}"),
    r"laws-(\w+)-energy-(\d+)": (
        "in the image of how strong one small pattern is (Laws {}, {} voxels around)",
        "在某种细小纹理的强度图像上（Laws {}，周围{}个体素）", "Laws {} energy {}", "Laws {} 能量 {}"),
    r"gabor-sigma-([\d-]+)-wave-([\d-]+)-mm": (
        "after a filter that brings out stripes (Gabor, {} mm wide, {} mm apart)",
        "经突出条纹的滤波后（Gabor，宽{} mm，间距{} mm）", "Gabor {}/{} mm", "Gabor {}/{} mm"),
    r"simoncelli-(\d+)": (
        "after a filter that leaves structures of one size in all directions (scale {})",
        "经仅保留各方向单一尺度结构的滤波后（第{}级）", "Simoncelli {}", "Simoncelli {}"),
    r"simoncelli-(\d+)-riesz-(\d+)": (
        "after a filter that leaves structures of one size along certain axes (scale {}, Riesz {})",
        "经仅保留特定方向单一尺度结构的滤波后（第{}级，Riesz {}）", "Simoncelli {} Riesz {}", "Simoncelli {} Riesz {}")}
_CHANGES = {"delta_absolute": ("change", "变化"), "delta_relative": ("relative change", "相对变化")}
_TITLES = {"Id": "Inverse difference", "Idm": "Inverse difference moment", "Idn": "Inverse difference normalised",
           "Idmn": "Inverse difference moment normalised", "Imc1": "Information correlation 1",
           "Imc2": "Information correlation 2", "MCC": "Maximal correlation coefficient",
           "MoransI": "Moran's I", "GearysC": "Geary's C", "CentreOfMassShift": "Centre of mass shift",
           "VolumeAt10Intensity": "Volume at 10 % intensity", "VolumeAt90Intensity": "Volume at 90 % intensity",
           "IntensityAt10Volume": "Intensity at 10 % volume", "IntensityAt90Volume": "Intensity at 90 % volume",
           "VolumeDifference10To90": "Volume difference, 10 to 90 % intensity",
           "IntensityDifference10To90": "Intensity difference, 10 to 90 % volume"}


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
    return (kind, feature) in FEATURE_WORDS or (kind == "firstorder" and is_percentile(feature))


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
    """Return in words what stands before the feature: change, time point, region, phase, as far as they are there."""
    before = re.sub(r"[\s-]+", "_", found.phase).lower()
    change = next((words[place] for word, words in _CHANGES.items() if f"{before}_".startswith(f"{word}_")), "")
    rest = found.phase[len("delta_absolute_"):] if change else found.phase  # both words are equally long
    known = max((word for word in PHASE_WORDS if f"_{before}".endswith(f"_{word}")), key=len, default="")
    rest = rest[:len(rest) - len(known)].replace("_", " ").strip()
    return ("，" if place else ", ").join(filter(None, [rest, PHASE_WORDS[known][place] if known else "", change]))


def _numbered(image: str, place: int) -> str:
    """Return the words for an image with numbers in its name, or nothing for any other."""
    for pattern, words in _NUMBERED.items():
        if found := re.fullmatch(pattern, image):
            return words[place].format(*(number.replace("-", ".").removesuffix(".0") for number in found.groups()))
    return ""


def _filter(found: Parts, place: int) -> str:
    image = found.image
    if image == "original":
        return ""
    if image.startswith("wavelet"):
        return _wavelet(image, place)
    return _numbered(image, place) or _FILTERS[image][place]


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
    if image.startswith("wavelet"):
        return f"{('wavelet', '小波')[place]}{image.removeprefix('wavelet').replace('-', ' ')}"
    return _numbered(image, 2 + place) or _BRIEF[image][place]
