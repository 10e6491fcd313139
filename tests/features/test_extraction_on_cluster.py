"""Features are the same, byte for byte, from a loop, from processes, from a dask cluster that loses a worker, and in
chunks."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer

from radnb import extracting
from radnb.cli import app
from radnb.errors import RadnbError
from radnb.features import chunks, extraction
from radnb.features.extraction import extract
from radnb.features.settings import Settings
from radnb.work import parallel
from radnb.work.files import TEMPORARY

distributed = pytest.importorskip("distributed")
pytest.importorskip("radiomics")


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """Return the address of a cluster of two workers on this machine, shared by the tests of this file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # dask's own: ports in use, old options
        with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None,
                                      scheduler_kwargs={"dashboard": False}, silence_logs="ERROR") as started:
            yield started.scheduler_address


@pytest.fixture
def many(folder: Path, save: Callable[..., Path], sphere: Callable[[float], np.ndarray]) -> pd.DataFrame:
    """Return nine cases on eight images; one image is damaged."""
    rows = []
    for number in range(8):
        voxels = np.random.default_rng(number).normal(40, 25, (14, 24, 24)).astype(np.int16)
        image = save(voxels, folder / f"图{number}.nii.gz")
        for reader in ("R1", "R2")[:2 if number == 0 else 1]:
            mask = save(sphere(5 + number / 2 + (reader == "R2")), folder / f"掩{number}{reader}.nii.gz")
            rows.append({"patient_id": f"00{number}", "roi": "tumour", "phase": "", "timepoint": "baseline",
                         "reader": reader, "image": str(image), "mask": str(mask), "label": 1, "row": len(rows) + 2})
    Path(rows[-1]["image"]).write_bytes(Path(rows[-1]["image"]).read_bytes()[:500])
    return pd.DataFrame(rows)


@pytest.fixture
def serial(many: pd.DataFrame, quick: Settings, tmp_path: Path) -> list[bytes]:
    return everything(extract(many, settings=quick, store=tmp_path / "0", workers=0, verify="none"), tmp_path / "0")


def everything(found: extraction.Extraction, store: Path) -> list[bytes]:
    """Return the tables and every file of the store as bytes, but for the notes of when which file was read and what
    a killed process left half-written (swept an hour later)."""
    kept = [path for path in sorted(store.rglob("*"))
            if path.is_file() and not path.name.startswith(("hashes", "claims", TEMPORARY))]
    tables = [table.to_csv(index=False, lineterminator="\n").encode() for table in (found.features, found.failures)]
    return [*tables, *(path.relative_to(store).as_posix().encode() + path.read_bytes() for path in kept)]


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_any_number_of_processes_gives_the_bytes_of_the_serial_loop(workers: int, many: pd.DataFrame, quick: Settings,
                                                                   tmp_path: Path, serial: list[bytes]) -> None:
    store = tmp_path / str(workers)
    assert everything(extract(many, settings=quick, store=store, workers=workers, verify="none"), store) == serial


def test_a_cluster_whose_worker_is_killed_half_way_gives_the_bytes_of_the_serial_loop(
        many: pd.DataFrame, quick: Settings, tmp_path: Path, serial: list[bytes], scheduler: str,
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADNB_CLUSTER", scheduler)
    killed: list[int] = []

    def with_a_loss(*items: Any, cluster: Any, **more: Any) -> Iterator[tuple[int, Any]]:
        for number, outcome in enumerate(parallel.map_cases(*items, cluster=cluster, **more)):
            if number == 3:
                killed.append(next(iter(cluster.client.run(os.getpid).values())))
                os.kill(killed[0], signal.SIGKILL)
            yield outcome

    monkeypatch.setattr(extraction, "map_cases", with_a_loss)
    found = extract(many, settings=quick, store=tmp_path / "c", verify="none")
    assert killed and found.counts.computed + found.counts.stored == 8  # what the lost worker had stored is found
    assert found.counts.failed == 1
    assert everything(found, tmp_path / "c") == serial


def test_a_cluster_with_another_engine_is_refused(many: pd.DataFrame, quick: Settings, tmp_path: Path, scheduler: str,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADNB_CLUSTER", scheduler)
    monkeypatch.setattr("radnb.work.remote.versions", lambda more: {"engine": "pyradiomics 2.0"})
    with pytest.raises(RadnbError, match=r"and pyradiomics 2\.0 here\. Install the same"):
        extract(many, settings=quick, store=tmp_path / "c")


@pytest.fixture
def manifest(many: pd.DataFrame, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the manifest of the same cases, in a workbook whose store is the test's own."""
    monkeypatch.setenv("RADNB_CACHE", str(tmp_path / "cache"))
    names = many.assign(image=[Path(one).name for one in many["image"]], mask=[Path(one).name for one in many["mask"]])
    names.drop(columns="row").to_csv(folder / "images.csv", index=False)
    path = folder / "manifest.yaml"
    path.write_text("name: many\ndata_root: .\nimages: {file: images.csv}\n", encoding="utf-8")
    return path


def test_chunks_part_the_images_and_keep_an_image_s_regions_together(many: pd.DataFrame) -> None:
    parts = [chunks.chunk(many, number, 3) for number in (1, 2, 3)]
    assert sorted(pd.concat(parts)["row"]) == sorted(many["row"])
    assert not set(parts[0]["image"]) & set(parts[1]["image"]) and parts[0]["patient_id"].tolist()[:2] == ["000", "000"]
    assert max(map(len, parts)) - min(map(len, parts)) <= 2


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/100000"])
def test_a_chunk_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(RadnbError, match="write CHUNK/OF"):
        chunks.part_of(text)


@pytest.fixture
def written(manifest: Path, tmp_path: Path) -> Path:
    """Return a Snakefile over two chunks, with few features."""
    card = tmp_path / "few.yaml"
    card.write_text("featureClass: {shape: [MeshVolume], firstorder: [Mean]}\nsetting: {binWidth: 25}\n", "utf-8")
    return extracting.write_snakefile(str(manifest), str(card), out=tmp_path / "run here", chunks=2)


def test_the_commands_of_a_snakefile_give_the_table_of_one_run(written: Path, manifest: Path, tmp_path: Path,
                                                               monkeypatch: pytest.MonkeyPatch) -> None:
    """What Snakemake would do, by hand: its Python is run, its shell lines are filled in and given to bash."""
    head, rules = rules_of(written)
    assert list(rules) == ["all", "chunk", "gather"]
    names: dict[str, Any] = {}
    monkeypatch.setattr(os, "environ", dict(os.environ))
    exec(compile(head, str(written), "exec"), names)
    (written.parent / "chunks").mkdir()
    for rule, numbers in (("chunk", [1, 2]), ("gather", [0])):
        for number in numbers:
            line = rules[rule]["shell"][0].format(**names, threads=1, log=shlex.quote(f"{rule}{number}.log"),
                                                  wildcards=type("", (), {"number": number}))
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", line], cwd=written.parent, env=os.environ,
                                  check=False, timeout=120)
            assert done.returncode == 0, (written.parent / f"{rule}{number}.log").read_text(encoding="utf-8")
    said = (written.parent / "gather0.log").read_text(encoding="utf-8")
    assert "9 cases: 0 measured now, 8 found in the store, 1 failed" in said
    assert_is_the_table_of_one_run(written, manifest, tmp_path, monkeypatch)


def assert_is_the_table_of_one_run(written: Path, manifest: Path, tmp_path: Path,
                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADNB_CACHE", str(tmp_path / "other cache"))
    monkeypatch.setenv("RADNB_WORKERS", "1")
    extracting.extract_cohort(str(manifest), str(tmp_path / "few.yaml"), out=tmp_path / "one" / "features.csv")
    for name in ("features.csv", "failures.csv"):
        assert (written.parent / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def rules_of(path: Path) -> tuple[str, dict[str, dict[str, tuple[Any, ...]]]]:
    """Read a Snakefile as Python before its first rule, and rules whose directives hold Python arguments."""
    head, *blocks = re.split(r"^rule (?=\w+:$)", path.read_text(encoding="utf-8"), flags=re.M)
    found: dict[str, dict[str, tuple[Any, ...]]] = {}
    for block in blocks:
        name, _, body = block.partition(":\n")
        parts = re.split(r"^    (\w+):", body, flags=re.M)[1:]
        scope = {"touch": str, "expand": lambda text, **_: text, "CHUNKS": 1, "arguments": lambda *a, **k: (*a, *k)}
        found[name] = {key: eval(f"arguments({value.strip()})", scope)
                       for key, value in zip(parts[::2], parts[1::2], strict=True)}
    return head, found


def test_the_commands_on_the_page_of_large_cohorts_exist_with_their_options() -> None:
    page = (Path(__file__).parents[2] / "docs" / "large_cohorts.md").read_text(encoding="utf-8")
    lines = re.findall(r"^radnb ([^|\n]+)", page, flags=re.M)
    assert len(lines) > 4
    for line in lines:
        command, words = typer.main.get_command(app), shlex.split(line)
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        known = {name for option in command.params for name in option.opts}
        assert {word for word in words if word.startswith("-")} <= known


SNAKEMAKE = os.environ.get("RADNB_SNAKEMAKE") or shutil.which("snakemake")


@pytest.mark.skipif(not SNAKEMAKE, reason="no snakemake on the PATH, nor named by RADNB_SNAKEMAKE")
def test_snakemake_itself_gives_the_table_of_one_run(written: Path, manifest: Path, tmp_path: Path,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.run([str(SNAKEMAKE), "--cores", "2"], cwd=written.parent, capture_output=True, text=True,
                          check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert_is_the_table_of_one_run(written, manifest, tmp_path, monkeypatch)
