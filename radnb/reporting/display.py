"""What a notebook cell ends in: a piece of page, or a picture, that shows itself in Lab and in the report."""

from __future__ import annotations

import base64
import functools
import html
import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from radnb.work.files import write_bytes

TEMPLATES = Path(__file__).parent / "templates"
HYPHENED = re.compile(r"(?<![\w.;-])[A-Za-z0-9]{1,5}[-\u2013][A-Za-z0-9]{1,6}(?![A-Za-z0-9_-])")
SCREEN_DPI, PRINT_DPI = 240, 600
NO_DATE: dict[str, dict[str, Any]] = {
    "png": {"Software": None}, "svg": {"Date": None, "Creator": "radnb"}, "tiff": {},
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": "radnb", "Producer": "radnb"},
}


def escape(value: object) -> str:
    """Make any value safe inside HTML text and attributes."""
    return html.escape(str(value), quote=True)


def whole(words: object) -> str:
    """Escape words and keep short hyphened terms such as G2-3 or C-index on one line."""
    return HYPHENED.sub(r'<span class="whole">\g<0></span>', escape(words))


@functools.lru_cache(maxsize=1)
def piece_css() -> str:
    """Return the style of pieces, which travels with each of them so that Lab shows them as the report does."""
    return (TEMPLATES / "piece.css").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Piece:
    """A part of the report as HTML that is already escaped; `part` is the chapter it belongs to."""

    body: str
    heading: str = ""
    part: str = ""
    name: str = ""
    classes: str = ""
    left_out: bool = False  # of the report, as it has nothing to tell; Lab shows the sentence that says why

    def section(self) -> str:
        """Return the piece as one HTML section."""
        title = f"<h3>{escape(self.heading)}</h3>" if self.heading else ""
        return f'<section class="radnb {self.classes}" id="{escape(self.name)}">{title}{self.body}</section>'

    def plain(self) -> str:
        """Return what remains without HTML, for a terminal."""
        text = re.sub(r"<(?!/?(b|i|em|strong|span|a)\b)[^>]+>", "\n", self.body)
        text = html.unescape(re.sub(r"<[^>]+>", "", text))
        return "\n".join(line for line in [self.heading, *map(str.strip, text.splitlines())] if line)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, str], dict[str, Any]]:
        shown = f"<style>{piece_css()}</style>{self.section()}"
        mark = {"part": self.part, "name": self.name, "heading": self.heading, "left_out": self.left_out}
        return {"text/html": shown, "text/plain": self.plain()}, {"radnb": mark}


@dataclass(frozen=True)
class Picture(Piece):
    """A figure that is already drawn: PNG bytes with alternative text and caption."""

    png: bytes = b""
    alt: str = ""
    caption: str = ""
    width_mm: float = 0.0
    files: tuple[Path, ...] = field(default=())

    def plain(self) -> str:
        """Return heading, alternative text and caption."""
        return "\n".join(filter(None, [self.heading, self.alt, self.caption]))


def image(png: bytes, alt: str, width_mm: float) -> str:
    """Return an embedded image that never overflows its column."""
    data = base64.b64encode(png).decode("ascii")
    return f'<img src="data:image/png;base64,{data}" alt="{escape(alt)}" style="--mm:{width_mm:g}mm">'


def render(figure: Figure, kind: str) -> bytes:
    """Draw a figure in its own size, a journal's column width, as bytes that depend on nothing but the figure."""
    stream = io.BytesIO()
    dpi = PRINT_DPI if kind == "tiff" else SCREEN_DPI
    more: dict[str, Any] = {"metadata": NO_DATE[kind]}
    if kind == "tiff":
        more = {"pil_kwargs": {"compression": "tiff_lzw"}}
    figure.savefig(stream, format=kind, dpi=dpi, **more)
    return stream.getvalue()


def nothing(name: str, *, heading: str, part: str, why: str, left_out: bool = False) -> Picture:
    """Return the place of a figure that cannot be drawn, with the reason."""
    return Picture(f"<p>{escape(why)}</p>", heading, part, name, "picture", left_out=left_out, alt=why)


def picture(figure: Figure, name: str, *, heading: str, caption: str, alt: str, part: str, out_dir: Path | None,
            formats: tuple[str, ...] = ()) -> Picture:
    """Turn a figure into a picture, and write it into `figures/` as PNG, SVG and the journal formats asked for."""
    png, files = render(figure, "png"), []
    for kind in ("png", "svg", *formats) if out_dir else ():
        path = Path(out_dir or "") / "figures" / f"{name}.{kind}"
        write_bytes(path, png if kind == "png" else render(figure, kind))
        files.append(path)
    width = float(figure.get_figwidth() * 25.4)
    note = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    body = f"<figure>{image(png, alt, width)}{note}</figure>"
    return Picture(body, heading, part, name, "picture", png=png, alt=alt, caption=caption, width_mm=width,
                   files=tuple(files))


