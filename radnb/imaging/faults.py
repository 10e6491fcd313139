"""A fault of an image or mask, with its mend kept apart so that a table can show both."""

from __future__ import annotations

from pathlib import Path

from radnb.errors import RadnbError


class ImageFault(RadnbError):
    """An image or mask that will not do: what is wrong, how to mend it, and which manifest column names the file."""

    def __init__(self, problem: str, mend: str, *, code: str, column: str = "image") -> None:
        super().__init__(f"{problem} {mend}", code=code)
        self.problem, self.mend, self.column = problem, mend, column


def short(path: Path) -> str:
    """Name a file by its folder and name only, so that no machine path reaches a report."""
    return "/".join(Path(path).parts[-2:])
