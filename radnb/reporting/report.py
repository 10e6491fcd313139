"""From an executed notebook to one HTML file: no code, no scripts, nothing fetched, fonts inside."""

from __future__ import annotations

import base64
import functools
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bleach
import nbformat
from fontTools import subset
from fontTools.ttLib import TTFont
from nbconvert.exporters import TemplateExporter

from radnb.errors import RadnbError
from radnb.reporting.display import TEMPLATES, escape, piece_css
from radnb.reporting.style import FONTS
from radnb.reporting.texts import text
from radnb.work.files import write_text

CSP = ("default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; base-uri 'none'; "
       "form-action 'none'")
LANG = {"en": "en", "zh": "zh-CN"}
REGULAR, SEMIBOLD = "radnbSansSC-Regular.ttf", "radnbSansSC-SemiBold.ttf"
QUOTES, WIDE = (0x2018, 0x2019, 0x201C, 0x201D), 0xE018 - 0x2018  # the font keeps its wide marks in private use
PARTS = ("patients", "evidence", "features", "methods", "record", "more")
TAGS = frozenset({"table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "p", "br", "b", "i", "em", "strong",
                  "ul", "ol", "li", "code", "pre", "h3", "h4", "sub", "sup", "div", "span"})


@dataclass(frozen=True)
class Shown:
    """One output of the notebook as it will stand in the page."""

    html: str
    part: str = "more"
    name: str = ""
    heading: str = ""


@dataclass(frozen=True)
class Chapter:
    """Pieces under one heading."""

    id: str
    title: str
    pieces: list[Shown] = field(default_factory=list)


def render(notebook_path: Path, html_path: Path, *, title: str, language: str) -> Path:
    """Write the outputs of an executed notebook as a report; cells tagged `setup` are left out."""
    try:
        notebook = nbformat.read(notebook_path, as_version=4)
    except (OSError, ValueError) as error:
        raise RadnbError(f"{notebook_path} cannot be read as a notebook: {error}. Run the study again.",
                         code="E_NOTEBOOK") from error
    pieces = list(_pieces(notebook))
    first = "".join(piece.html for piece in pieces if piece.name == "first-screen")
    rest = chapters([piece for piece in pieces if piece.name != "first-screen"], language)
    write_text(html_path, page(title=title, language=language, first=first, chapters=rest))
    return html_path


def page(*, title: str, language: str, first: str, chapters: Iterable[Chapter] = ()) -> str:
    """Fill nbconvert's template with what is shown, the styles and just the glyphs that are used."""
    facts: dict[str, Any] = {
        "lang": LANG[language], "csp": CSP, "title": title, "css": piece_css() + page_css(), "first": first,
        "chapters": list(chapters), "contents": text("contents", language), "fonts": ""}
    exporter = TemplateExporter(template_name="radnb", extra_template_basedirs=[str(TEMPLATES)],
                                template_file="index.html.j2")
    bare, _ = exporter.from_notebook_node(nbformat.v4.new_notebook(), resources={"radnb": facts})
    facts["fonts"] = font_faces(bare, wide=language == "zh")
    whole, _ = exporter.from_notebook_node(nbformat.v4.new_notebook(), resources={"radnb": facts})
    return str(whole).rstrip() + "\n"


@functools.lru_cache(maxsize=1)
def page_css() -> str:
    """Return the style of the page around the pieces."""
    return (TEMPLATES / "page.css").read_text(encoding="utf-8")


def _pieces(notebook: nbformat.NotebookNode) -> Iterable[Shown]:
    for cell in notebook.cells:
        if cell.cell_type != "code" or "setup" in cell.metadata.get("tags", []):
            continue
        for output in cell.outputs:
            if output.output_type in ("display_data", "execute_result"):
                yield from _piece(output, str(cell.metadata.get("alt", "")))


def _piece(output: Mapping[str, Any], alt: str) -> Iterable[Shown]:
    data, mark = output["data"], output.get("metadata", {}).get("radnb")
    if mark is not None and mark.get("left_out"):
        return
    if mark is not None:
        own = str(data["text/html"]).removeprefix(f"<style>{piece_css()}</style>")
        yield Shown(own, mark.get("part") or "more", mark.get("name", ""), mark.get("heading", ""))
    elif "text/html" in data:
        own = _cleaned(str(data["text/html"]))
        yield Shown(f'<section class="radnb table"><div class="scroll">{own}</div></section>')
    elif "image/png" in data:
        said = output.get("metadata", {}).get("image/png", {}).get("alt") or alt
        png = re.sub(r"[^A-Za-z0-9+/=]", "", str(data["image/png"]))
        yield Shown(f'<section class="radnb picture"><figure><img src="data:image/png;base64,{png}" '
                    f'alt="{escape(said)}"></figure></section>')


def _cleaned(html: str) -> str:
    """Keep only the plain tags of somebody's own HTML output (a DataFrame, say)."""
    bare = re.sub(r"<(style|script)\b.*?</\1>", "", html, flags=re.DOTALL | re.IGNORECASE)
    return str(bleach.clean(bare, tags=TAGS, attributes={"th": ["colspan", "rowspan"], "td": ["colspan", "rowspan"]},
                            strip=True))


def chapters(pieces: Sequence[Shown], language: str) -> list[Chapter]:
    """Gather pieces under the headings of their parts, the evidence before the methods before the record."""
    made = [Chapter(f"part-{key}", text(f"part.{key}", language),
                    [piece for piece in pieces if (piece.part if piece.part in PARTS else "more") == key])
            for key in PARTS]
    return [chapter for chapter in made if chapter.pieces]


def font_faces(html: str, *, wide: bool) -> str:
    """Return @font-face rules with just the glyphs of the shipped fonts that the page uses.

    What the semi-bold lacks is taken from the regular, so that no glyph is missing on a machine without fonts.
    `wide` gives quotation marks the width of a Chinese character, as Chinese text wants them.
    """
    seen = re.sub(r'src="data:[^"]*"', "", html)
    used = frozenset(seen) | set(map(chr, range(32, 127)))
    regular, bold = used & _known(REGULAR), used & _known(SEMIBOLD)
    rules = [_rule(REGULAR, 400, regular, wide), _rule(SEMIBOLD, 600, bold, wide)]
    if left := regular - bold:
        reach = ",".join(f"U+{ord(c):X}" for c in sorted(left))
        rules.append(_rule(REGULAR, 600, left, wide, f"unicode-range:{reach};"))
    return "\n".join(rules)


def _rule(name: str, weight: int, used: Iterable[str], wide: bool, more: str = "") -> str:
    data = base64.b64encode(_woff(name, "".join(sorted(used)), wide)).decode("ascii")
    return (f'@font-face{{font-family:"radnb Sans";font-weight:{weight};{more}'
            f'src:url(data:font/woff;base64,{data}) format("woff")}}')


@functools.lru_cache(maxsize=2)
def _known(name: str) -> frozenset[str]:
    with TTFont(FONTS / name, lazy=True) as font:
        return frozenset(map(chr, font.getBestCmap()))


@functools.lru_cache(maxsize=8)
def _woff(name: str, used: str, wide: bool) -> bytes:
    options = subset.Options(flavor="woff", layout_features=["kern"], hinting=False, recalc_timestamp=False,
                             notdef_outline=True, name_IDs=[0, 1, 2, 13])
    with TTFont(FONTS / name, recalcTimestamp=False) as font:
        for table in font["cmap"].tables if wide else ():
            table.cmap.update({mark: table.cmap[mark + WIDE] for mark in QUOTES if mark in table.cmap})
        subsetter = subset.Subsetter(options)
        subsetter.populate(text=used)
        subsetter.subset(font)
        font.flavor = "woff"
        stream = io.BytesIO()
        font.save(stream)
    return stream.getvalue()
