"""What went wrong, where, and how to mend it: the only exceptions a user ever reads."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class RadnbError(Exception):
    """A fault that the user can mend; its text says where, what and how, its code is stable for tests."""

    def __init__(self, message: str, *, code: str = "E_INPUT") -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (str(self), self.code)


def _rebuild(message: str, code: str) -> RadnbError:
    return RadnbError(message, code=code)


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return the end of a sentence that names the likeliest valid word, or all of them."""
    known = sorted(valid)
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}?" if close else f"Valid: {', '.join(known)}."


def similar(name: str, names: Iterable[str], otherwise: str) -> str:
    """Return a sentence that names the one likely word among many, or another mend."""
    said = nearest(name, names)
    return said if said.startswith("Did you mean") else otherwise


def raise_all(problems: Sequence[str], *, code: str = "E_INPUT") -> None:
    """Raise one error that lists every problem, or return when there is none."""
    if len(problems) == 1:
        raise RadnbError(problems[0], code=code)
    if problems:
        lines = "\n".join(f"  {number}. {problem}" for number, problem in enumerate(problems, 1))
        raise RadnbError(f"{len(problems)} problems:\n{lines}", code=code)
