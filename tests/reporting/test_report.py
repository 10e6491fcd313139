from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import nbformat
import pytest
from fontTools.ttLib import TTFont

from radnb.errors import RadnbError
from radnb.reporting.display import Piece
from radnb.reporting.first_screen import first_screen
from radnb.reporting.methods import paragraphs
from radnb.reporting.report import CSP, render
from tests.reporting.pages import cell, report
from tests.reporting.stories import story

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("reports")
    return {language: report(story("improved", language), folder / language).read_text(encoding="utf-8")
            for language in ("en", "zh")}


@pytest.mark.parametrize(("language", "lang"), [("en", "en"), ("zh", "zh-CN")])
def test_the_page_has_language_title_and_a_strict_policy(pages: dict[str, str], language: str, lang: str) -> None:
    page = pages[language]
    assert f'<html lang="{lang}">' in page and f'content="{CSP}"' in page
    assert re.search(r"<title>[^<]+\?</title>", page) or "<title>术前CT" in page


def test_neither_code_nor_scripts_nor_addresses_are_in_the_page(pages: dict[str, str]) -> None:
    for page in pages.values():
        bare = re.sub(r"data:[^)\"]+", "", page)
        assert "secret_code" not in bare and "for Lab only" not in bare
        assert not re.search(r"<script|<iframe|<link|@import|https?://|javascript:", bare)


def test_the_first_screen_comes_before_the_contents_and_chapters_keep_their_order(pages: dict[str, str]) -> None:
    page = pages["en"]
    places = [page.index(f'id="{name}"') for name in ("first-screen", "part-patients", "part-evidence", "part-features",
                                                     "part-methods", "part-record")]
    assert places == sorted(places) and page.index("<nav") > places[0]


def test_every_link_of_the_contents_has_its_place(pages: dict[str, str]) -> None:
    links = re.findall(r'href="#([^"]+)"', pages["en"])
    assert len(links) > 15
    assert [name for name in links if pages["en"].count(f'id="{name}"') != 1] == []


def test_images_are_embedded_and_have_alternative_texts(pages: dict[str, str]) -> None:
    images = re.findall(r'<img src="(data:image/png;base64,)[^"]+" alt="([^"]*)"', pages["en"])
    assert len(images) >= 12
    assert sum(not alt for _, alt in images) == 4  # the four keys of the legend, whose words stand beside them


def test_the_embedded_fonts_hold_every_sign_of_the_chinese_page(pages: dict[str, str]) -> None:
    page = pages["zh"]
    fonts = [TTFont(io.BytesIO(base64.b64decode(data))) for data in re.findall(r"font/woff;base64,([^)]+)\)", page)]
    regular, *bold = [set(map(chr, font.getBestCmap())) for font in fonts]
    used = set(re.sub(r"<[^>]+>", "", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL))) - set("\n")
    assert used - regular == set()
    assert used - set().union(*bold) == set()


def test_equal_notebooks_give_equal_pages(tmp_path: Path) -> None:
    told = story("survival", "zh")
    made = report(told, tmp_path, shown=[first_screen(told)])
    again = render(tmp_path / "executed.ipynb", tmp_path / "again.html", title=made.stem, language="zh").read_bytes()
    assert render(tmp_path / "executed.ipynb", made, title=made.stem, language="zh").read_bytes() == again


def test_setup_cells_streams_errors_and_widgets_are_left_out(tmp_path: Path) -> None:
    outputs = [nbformat.v4.new_output("stream", name="stderr", text="a warning of the machine"),
               nbformat.v4.new_output("display_data", data={"application/javascript": "alert(1)"}),
               nbformat.v4.new_output("display_data", data={WIDGET: {"model_id": "w"}})]
    cells = [cell(Piece("<p>hidden</p>", "Hidden"), "setup"), nbformat.v4.new_code_cell("x", outputs=outputs),
             cell(Piece("<p>shown</p>", "Shown"))]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "a.ipynb")
    page = render(tmp_path / "a.ipynb", tmp_path / "a.html", title="T", language="en").read_text(encoding="utf-8")
    assert "shown" in page
    assert not re.search("hidden|warning of the machine|alert|model_id", page)


def test_somebodys_own_table_is_shown_without_its_scripts(tmp_path: Path) -> None:
    html = '<table onclick="x()"><tr><td>1</td></tr></table><script>evil()</script><img src="http://x/y.png">'
    output = nbformat.v4.new_output("display_data", data={"text/html": html})
    cells = [nbformat.v4.new_code_cell("x", outputs=[output])]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "a.ipynb")
    page = render(tmp_path / "a.ipynb", tmp_path / "a.html", title="T", language="en").read_text(encoding="utf-8")
    assert "<td>1</td>" in page
    assert not re.search("onclick|evil|http://", page)


def test_the_title_cannot_become_markup(tmp_path: Path) -> None:
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "a.ipynb")
    page = render(tmp_path / "a.ipynb", tmp_path / "a.html", title="</title><script>x</script>", language="en")
    assert "<script" not in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("content", ["not json", '{"nbformat": 4'])
def test_a_broken_notebook_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.ipynb").write_text(content, encoding="utf-8")
    with pytest.raises(RadnbError, match="Run the study again"):
        render(tmp_path / "a.ipynb", tmp_path / "a.html", title="T", language="en")


@pytest.mark.parametrize(("status", "said"), [
    ("locked", "locked on 2026-01-02, before any result"), ("changed", "changed afterwards"),
    ("late", "after results had been looked at on 2026-01-03"), ("unlocked", "was not locked")])
def test_the_methods_say_whether_the_plan_was_locked(status: str, said: str) -> None:
    plan = {"status": status, "locked": "2026-01-02T00:00:00Z", "looked": "2026-01-03T00:00:00Z"}
    assert said in " ".join(paragraphs(story("improved", plan=plan)))
