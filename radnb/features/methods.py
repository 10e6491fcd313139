"""The paragraph of a paper that says how features were extracted, written from the settings themselves."""

from __future__ import annotations

from collections.abc import Sequence

from radnb.features.settings import Settings

_CLASSES = {"firstorder": ("first-order statistics", "一阶统计量"), "shape": ("shape", "形状"),
            "shape2D": ("two-dimensional shape", "二维形状"), "glcm": ("grey-level co-occurrence", "灰度共生矩阵"),
            "glrlm": ("grey-level run length", "灰度游程矩阵"), "glszm": ("grey-level size zone", "灰度区域大小矩阵"),
            "gldm": ("grey-level dependence", "灰度依赖矩阵"),
            "ngtdm": ("neighbouring grey-tone difference", "邻域灰度差矩阵")}
_IMAGES = {"Original": ("the original image", "原始图像"), "Square": ("its square", "平方"),
           "SquareRoot": ("its square root", "平方根"), "Logarithm": ("its logarithm", "对数"),
           "Exponential": ("its exponential", "指数"), "Gradient": ("its gradient magnitude", "梯度幅值"),
           "LBP2D": ("two-dimensional local binary patterns", "二维局部二值模式"),
           "LBP3D": ("three-dimensional local binary patterns", "三维局部二值模式")}
_INTERPOLATORS = {"sitkBSpline": ("cubic B-splines", "三次B样条"), "sitkLinear": ("linear interpolation", "线性插值"),
                  "sitkNearestNeighbor": ("nearest neighbours", "最近邻插值")}


def describe_extraction(settings: Settings, engine: str, language: str = "en") -> str:
    """Return methods text for one extraction; `engine` is what `Extraction.engine` says."""
    zh = language == "zh"
    sentences = [_software(settings, engine, zh), _normalised(settings, zh), _resampled(settings, zh),
                 _discretised(settings, zh), _images(settings, zh)]
    return ("" if zh else " ").join(filter(None, sentences))


def _software(settings: Settings, engine: str, zh: bool) -> str:
    kinds = _joined([_CLASSES[kind][zh] for kind in settings.classes], zh)
    if zh:
        return f"每个区域提取{len(settings.columns)}个影像组学特征（{kinds}），软件为{engine}。"
    return f"From each region {len(settings.columns)} radiomic features ({kinds}) were extracted with {engine}."


def _normalised(settings: Settings, zh: bool) -> str:
    setting = settings.setting
    if not setting.get("normalize"):
        return ""
    scale, outliers = setting.get("normalizeScale", 1), setting.get("removeOutliers")
    if zh:
        cut = f"，超出±{outliers:g}个标准差的值截断" if outliers else ""
        return f"先将每幅图像灰度标准化为均值0、标准差{scale:g}{cut}。"
    cut = f", values beyond {outliers:g} standard deviations being clipped" if outliers else ""
    return f"Each image was first normalised to mean 0 and standard deviation {scale:g}{cut}."


def _resampled(settings: Settings, zh: bool) -> str:
    if not settings.resampled:
        return "图像未重采样。" if zh else "Images were not resampled."
    name = settings.setting.get("interpolator", "sitkBSpline")
    how = _INTERPOLATORS.get(name, (name.removeprefix("sitk"),) * 2)[zh]
    own = "原始间距" if zh else "as scanned"
    size = " × ".join(f"{s:g}" if s else own for s in settings.setting["resampledPixelSpacing"])
    return f"图像以{how}重采样至{size} mm，掩膜以最近邻法重采样。" if zh else \
        f"Images were resampled to {size} mm with {how}, masks with nearest neighbours."


def _discretised(settings: Settings, zh: bool) -> str:
    setting = settings.setting
    if count := setting.get("binCount"):
        first = f"灰度离散为{count}级" if zh else f"Grey values were discretised into {count} levels"
    else:
        width = setting.get("binWidth", 25)
        first = f"灰度以{width:g}为固定组距离散" if zh else \
            f"Grey values were discretised with a bin width of {width:g}"
    own = [f"{kind} {options['binWidth']:g}" for kind, options in settings.image_types.items()
           if "binWidth" in options]
    other = (f"（滤波图像：{_joined(own, zh)}）" if zh else f" ({_joined(own, zh)})") if own else ""
    flat = ("，纹理按二维计算" if zh else ", and texture was computed slice by slice") if setting.get("force2D") else ""
    return f"{first}{other}{flat}{'。' if zh else '.'}"


def _images(settings: Settings, zh: bool) -> str:
    parts = []
    for kind, options in settings.image_types.items():
        merged = {**settings.setting, **options}
        if kind == "LoG":
            scales = _joined([f"{sigma:g}" for sigma in merged["sigma"]], zh)
            parts.append(f"高斯-拉普拉斯滤波图像（σ = {scales} mm）" if zh else
                         f"Laplacian of Gaussian images (sigma {scales} mm)")
        elif kind == "Wavelet":
            name, level = merged.get("wavelet", "coif1"), merged.get("level", 1)
            parts.append(f"{name}小波分解（{level}级）" if zh else
                         f"{name} wavelet decompositions ({level} level{'s' * (level > 1)})")
        else:
            parts.append(_IMAGES[kind][zh])
    return f"灰度特征取自{_joined(parts, zh)}。" if zh else f"Intensity features were taken from {_joined(parts, zh)}."


def _joined(words: Sequence[str], zh: bool) -> str:
    if zh or len(words) < 2:
        return "、".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
