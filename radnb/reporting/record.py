"""The end of the report: methods to paste, files, and where every number comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from radnb.reporting import tables
from radnb.reporting.composite import composite
from radnb.reporting.display import Piece, escape
from radnb.reporting.methods import paragraphs
from radnb.reporting.story import Story
from radnb.reporting.table_files import write_docx
from radnb.reporting.table_one import table_one

DEEP = 4


def methods_text(story: Story) -> Piece:
    """Return the methods section of a manuscript, written from the card and the run."""
    body = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs(story))
    note = f'<p class="note">{escape(story.text("methods.note"))}</p>'
    return Piece(f'<div class="paste">{body}</div>{note}', story.text("methods"), "methods", "methods", "methods")


def provenance(story: Story) -> Piece:
    """Show parameters, versions, hashes and times as a table of keys and values."""
    rows = [(_key_words(story, key), value) for key, value in _flat(story.provenance)]
    cells = "".join(f'<tr><th scope="row">{escape(key)}</th><td><code>{escape(value)}</code></td></tr>'
                    for key, value in rows)
    note = f'<p class="note">{escape(story.text("provenance.note"))}</p>'
    return Piece(f'<div class="scroll" tabindex="0"><table class="keys"><tbody>{cells}</tbody></table></div>{note}',
                 story.text("provenance"), "record", "provenance", "provenance")


def _key_words(story: Story, path: str) -> str:
    """Put a key of the record into words: its kind, then the file or package that it is about."""
    kind, _, what = path.partition(" › ")
    known = story.known("provenance", kind)
    return story.text("named.pair", first=known, second=story.known("provenance", what)) if what else known


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value and path.count(" › ") < DEEP:
        for key in value:
            yield from _flat(value[key], f"{path} › {key}" if path else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield path, ", ".join(map(str, value)) or "–"
    else:
        yield path, "–" if value is None or value == {} else str(value)


def word_tables(story: Story) -> Piece:
    """Write all tables into one Word document, the main panels into one figure, and say where they lie."""
    made = [table_one(story), tables.performance_table(story), tables.comparison_table(story),
            tables.per_100_table(story), tables.feature_table(story), tables.exclusions_table(story)]
    if story.out_dir:
        composite(story)
        write_docx(story.out_dir / "tables" / "tables.docx", [(t.heading, _bare(t.shown), t.note) for t in made],
                   title=story.say(story.facts.get("question")), east_asian=story.text("word_font"))
    return Piece(f"<p>{escape(story.text('files.say'))}</p>", story.text("files"), "record", "files", "files")


def _bare(shown: pd.DataFrame) -> pd.DataFrame:
    return shown.rename(columns=lambda name: str(name).replace("\n", " "))
