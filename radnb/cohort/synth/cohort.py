"""The synthetic cohort on disk: tables, images, masks, manifest and truth, whole or absent."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radnb.cohort.synth import biology as bio
from radnb.cohort.synth import describe, features, tables
from radnb.cohort.synth.scan import Task, scan
from radnb.errors import RadnbError
from radnb.work.files import TEMPORARY, write_csv, write_json, write_text
from radnb.work.parallel import Failure, map_cases

MARKER = "synth.json"


def pancreas(folder: Path, *, seed: int, n: int = 120, null: bool = False, images: bool = True,
             extra_readers: int = 30, workers: int | None = None) -> None:
    """Make a synthetic multi-centre pancreas CT cohort in `folder`, or return at once when it is already there.

    `images=False` writes a finished feature table instead of images and masks; `null=True` makes all outcomes
    independent of images, of every predictor and of the centre.
    """
    folder = Path(folder)
    asked = {"cohort": "pancreas", "version": describe.VERSION, "seed": seed, "n": n, "null": null, "images": images,
             "extra_readers": extra_readers}
    _check(asked)
    asked |= {} if images else {"extra_readers": 0}
    if _is_there(folder, asked):
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f"{TEMPORARY}{folder.name}-", dir=folder.parent))
    try:
        _build(building, asked, workers)
        _move(building, folder, asked)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def truth(folder: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return what was put into a synthetic cohort (truth.json) and each patient's oracle risks (truth.csv)."""
    folder = Path(folder)
    if not (folder / MARKER).is_file():
        raise RadnbError(f"{folder} holds no synthetic cohort (no {MARKER}). Make it with `radnb synth pancreas`.")
    table = pd.read_csv(folder / "truth.csv", dtype={"patient_id": str})
    return json.loads((folder / "truth.json").read_text(encoding="utf-8")), table


def _check(asked: dict[str, Any]) -> None:
    if asked["n"] < 4:
        raise RadnbError(f"n={asked['n']}: a synthetic cohort needs at least 4 patients. Ask for more.")
    if asked["seed"] < 0 or asked["extra_readers"] < 0:
        raise RadnbError("seed and extra_readers cannot be negative. Give 0 or a positive whole number.")


def _is_there(folder: Path, asked: dict[str, Any]) -> bool:
    marker = folder / MARKER
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    try:
        made = json.loads(marker.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RadnbError(f"{folder} is not empty and holds no finished synthetic cohort. "
                         "Choose another folder, or empty this one.", code="E_WRITE") from error
    differing = [f"{key}={made.get(key)!r} (asked: {value!r})" for key, value in asked.items()
                 if made.get(key) != value]
    if differing:
        raise RadnbError(f"{folder} holds a synthetic cohort made with {', '.join(differing)}. "
                         "Choose another folder, or delete this one.", code="E_WRITE")
    return True


def _move(building: Path, folder: Path, asked: dict[str, Any]) -> None:
    building.chmod(0o755)
    try:
        if folder.exists():
            folder.rmdir()
        building.rename(folder)
    except OSError as error:
        if not _is_there(folder, asked):
            raise RadnbError(f"{folder} cannot be written: {error.strerror or error}. Choose a folder of your own.",
                             code="E_WRITE") from error


def _build(folder: Path, asked: dict[str, Any], workers: int | None) -> None:
    table_seed, feature_seed, null_seed, image_seed = np.random.SeedSequence(asked["seed"]).spawn(4)
    rng = np.random.default_rng(table_seed)
    hidden = bio.draw(rng, asked["n"])
    seen = tables.predictors(rng, hidden)
    told = tables.outcomes(rng, hidden, seen["centre"].to_numpy())
    oracles = describe.oracles(hidden, seen)
    if asked["null"]:
        order = np.random.default_rng(null_seed).permutation(asked["n"])
        told = told.iloc[order].reset_index(drop=True)
        oracles = oracles * 0.0 + oracles.mean()
    if asked["images"]:
        _write_images(folder, hidden, seen, asked, image_seed, workers)
    else:
        write_csv(folder / "features.csv", features.feature_table(np.random.default_rng(feature_seed),
                                                                  hidden.observed, seen))
    clinical = pd.concat([seen, told], axis=1)[["patient_id", *describe.COLUMNS]]
    write_csv(folder / "clinical.csv", clinical)
    write_csv(folder / "truth.csv", pd.concat([seen["patient_id"], oracles.round(6)], axis=1))
    write_json(folder / "truth.json", describe.truth(clinical, oracles, seed=asked["seed"], null=asked["null"],
                                                     images=asked["images"]))
    write_text(folder / "manifest.yaml", describe.manifest_text(images=asked["images"]))
    write_json(folder / MARKER, asked)


def _write_images(folder: Path, hidden: bio.Hidden, seen: pd.DataFrame, asked: dict[str, Any],
                  seed: np.random.SeedSequence, workers: int | None) -> None:
    tasks = _tasks(folder, hidden, seen, asked, seed)
    rows: list[list[dict[str, object]]] = [[] for _ in tasks]
    for position, made in map_cases(scan, tasks, workers=workers, label="synthetic CT", unit="patient"):
        if isinstance(made, Failure):
            raise RadnbError(f"{tasks[position].patient_id}: the scan could not be made: {made.message}",
                             code=made.code)
        rows[position] = made
    write_csv(folder / "images.csv", pd.DataFrame([row for patient in rows for row in patient]))


def _tasks(folder: Path, hidden: bio.Hidden, seen: pd.DataFrame, asked: dict[str, Any],
           seed: np.random.SeedSequence) -> list[Task]:
    chooser, *seeds = seed.spawn(1 + len(seen))
    order = np.random.default_rng(chooser).permutation(len(seen))
    thrice = set(order[:asked["extra_readers"]].tolist())
    duct = (hidden.diagnosis == "PDAC") & (seen["location"] != "tail").to_numpy()
    return [Task(folder=str(folder), patient_id=str(row["patient_id"]), seed=seeds[number],
                 seen={name: float(hidden.observed.at[number, name]) for name in bio.IMAGE}, age=float(row["age"]),
                 location=str(row["location"]), kernel=str(row["kernel"]), slice_mm=float(row["slice_thickness_mm"]),
                 dilated_duct=bool(duct[number]), readers=("R1", "R2", "R3") if number in thrice else ("R1",))
            for number, row in seen.iterrows()]
