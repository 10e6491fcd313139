"""What a file's name says: patient, phase, region, reader, and whether it is an image or a mask."""

from __future__ import annotations

import re
from dataclasses import dataclass

MASK_WORDS = {"mask", "masks", "seg", "segs", "segmentation", "segmentations", "label", "labels", "labelstr", "roi",
              "rois", "contour", "contours", "gt", "annotation", "annotations",
              "勾画", "掩膜", "掩模", "标注", "分割", "靶区"}
IMAGE_WORDS = {"image", "images", "img", "imgs", "imagestr", "imagests", "scan", "scans", "volume", "data", "nifti",
               "nii", "raw", "图像", "影像", "原图"}
PHASES = {
    "plain": {"plain", "nc", "ncct", "noncontrast", "unenhanced", "native", "平扫期", "平扫"},
    "arterial": {"arterial", "artery", "art", "ap", "hap", "a", "动脉期", "动脉"},
    "portal_venous": {"portal", "portalvenous", "portalvein", "venous", "vein", "pv", "pvp", "vp", "v",
                      "门静脉期", "门脉期", "静脉期", "门静脉", "门脉", "静脉"},
    "delayed": {"delayed", "delay", "dp", "延迟期", "延迟"},
    "T1": {"t1", "t1w", "t1wi"},
    "T1CE": {"t1ce", "t1c", "t1gd", "增强t1"},
    "T2": {"t2", "t2w", "t2wi"},
    "DWI": {"dwi"},
    "ADC": {"adc"},
    "FLAIR": {"flair"},
    "PET": {"pet", "suv"},
}
ROIS = {"tumour": {"tumour", "tumor", "lesion", "肿瘤", "病灶"}, "pancreas": {"pancreas", "胰腺"},
        "node": {"node", "ln", "淋巴结"}, "peritumoural": {"peritumoural", "peritumoral", "瘤周"}}
NOISE = {"ct", "mr", "mri", "phase", "venousphase", "期", "final", "corrected"}
CHINESE = sorted(((word, kind, name) for kind, groups in (("phase", PHASES), ("roi", ROIS))
                  for name, words in groups.items() for word in words if not word.isascii()),
                 key=lambda entry: -len(entry[0]))
READER = re.compile(r"(?:r|reader|rater|observer|obs|doctor|医生|医师|读者)([1-9]|[a-d甲乙丙])")
READER_NAMES = {"甲": "1", "乙": "2", "丙": "3", "a": "A", "b": "B", "c": "C", "d": "D"}
PAIRS = {("portal", "venous"), ("portal", "vein"), ("non", "contrast")}
SPLIT = re.compile(r"[^0-9a-zA-Z\u4e00-\u9fff]+")


@dataclass(frozen=True)
class Reading:
    """What the words of a name or a folder say; `rest` is what they do not explain."""

    mask: bool = False
    phase: str = ""
    roi: str = ""
    reader: str = ""
    rest: str = ""


def read_name(name: str, *, letters: bool) -> Reading:
    """Read the words of a file name; single letters (A, V) are phases only if `letters` and not at the start."""
    text, found = _chinese(name)
    phase, roi, mask = found.get("phase", ""), found.get("roi", ""), "mask" in found
    reader, rest = "", []
    for place, token in enumerate(_joined([token for token in SPLIT.split(text) if token])):
        word = token.lower()
        short = len(word) == 1
        if (numbered := re.fullmatch(r"(?:mask|seg|label|roi)(\d*)", word)) or word in MASK_WORDS:
            mask = True
            reader = f"R{numbered[1]}" if numbered and numbered[1] else reader
        elif (hit := READER.fullmatch(word)) and place > 0:
            reader = "R" + READER_NAMES.get(hit[1], hit[1])
        elif (named := _lookup(word, PHASES)) and not phase and (not short or (letters and place > 0)):
            phase = named
        elif (named := _lookup(word, ROIS)) and not roi:
            roi = named
        elif word not in IMAGE_WORDS and word not in NOISE:
            rest.append(token)
    return Reading(mask, phase, roi, reader, "_".join(rest))


def _joined(tokens: list[str]) -> list[str]:
    """Put `reader 2` and `portal venous` together, as they are written apart."""
    joined: list[str] = []
    for token in tokens:
        before = joined[-1].lower() if joined else ""
        numbered = before in ("reader", "rater", "observer") and re.fullmatch(r"[1-9a-dA-D]", token)
        if numbered or (before, token.lower()) in PAIRS:
            joined[-1] += token
        else:
            joined.append(token)
    return joined


def _chinese(name: str) -> tuple[str, dict[str, str]]:
    """Take the Chinese words for phase, region, mask and image out of a name."""
    found: dict[str, str] = {}
    for word, kind, meaning in CHINESE:
        if word in name and kind not in found:
            found[kind], name = meaning, name.replace(word, "_")
    for word in sorted(w for w in MASK_WORDS if not w.isascii()):
        if word in name:
            found["mask"], name = "yes", name.replace(word, "_")
    for word in sorted(w for w in IMAGE_WORDS if not w.isascii()):
        name = name.replace(word, "_")
    return re.sub(r"(医生|医师|读者)([1-9甲乙丙])", r"_\1\2_", name), found


def _lookup(word: str, groups: dict[str, set[str]]) -> str:
    return next((name for name, words in groups.items() if word in words), "")
