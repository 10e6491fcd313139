"""What the commands about features call: measure a cohort, ask the store, compare tables.

Neither models nor reports are loaded for this: a run of a few seconds should not wait for them.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import importlib.metadata
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from radnb import __version__
from radnb.cohort.cases import cases
from radnb.cohort.manifest import Manifest, load_manifest
from radnb.errors import RadnbError, nearest
from radnb.features.chunks import chunk, part_of, snakefile
from radnb.features.engine.engine import version
from radnb.features.engine.maps import feature_maps, mappable
from radnb.features.engines import choose
from radnb.features.export import export, inert, refuse_target
from radnb.features.extraction import KEYS, Extraction, extract
from radnb.features.settings import Settings, settings
from radnb.features.store import Store
from radnb.imaging.faults import short
from radnb.imaging.regions import MINIMUM_VOXELS, Pair, region
from radnb.imaging.volumes import read_volume
from radnb.work import files
from radnb.work.workspace import workspace

if TYPE_CHECKING:
    import SimpleITK as sitk

    from radnb.features.difference import Difference

PACKAGES = ("radnb", "numpy", "pandas", "scipy", "scikit-learn", "SimpleITK", "pyradiomics", "lifelines", "matplotlib",
            "papermill", "nbconvert")
WAIT_SECONDS = 1800  # for another process that makes the same cohort: two notebooks, opened at once
SHOWN = 20


@dataclass(frozen=True)
class Measured:
    """Features of the study's cases, the cases that failed, one sentence about the work done, warnings about bins,
    and the record of engine and verification for run.json."""

    features: pd.DataFrame | None
    failures: pd.DataFrame
    sentence: str
    warnings: Sequence[str] = ()
    record: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def told(self) -> list[str]:
        """Return the sentence, the warnings and, each with its case, the failures (the first of many)."""
        shown = [f"  failed: {', '.join(filter(None, map(str, row[:len(KEYS)])))}: {row[-1]}"
                 for row in self.failures.head(SHOWN)[[*KEYS, "message"]].itertuples(index=False)]
        more = len(self.failures) - SHOWN
        warned = [f"  warning: {text}" for text in self.warnings]
        return [self.sentence, *warned, *shown, *([f"  ... and {more} more failed."] if more > 0 else [])]


def open_manifest(name: str, *, beside: Path | None = None) -> Manifest:
    """Find and check a manifest; a synthetic cohort that is not there yet is made."""
    manifest = load_manifest(workspace().manifest(name, beside=beside))
    if manifest.make:
        from radnb.cohort.synth import SYNTH

        (kind, given), = manifest.make.items()
        if kind not in SYNTH:
            raise RadnbError(f"{manifest.path}: make: {kind!r} cannot be made. {nearest(kind, SYNTH)}", code="E_CONFIG")
        with files.lock(manifest.root.parent / f"making {manifest.root.name}", wait_seconds=WAIT_SECONDS):
            SYNTH[kind](manifest.root, **(given or {}))
    return manifest


def extract_cohort(name: str, preset: str, *, out: Path | None = None, timeout: float = 600,
                   engine: str | None = None, verify: str = "some", only: str | None = None) -> Measured:
    """Measure every case of a cohort, or one chunk of it, into a table, with failures.csv and extraction.json (how)
    beside it; nothing is measured twice."""
    if out:
        refuse_target(out)
    number, of = part_of(only) if only else (1, 1)
    manifest = _with_images(name)
    table = chunk(cases(manifest), number, of)
    done = measure_cases(table, settings(preset), manifest, engine=engine, timeout=timeout, verify=verify)
    if out and done.features is not None:
        export(done.features, out)
        files.write_csv(out.parent / "failures.csv", inert(done.failures))
        files.write_json(out.parent / "extraction.json", {
            "manifest": manifest.path.name, "settings": preset, "settings_sha256": settings(preset).sha256,
            "features": len(done.features), "failed_cases": len(done.failures), "versions": versions(), **done.record})
    return done


def make_maps(image: Path, mask: Path, preset: str, *, out: Path, label: int = 1, radius: int | None = None,
              wanted: Sequence[str] = (), pictures: bool = False) -> list[Path]:
    """Write a map of each feature wanted (columns, or patterns of them; all, where none is named) of one region as
    NIfTI, with maps.json (how) and, if asked for, a picture of each over the image; return the maps' files."""
    files.refuse_folder(out)
    chosen, name = settings(preset), short(image)
    columns = _columns(chosen, wanted)
    least = int(chosen.setting.get("minimumROISize") or MINIMUM_VOXELS)
    pair = region(read_volume(image), mask, label, name=name, minimum_voxels=least)
    how = {"kernel_radius": radius or chosen.voxel.get("kernelRadius", 1),
           "masked": chosen.voxel.get("maskedKernel", True), "init_value": chosen.voxel.get("initValue", 0.0)}
    made = []
    for column, found in feature_maps(pair.image, pair.mask, chosen, features=columns, out=out, **how):
        made.append(out / f"{column}.nii.gz")
        if pictures:
            _draw(pair, found, column, out / f"{column}.png")
    files.write_json(out / "maps.json", {
        "image": name, "mask": short(mask), "label": label, "settings": preset, "settings_sha256": chosen.sha256,
        "engine": version(), "versions": versions(), "maps": [path.name for path in made],
        **how, "init_value": str(how["init_value"])})
    return made


def _columns(chosen: Settings, wanted: Sequence[str]) -> list[str] | None:
    """Return the columns that are named or fit a pattern as in `original_glcm_*`; None stands for all."""
    possible = mappable(chosen)
    found = [column for name in wanted for column in fnmatch.filter(possible, name) or [name]]
    return list(dict.fromkeys(found)) or None


def _draw(pair: Pair, found: sitk.Image, column: str, path: Path) -> None:
    from radnb.reporting.display import render
    from radnb.reporting.figures_maps import feature_map

    files.write_bytes(path, render(feature_map(pair.image, found, pair.mask, column), "png"))


def write_snakefile(name: str, preset: str, *, out: Path, chunks: int, timeout: float = 600,
                    engine: str | None = None) -> Path:
    """Write a Snakefile over the chunks of a cohort into a folder."""
    manifest, space = _with_images(name), workspace()
    settings(preset)
    choose(engine)
    return snakefile(out.resolve(), manifest=manifest.path.resolve(), settings=preset, chunks=chunks, home=space.root,
                     cache=space.cache.resolve(), timeout=timeout, engine=engine)


def _with_images(name: str) -> Manifest:
    manifest = open_manifest(name)
    if not manifest.images:
        raise RadnbError(f"{manifest.path}: there is no `images` part, so nothing can be measured. Add one.",
                         code="E_MANIFEST")
    return manifest


def query(sql: str) -> pd.DataFrame:
    """Answer a question in SQL about everything that was ever measured in this workbook (table `features`)."""
    from radnb.features.query import query as query_store

    return query_store(store(), sql)


def compare_tables(a: Path, b: Path, *, tolerance: float, keys: Sequence[str] = ()) -> Difference:
    """Compare two tables of features: names, rows, values."""
    from radnb.features.difference import difference

    return difference(a, b, tolerance=tolerance, keys=keys)


def measure_cases(table: pd.DataFrame, chosen: Settings, manifest: Manifest, *, engine: str | None = None,
                  timeout: float = 600, verify: str = "some") -> Measured:
    """Measure some cases of a cohort with the workbook's store."""
    done = extract(table, settings=chosen, store=store(), engine=engine, timeout=timeout, verify=verify,
                   cohort=manifest.title("en"))
    return Measured(done.features, done.failures, _said(done), tuple(done.warnings["message"]), done.record)


def together(parts: Sequence[tuple[str, Measured]]) -> Measured:
    """Return the measurements of several settings, each under its name, as one; features of some settings only are
    empty in the rows of the others."""
    if len(parts) == 1:
        return parts[0][1]
    whole = [part for _, part in parts]
    tables = [part.features for part in whole if part.features is not None]
    filled = [part.failures for part in whole if len(part.failures)]
    sentence = " ".join(f"{name}: {part.sentence}" for name, part in parts)
    return Measured(pd.concat(tables, ignore_index=True), pd.concat(filled or [whole[0].failures], ignore_index=True),
                    sentence, [text for part in whole for text in part.warnings], _records(parts))


def _records(parts: Sequence[tuple[str, Measured]]) -> dict[str, Any]:
    """Return one record of how the features came about, and below it that of each settings."""
    own = {name: part.record for name, part in parts}
    checks = [record["verification"] for record in own.values()]
    worst = max(checks, key=lambda check: check["largest"])
    summed = {key: sum(check[key] for check in checks) for key in ("regions", "values")}
    return {"engine": ", ".join(dict.fromkeys(record["engine"] for record in own.values())),
            "version": ", ".join(dict.fromkeys(record["version"] for record in own.values())),
            **{key: [text for record in own.values() for text in record[key]]
               for key in ("handed_over", "notes", "bin_warnings")},
            "verification": {**worst, **summed}, "by_settings": own}


def _said(done: Extraction) -> str:
    """Say how many cases were measured, by which engine where it is not the usual one, and how well it agreed."""
    counts = done.counts
    said = (f"{counts.cases} cases: {counts.computed} measured now, {counts.stored} found in the store, "
            f"{counts.failed} failed.")
    also = {"images or masks have changed since they were last read": counts.changed,
            "damaged files of the store were replaced": counts.damaged}
    said += "".join(f" {n} {what}." for what, n in also.items() if n)
    handed = f"Measured by the reference engine: {', '.join(done.handed_over)}." if done.handed_over else ""
    return " ".join(filter(None, [said, *done.notes, handed, done.verification.sentence]))


def store() -> Store:
    """Return the workbook's store of features."""
    return Store(workspace().cache / "features")


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    return {"python": sys.version.split()[0]} | {name: version_of(name) for name in PACKAGES}


def version_of(name: str) -> str:
    """Return the version of an installed package."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return __version__ if name == "radnb" else "not installed"
