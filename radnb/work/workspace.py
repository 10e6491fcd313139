"""Where the workbook lies: the folder that was cloned, with its notebooks, cards, manifests and cache."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from radnb.errors import RadnbError, nearest


@dataclass(frozen=True)
class Workspace:
    """The folder that holds notebooks, study cards, manifests, reports and the cache."""

    root: Path

    @property
    def studies(self) -> Path:
        """Where the study cards lie."""
        return self.root / "notebooks" / "studies"

    @property
    def cache(self) -> Path:
        """Where results wait to be used again; safe to delete."""
        return Path(os.environ.get("RADNB_CACHE", self.root / ".radnb"))

    def manifest(self, name: str, *, beside: Path | None = None) -> Path:
        """Find a cohort manifest by its name under data_manifests/, its path or its folder, or beside a card."""
        folder = self.root / "data_manifests"
        places = [folder / f"{name}.yaml", Path(name), *([beside / name] if beside else []), self.root / name]
        for place in [file for path in places for file in (path, path / "manifest.yaml")]:
            if place.is_file():
                return place.resolve()
        known = [path.stem for path in folder.glob("*.yaml")]
        raise RadnbError(f"manifest {name!r}: no such file, nor a name in {folder}. {nearest(name, known)}",
                         code="E_MANIFEST")


def workspace() -> Workspace:
    """Find the workbook folder: RADNB_HOME, above the current folder, or where the package was cloned."""
    given = os.environ.get("RADNB_HOME")
    places = [Path(given)] if given else [*_upwards(Path.cwd()), Path(__file__).resolve().parents[2]]
    for place in places:
        if (place / "notebooks" / "studies").is_dir():
            return Workspace(place.resolve())
    raise RadnbError("No radnb workbook here: neither this folder nor one above it holds notebooks/studies. "
                     "Change into the cloned folder, or set RADNB_HOME to it.", code="E_WORKSPACE")


def _upwards(folder: Path) -> Iterable[Path]:
    return [folder, *folder.parents]
