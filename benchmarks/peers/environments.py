"""An environment for each peer, made once with uv: what it needs and does not declare is named here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = [f"{name}=={version(name)}" for name in ("numpy", "SimpleITK", "PyWavelets")]  # one arithmetic for both
STEPS: dict[str, list[list[str]]] = {  # peer -> what is installed, step by step
    "pyradiomics": [[*OURS, "setuptools<81", "wheel", str(ROOT / "build_shim")],
                    ["--no-build-isolation", "pyradiomics==3.0.1"]],
    "pictologics": [["pictologics==0.9.0"]],
    "flash": [["flash-radiomics==1.0.0", *OURS, "h5py", "pykwalify", "scipy", "scikit-image", "scikit-learn",
               "trimesh"]]}  # all but the first undeclared


def environment(peer: str, folder: Path, *, newer: str | None = None) -> Path:
    """Return the Python of a peer's environment, making the environment if it is not there."""
    made, done = folder / peer, folder / f"{peer}.done"
    python = made / "bin" / "python"
    if not done.is_file():
        uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
        if uv is None:
            raise SystemExit("uv makes the peers' environments and was not found: pip install uv")
        base = (newer or _newer()) if peer == "pictologics" else sys.executable
        subprocess.run([uv, "venv", "-q", "--clear", "--no-config", "--python", base, str(made)], check=True)
        for step in STEPS[peer]:
            subprocess.run([uv, "pip", "install", "-q", "--no-config", "--python", str(python), *step], check=True)
        done.touch()
    return python


def _newer() -> str:
    """Return a Python of 3.12 or later, which pictologics needs."""
    if sys.version_info >= (3, 12):
        return sys.executable
    found = next((name for name in ("python3.13", "python3.12") if shutil.which(name)), None)
    if found is None:
        raise SystemExit("pictologics needs Python 3.12 or later: name one with --newer-python.")
    return found
