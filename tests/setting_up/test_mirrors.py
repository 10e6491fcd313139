"""What was set for pip reaches uv, and the reverse; what both were told stays as it was."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from setting_up import mirrors

LISTING = r"""
:env:.cert='/etc/my institute.pem'
global.extra-index-url='\nhttps://one.example/simple\nhttps://two.example/simple'
global.index-url='https://global.example/simple'
global.no-color='true'
install.index-url='https://install.example/simple'
"""


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Take away this machine's own settings."""
    for name in [name for pair in mirrors.SHARED.values() for name in pair] + [*mirrors.FORMER.values(),
                                                                               *mirrors.OTHER_BUNDLES]:
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_CONFIG_HOME", "APPDATA", "PROGRAMDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(mirrors, "BUNDLES", ())
    return monkeypatch


def pip_that_says(listing: str) -> list[str]:
    return [sys.executable, "-c", f"print({listing!r})"]


def test_the_answer_of_pip_is_read_with_its_own_precedence() -> None:
    assert mirrors.pip_settings(LISTING) == {
        "cert": ["/etc/my institute.pem"], "index-url": ["https://install.example/simple"],
        "extra-index-url": ["https://one.example/simple", "https://two.example/simple"]}


@pytest.mark.parametrize("text", [
    'index-url = "https://m.example/simple"\nextra-index-url = ["https://n.example/simple"]',
    '[pip]\nindex-url = "https://m.example/simple"\nextra-index-url = ["https://n.example/simple"]',
    '[[index]]\nname = "n"\nurl = "https://n.example/simple"\n'
    '[[index]]\nurl = "https://m.example/simple"\ndefault = true',
])
def test_uv_toml_may_name_its_indexes_in_three_ways(text: str) -> None:
    assert mirrors.uv_file_settings(tomllib.loads(text)) == {
        "index-url": ["https://m.example/simple"], "extra-index-url": ["https://n.example/simple"]}


def test_a_mirror_set_for_pip_reaches_uv(bare: pytest.MonkeyPatch) -> None:
    variables = mirrors.installer_environment(pip_that_says(LISTING))
    assert variables["UV_DEFAULT_INDEX"] == "https://install.example/simple"
    assert variables["UV_INDEX"] == "https://one.example/simple https://two.example/simple"
    assert variables["SSL_CERT_FILE"] == "/etc/my institute.pem"
    assert "PIP_INDEX_URL" not in variables  # pip knows it from its own file


@pytest.mark.parametrize("name", ["UV_DEFAULT_INDEX", "UV_INDEX_URL"])
def test_a_mirror_set_for_uv_reaches_pip(bare: pytest.MonkeyPatch, name: str) -> None:
    bare.setenv(name, "https://uv.example/simple")
    bare.setenv("UV_INDEX", "mine=https://mine.example/simple")
    variables = mirrors.installer_environment(pip_that_says(""))
    assert variables["PIP_INDEX_URL"] == "https://uv.example/simple"
    assert variables["PIP_EXTRA_INDEX_URL"] == "https://mine.example/simple"


def test_a_mirror_in_the_users_uv_toml_reaches_pip(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv" / "uv.toml").write_text('index-url = "https://file.example/simple"', encoding="utf-8")
    assert mirrors.installer_environment(pip_that_says(""))["PIP_INDEX_URL"] == "https://file.example/simple"


def test_two_different_mirrors_are_both_kept(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("UV_DEFAULT_INDEX", "https://uv.example/simple")
    bare.setenv("PIP_INDEX_URL", "https://pip.example/simple")
    variables = mirrors.installer_environment(pip_that_says(":env:.index-url='https://pip.example/simple'"))
    assert variables["UV_DEFAULT_INDEX"] == "https://uv.example/simple"
    assert variables["PIP_INDEX_URL"] == "https://pip.example/simple"


def test_a_certificate_set_for_pip_wins_over_the_one_for_everybody(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "everybody.pem"))
    variables = mirrors.installer_environment(pip_that_says(":env:.cert='/mine.pem'"))
    assert variables["SSL_CERT_FILE"] == "/mine.pem"
    assert "REQUESTS_CA_BUNDLE" not in variables  # pip would prefer it to PIP_CERT


def test_the_machines_certificates_serve_where_nothing_was_set(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bundle = tmp_path / "machine.pem"
    bundle.write_text("", encoding="utf-8")
    bare.setattr(mirrors, "BUNDLES", (str(tmp_path / "absent.pem"), str(bundle)))
    variables = mirrors.installer_environment(pip_that_says(""))
    assert variables["PIP_CERT"] == variables["SSL_CERT_FILE"] == str(bundle)


def test_settings_for_other_projects_are_left_out(bare: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "PIP_TARGET", "UV_PYTHON", "PYTHONDONTWRITEBYTECODE"):
        bare.setenv(name, "elsewhere")
    assert "elsewhere" not in mirrors.installer_environment(pip_that_says("")).values()
