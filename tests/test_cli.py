"""The command line: clear sentences, stable exit codes, and never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from radnb.cohort.synth import SYNTH


def _radnb(*words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, "-m", "radnb", *words], capture_output=True, text=True, encoding="utf-8",
                          check=False, timeout=300)
    assert "Traceback" not in done.stderr + done.stdout
    return done


def test_help_answers_without_loading_the_heavy_libraries() -> None:
    loaded = subprocess.run([sys.executable, "-X", "importtime", "-m", "radnb", "--help"], capture_output=True,
                            text=True, encoding="utf-8", check=True).stderr
    assert not [name for name in ("pandas", "sklearn", "SimpleITK", "matplotlib") if f" {name}\n" in loaded]


def test_every_command_has_a_sentence_of_help() -> None:
    shown = _radnb("--help").stdout
    assert all(name in shown for name in ("demo", "synth", "check", "init", "extract", "run", "batch", "studies",
                                          "report", "index", "doctor", "lab"))


def test_studies_are_listed_for_programs() -> None:
    rows = json.loads(_radnb("studies", "--json").stdout)
    assert {"id", "family", "question", "manifest"} <= set(rows[0])
    assert sum(row["id"].startswith("demo-") for row in rows) == 4


@pytest.mark.parametrize(("words", "mend"), [
    (("run", "demo-gradin"), "Did you mean 'demo-grading'"),
    (("run", "demo-grading", "--set", "selector.anova.kk=3"), "Did you mean 'k'"),
    (("run", "demo-grading", "--language", "fr"), "choose en or zh"),
    (("check", "no-such-cohort"), "Valid"),
    (("synth", "liver", "-o", "somewhere"), "pancreas"),
])
def test_bad_input_ends_with_a_mend_and_exit_code_2(words: tuple[str, ...], mend: str) -> None:
    done = _radnb(*words)
    assert done.returncode == 2 and mend in done.stderr


def test_check_lists_problems_and_says_by_its_exit_code_whether_to_start(tmp_path: Path) -> None:
    SYNTH["pancreas"](tmp_path / "c", seed=5, n=30, images=False)
    good = _radnb("check", str(tmp_path / "c" / "manifest.yaml"))
    assert good.returncode == 0 and "0 errors" in good.stdout
    table = (tmp_path / "c" / "clinical.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "c" / "clinical.csv").write_text("\n".join([*table, table[1]]), encoding="utf-8")
    bad = _radnb("check", str(tmp_path / "c" / "manifest.yaml"))
    assert bad.returncode == 2 and "E_DUP" in bad.stdout


def test_a_manifest_is_found_by_its_folder_and_alike_problems_share_a_line(tmp_path: Path) -> None:
    SYNTH["pancreas"](tmp_path / "c", seed=5, n=30, images=False)
    header, *rows = (tmp_path / "c" / "clinical.csv").read_text(encoding="utf-8").splitlines()
    place = header.split(",").index("age")
    cells = [row.split(",") for row in rows]
    spoilt = [",".join([*row[:place], "old", *row[place + 1:]]) for row in cells[:3]]
    (tmp_path / "c" / "clinical.csv").write_text("\n".join([header, *spoilt, *rows[3:]]), encoding="utf-8")
    done = _radnb("check", str(tmp_path / "c"))
    assert "rows 2, 3, 4, age: 'old'" in done.stdout and done.stdout.count("'old'") == 1
    assert "3 errors" in done.stdout


def test_ctrl_c_ends_with_a_sentence() -> None:
    code = ("import sys; from radnb import cli\n@cli.app.command()\ndef stop():\n    raise KeyboardInterrupt\n"
            "sys.argv = ['radnb', 'stop']; cli.main()")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 130 and "the same command goes on from here" in done.stderr
