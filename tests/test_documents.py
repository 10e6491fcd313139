"""What the documents say is true: commands, files, names and the ten-line manifest."""

from __future__ import annotations

import re
import runpy
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml

from radnb.cli import app
from radnb.cohort.labels import SCHEMES
from radnb.cohort.manifest import load_manifest
from radnb.features.engines import ENGINES
from radnb.features.query import VIEWS
from radnb.features.settings import presets
from radnb.learning.models import MODELS
from radnb.learning.selection import SELECTORS
from radnb.learning.splits import DESIGNS
from radnb.learning.thresholds import THRESHOLDS
from radnb.study import FAMILIES, check_card, list_studies

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TEMPLATE = (ROOT / "notebooks" / "studies" / "template.yaml").read_text(encoding="utf-8")
SHOWN = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "modelling.md").read_text(encoding="utf-8"), re.DOTALL)
LEARNING = ("prepare", "selector", "model", "threshold")  # left out together, they are the default recipe
TO_BE_MADE = ("my-study", "reports/", "mine.ipynb", "manifest.yaml", "uv.lock")  # what the reader makes


def _commands() -> Iterator[tuple[str, list[str]]]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for line in re.findall(r"(?:python3|py) run\.py ([^`\n#]+)", text):
            yield f"{page.name}: {line.strip()}", shlex.split(line.rstrip(" ).,"))


COMMANDS = dict(_commands())


def test_the_documents_show_commands() -> None:
    assert len(COMMANDS) > 10


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_every_command_shown_exists_with_its_options(words: list[str]) -> None:
    name, *rest = words
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert name in {*known, "test"}
    if name in known and hasattr(known[name], "commands"):
        known, (name, *rest) = known[name].commands, rest
        assert name in known
    options = {word for word in rest if word.startswith("-")}
    assert name == "test" or options <= {word for option in known[name].params for word in option.opts}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)]+)\)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_named_exists(page: Path) -> None:
    named = re.findall(r"`((?:\w[\w-]*/)*[\w.-]+(?:/|\.(?:py|ipynb|yaml|lock|cff)))`", page.read_text(encoding="utf-8"))
    missing = [name for name in named if not ((ROOT / name).exists() or (ROOT / "radnb" / name).exists())]
    assert not [name for name in missing if not any(word in name for word in TO_BE_MADE)]


def test_every_study_named_in_the_readme_exists() -> None:
    named = set(re.findall(r"\bdemo-[a-z-]+[a-z]\b", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert named and named <= {row["id"] for row in list_studies()}


def test_the_ten_line_manifest_is_valid(tmp_path: Path) -> None:
    shown = re.search(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert shown and len(shown[1].splitlines()) == 10
    path = tmp_path / "manifest.yaml"
    path.write_text(shown[1], encoding="utf-8")
    assert set(load_manifest(path).columns()) == {"age", "ki67"}


def test_the_columns_of_the_walk_through_are_valid(tmp_path: Path) -> None:
    walk = (ROOT / "docs" / "your_own_cohort.md").read_text(encoding="utf-8")
    shown = re.search(r"```yaml\n(.*?)```", walk, re.DOTALL)
    assert shown
    columns = textwrap.indent(shown[1], "    ")
    path = tmp_path / "manifest.yaml"
    path.write_text(f"name: x\ndata_root: .\nclinical:\n  file: a.csv\n  columns:\n{columns}", encoding="utf-8")
    assert set(load_manifest(path).columns()) == {"differentiation", "ca199"}


@pytest.mark.parametrize(("key", "names"), [
    ("outcome", SCHEMES), ("design", DESIGNS), ("selector", SELECTORS), ("model", MODELS), ("threshold", THRESHOLDS),
    ("extraction", presets()), ("family", FAMILIES)])
def test_the_template_card_names_all_that_may_be_chosen_and_nothing_else(key: str, names: list[str]) -> None:
    part = re.search(rf"^{key}:.*\n(?:^ +#.*\n)*", TEMPLATE, re.MULTILINE)
    assert part
    comments = " ".join(re.findall(r"#(.*)", part[0]))
    assert not [name for name in names if not re.search(rf"\b{name}\b", part[0])]
    listed = re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b", re.sub(r"\{[^{}]*\}|\{.*\}", "", comments))
    assert not [word for word in listed if word not in names]


def test_the_engines_and_tables_named_are_those_that_are_there() -> None:
    line = re.search(r"^# engine: .*$", TEMPLATE, re.MULTILINE)
    assert line and all(name in line[0] for name in ENGINES)
    page = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(VIEWS)


def test_the_template_card_shows_choices_in_the_form_that_a_card_takes() -> None:
    card = yaml.safe_load(TEMPLATE)
    assert all(next(iter(card[key])) in names for key, names in (
        ("outcome", SCHEMES), ("design", DESIGNS), ("selector", SELECTORS), ("model", MODELS),
        ("threshold", THRESHOLDS)))


def test_the_table_of_choices_is_what_the_code_says() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "choices.py"))["page"]()
    assert (ROOT / "docs" / "choices.md").read_text(encoding="utf-8") == made, "run .venv/bin/python docs/choices.py"


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.split(":")[0])
def test_every_snippet_about_modelling_belongs_on_a_card(shown: str) -> None:
    part = yaml.safe_load(shown)
    card = yaml.safe_load(TEMPLATE)
    kept = card if set(LEARNING) & set(part) else {key: value for key, value in card.items() if key not in LEARNING}
    assert check_card({**kept, **part}, "docs/modelling.md").model_sets


def test_every_example_named_about_modelling_exists() -> None:
    page = (ROOT / "docs" / "modelling.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `((?:demo|example)-[a-z-]+)` \|", page, re.MULTILINE))
    examples = {row["id"] for row in list_studies() if row["id"].startswith("example-")}
    assert named >= examples and named <= {row["id"] for row in list_studies()}
