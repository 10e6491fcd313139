"""One fault in a table: where it is, what it is and how to mend it, as a row or as a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields

import pandas as pd

from radnb.errors import RadnbError, raise_all

SHOWN = 60


@dataclass(frozen=True)
class Problem:
    """A finding of the check; `row` is the line that a spreadsheet shows, 0 when it concerns the whole."""

    code: str
    where: str
    problem: str
    mend: str
    row: int = 0
    column: str = ""

    @property
    def severity(self) -> str:
        """Say whether work must stop: codes begin with E_ (error) or W_ (warning)."""
        return "error" if self.code.startswith("E_") else "warning"

    @property
    def sentence(self) -> str:
        """Tell where, what and how to mend in one line."""
        row = f", row {self.row}" if self.row else ""
        column = f", column {self.column}" if self.column else ""
        return f"{self.where}{row}{column}: {self.problem} {self.mend}"


COLUMNS = ["severity", *(field.name for field in fields(Problem))]
ORDER = ["severity", "code", "where", "row", "column", "problem", "mend"]


def as_table(problems: Iterable[Problem]) -> pd.DataFrame:
    """Return problems as rows (severity, code, where, row, column, problem, mend), errors first, each once."""
    found = sorted(dict.fromkeys(problems), key=lambda p: (p.severity, p.where, p.row, p.column, p.code))
    table = pd.DataFrame([(p.severity, *astuple(p)) for p in found], columns=COLUMNS)
    return table[ORDER]


def raise_errors(problems: Sequence[Problem]) -> None:
    """Raise one error with every problem that is an error; warnings pass."""
    errors = [p for p in dict.fromkeys(problems) if p.severity == "error"]
    if not errors:
        return
    sentences = [p.sentence for p in errors[:SHOWN]]
    code = errors[0].code
    if len(errors) > SHOWN:
        more = f"... and {len(errors) - SHOWN} more: `radnb check` lists them all in a table."
        raise_all([*sentences, more], code=code)
    raise_all(sentences, code=code)


def error_as_problem(error: RadnbError, where: str) -> Problem:
    """Keep a raised error as a row, so that a check can go on behind it."""
    said, *mend = re.split(r"(?<=[.?!]) (?=[A-Z])", str(error).removeprefix(f"{where}: "), maxsplit=1)
    return Problem(error.code, where, said, mend[0] if mend else "")
