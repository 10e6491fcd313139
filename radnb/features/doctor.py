"""Is this installation whole, and does it compute what the field agreed on? Nothing here raises: a fault is a row."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.resources
import importlib.util
import json
import logging
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psutil
from packaging.requirements import Requirement

from radnb.errors import RadnbError
from radnb.features.engine import native
from radnb.features.ibsi.compliance import agrees, phantom, pyradiomics_reference
from radnb.work.parallel import cores

PYTHONS = ((3, 11), (3, 12), (3, 13))
PACKAGES = importlib.resources.files("radnb")
LOCK = Path(str(PACKAGES)).parent / "requirements.lock"  # absent where radnb was installed without its folder
AGAIN = "Delete the folder .venv, then repeat `python3 run.py doctor`."
Row = dict[str, object]

OTHER_DEFINITION = {  # feature -> how PyRadiomics differs from IBSI; the conversions are in `_as_ibsi`
    "firstorder_Kurtosis": "PyRadiomics does not subtract 3; here 3 was subtracted",
    "shape_MajorAxisLength": "PyRadiomics divides the variance by n, IBSI by n - 1; here it was rescaled",
    "shape_MinorAxisLength": "PyRadiomics divides the variance by n, IBSI by n - 1; here it was rescaled",
    "shape_LeastAxisLength": "PyRadiomics divides the variance by n, IBSI by n - 1; here it was rescaled",
}


def diagnose(workspace: Path | None = None) -> pd.DataFrame:
    """Return one row per part of the installation: part, state, ok, mend (empty where all is well)."""
    place = Path.cwd() if workspace is None else workspace
    parts = [_python(), _packages(), _kernels(), _pyradiomics(), _compiler(), _chinese_font(), _jupyterlab(),
             _workspace(place), _disk(place), _memory(), _row("Processors", f"{cores()} to be used")]
    return pd.DataFrame(parts)


def digital_phantom() -> pd.DataFrame:
    """Recompute the IBSI-1 digital phantom with PyRadiomics: feature, ibsi_code, value, reference, tolerance, ok, note.

    Reference values: the IBSI reference manual (arXiv:1612.07003, CC BY 4.0), settings of PyRadiomics: grey levels as
    they are, texture matrices in 3-D, averaged over directions.
    """
    table = pyradiomics_reference()
    try:
        values, fault = _phantom_values(), ""
    except ImportError as error:
        values, fault = {}, f"PyRadiomics cannot be loaded ({error})"
    table.insert(2, "value", table["feature"].map(values).astype(float))
    table["ok"] = agrees(table["value"], table["reference"], table["tolerance"])
    table["note"] = fault or table["feature"].map(OTHER_DEFINITION).fillna("")
    return table


def _phantom_values() -> dict[str, float]:
    import SimpleITK as sitk
    from radiomics import featureextractor, setVerbosity

    setVerbosity(logging.CRITICAL)
    image, mask = phantom()
    voxels = int(sitk.GetArrayViewFromImage(mask).sum())
    found = featureextractor.RadiomicsFeatureExtractor(binWidth=1, additionalInfo=False).execute(image, mask)
    values = {name.removeprefix("original_"): float(value) for name, value in found.items()}
    return {name: _as_ibsi(name, value, n=voxels) for name, value in values.items()}


def _as_ibsi(name: str, value: float, *, n: int) -> float:
    if name == "firstorder_Kurtosis":
        return value - 3
    return value * (n / (n - 1)) ** 0.5 if name in OTHER_DEFINITION else value


def _row(part: str, state: str, *, ok: bool = True, mend: str = "") -> Row:
    return {"part": part, "state": state, "ok": ok, "mend": "" if ok else mend}


def _python() -> Row:
    state = f"{platform.python_version()} on {platform.system()} {platform.machine()}, {sys.prefix}"
    return _row("Python", state, ok=sys.version_info[:2] in PYTHONS, mend="Use Python 3.11, 3.12 or 3.13.")


def _packages() -> Row:
    if not LOCK.is_file():
        return _row("Packages", "not compared: this radnb was installed without its requirements.lock")
    pins = dict(locked(LOCK.read_text(encoding="utf-8")))
    here = {name: version for name in pins if (version := _version(name))}
    other = [f"{name} {version} (locked: {pins[name]})" for name, version in here.items() if version != pins[name]]
    missing = [name for name in _required() if name in pins and name not in here and name != "pyradiomics"]
    wrong = other + [f"{name} is missing" for name in missing]
    state = ", ".join(wrong) or f"{len(here)} packages, all as locked"
    return _row("Packages", state, ok=not wrong, mend=AGAIN)


def locked(lock: str) -> Iterator[tuple[str, str]]:
    """Yield name and version of the entries of a lock file that hold for this Python and machine."""
    for line in re.findall(r"^\w[^\\\n]*", lock, re.MULTILINE):
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate():
            yield requirement.name, str(requirement.specifier).removeprefix("==")


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _required() -> list[str]:
    try:
        stated = importlib.metadata.requires("radnb") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [re.sub(r"[-_.]+", "-", Requirement(line).name).lower() for line in stated]


def _set_up() -> dict[str, object]:
    """Return what run.py noted in .venv, or nothing if something else made this environment."""
    try:
        stamp: dict[str, object] = json.loads((Path(sys.prefix) / "radnb-stamp").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp


def _kernels() -> Row:
    try:
        return _row("Extraction kernels", f"built, for {native.processor()}")
    except RadnbError as error:
        why = str(_set_up().get("without_kernels", ""))
        state = f"missing, so PyRadiomics extracts, more slowly: {why or str(error).partition('. ')[0]}"
        return _row("Extraction kernels", state, ok=False,
                    mend="Mend that, then repeat `python3 run.py doctor`." if why else AGAIN)


def _pyradiomics() -> Row:
    try:
        from radiomics import _cmatrices, _cshape
    except ImportError as error:
        why = str(_set_up().get("without_extraction", "")) or str(error)
        return _row("PyRadiomics", f"missing, so radnb's own engine cannot be compared with it: {why}", ok=False,
                    mend="Mend that, then repeat `python3 run.py doctor`.")
    del _cmatrices, _cshape
    return _row("PyRadiomics", f"{_version('pyradiomics')}, with its C parts")


def _compiler() -> Row:
    noted = _set_up().get("tools")
    if isinstance(noted, list) and noted and not noted[0]:
        return _row("C compiler", "none on this machine; zig was fetched for the set-up, and removed")
    found = str(noted[0]) if isinstance(noted, list) and noted else next(filter(shutil.which, ("cc", "gcc", "cl")), "")
    return _row("C compiler", f"{found or 'none found'} (only the set-up needs one)")


def _chinese_font() -> Row:
    from matplotlib.font_manager import fontManager

    shipped = sorted(Path(str(PACKAGES)).glob("**/*.[ot]tf"))
    likely = [Path(font.fname) for font in fontManager.ttflist if _LIKELY.search(font.name)]
    found = next((path for path in [*shipped, *likely] if _has_chinese(path)), None)
    return _row("Chinese in figures", "no font" if found is None else found.name, ok=found is not None,
                mend="Install a font such as Noto Sans CJK SC; figures in Chinese show boxes without one.")


_LIKELY = re.compile(r"CJK|Noto Sans SC|Source Han|WenQuanYi|YaHei|SimHei|SimSun|PingFang|Heiti|Song|Arial Unicode")


@functools.lru_cache
def _has_chinese(path: Path) -> bool:
    from matplotlib.ft2font import FT2Font

    try:
        return ord("胰") in FT2Font(str(path)).get_charmap()
    except (OSError, RuntimeError):
        return False


def _jupyterlab() -> Row:
    version = _version("jupyterlab") if importlib.util.find_spec("jupyterlab") else ""
    return _row("JupyterLab", version or "missing", ok=bool(version), mend=AGAIN)


def _workspace(place: Path) -> Row:
    try:
        with tempfile.NamedTemporaryFile(dir=place):
            pass
    except OSError as error:
        return _row("Workspace", f"{place} cannot be written to: {error.strerror}", ok=False,
                    mend="Change to a folder of your own, or give one with -o.")
    return _row("Workspace", f"{place} can be written to")


def _disk(place: Path) -> Row:
    free = shutil.disk_usage(next(folder for folder in [place, *place.resolve().parents] if folder.exists())).free / 1e9
    return _row("Disk", f"{free:.1f} GB free", ok=free >= 2, mend="Make room: at least 2 GB should be free.")


def _memory() -> Row:
    memory = psutil.virtual_memory()
    state = f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB available"
    return _row("Memory", state, ok=memory.available >= 2e9,
                mend="Close other programs, or use fewer workers (RADNB_WORKERS=1).")
