"""Refresh the lock files: `.venv/bin/python lock.py [--upgrade]`. Needs uv; writes no registry's address."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ADDRESS = re.compile(r"://| @ |^-|build-shim", re.MULTILINE)
BUILD = re.compile(r"^(?:numpy|packaging|setuptools|uv|wheel)==.*\n(?:    .*\n)+", re.MULTILINE)


def uv(*arguments: str) -> None:
    """Run the uv of this environment in the project's folder."""
    subprocess.run([sys.executable, "-m", "uv", *arguments], cwd=ROOT, check=True)


def export(name: str, *groups: str) -> str:
    """Write one lock file and return its text, or stop when it would name an address or a local path."""
    uv("export", "-q", "--frozen", "--no-emit-project", "--no-header", "--no-annotate", *groups, "-o", name)
    text = (ROOT / name).read_text(encoding="utf-8")
    if found := ADDRESS.search(text):
        sys.exit(f"{name} holds {found.group()!r}: a lock must name no address and no local path.")
    return text


def main() -> None:
    """Resolve once for every supported Python, then write what each step of the set-up installs."""
    uv("lock", *sys.argv[1:])  # writes uv.lock, which git ignores because it records addresses
    text = export("requirements.lock", "--no-default-groups", "--group", "dev", "--group", "build")
    export("requirements-zig.lock", "--only-group", "zig")
    (ROOT / "requirements-build.lock").write_text("".join(BUILD.findall(text)), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
