"""From an installer's output to one sentence that says how to mend it."""

from __future__ import annotations

import re

NEEDED_GB = 3
NO_HEADERS = "Python's header files are missing; install python3-dev (Debian, Ubuntu) or python3-devel (Fedora)"
NO_VISUAL_C = "no C compiler was found; install Visual Studio Build Tools with \"Desktop development with C++\""

# A pattern -> the sentence; the first that fits wins. These stop the whole set-up ...
STOPPING = {
    r"[Nn]o space left|ENOSPC|os error 28\b|not enough space":
        f"The disk is full: the set-up needs about {NEEDED_GB} GB, part of it for the installers' cache at home.",
    r"[Hh]ash mismatch|DO NOT MATCH":
        "A download is not the tested file (hash mismatch): try another network or package index.",
    r"CERTIFICATE_VERIFY|certificate verify failed|invalid peer certificate|UnknownIssuer":
        "The package index's certificate is not trusted: set PIP_CERT to your institute's certificate file.",
    r"407 Proxy|ProxyError|[Cc]annot connect to proxy|tunnel":
        "The proxy refuses: set HTTPS_PROXY to its address, with name and password if it wants them.",
    r"\b40[13]\b.{0,9}(?:Unauthorized|Forbidden)|Missing credentials":
        "The package index wants a name and a password: write them into PIP_INDEX_URL, or set another index there.",
    r"[Cc]onnection (?:broken|refused|reset|error|timed|aborted)|NewConnectionError|connect error|dns error"
    r"|name resolution|error sending request|[Rr]ead timed out|operation timed out|[Ff]ailed to fetch":
        "The package index cannot be reached: check the network, or set PIP_INDEX_URL to a mirror.",
    r"[Pp]ermission denied|Access is denied|being used by another process|os error (?:5|13|32)\b":
        "A file of .venv is in use or not yours: close what uses it (JupyterLab?), then repeat the command.",
}
# ... these only keep pyradiomics from being built: the end of "without image extraction: ...".
BUILD_FAILED = r"[Ff]ailed (?:to build|building wheel for|to build installable wheels for) .{0,40}pyradiomics"
HINDERING = {
    r"(?:found for|requirement) ziglang":
        "no C compiler was found, nor can zig be fetched in its stead; install gcc (Debian, Ubuntu: build-essential)",
    r"Python\.h\b":
        NO_HEADERS,
    r"Visual C\+\+ 14":
        NO_VISUAL_C,
    r"xcode-select: |xcrun: error":
        "no C compiler was found; run `xcode-select --install`",
    BUILD_FAILED:
        "the C compiler could not build pyradiomics; look above for its words, or set CC to one that works",
}
FULL = next(iter(STOPPING))
LACKING = {r"No matching distribution|not found in the|no wheels? with a matching|No solution found":
           "The package index lacks a pinned file: set PIP_INDEX_URL to a fuller one."}


class Stopped(Exception):
    """A step that failed, with all that the installer said."""

    def __init__(self, step: str, output: str) -> None:
        super().__init__(step)
        self.step, self.output = step, output

    def tail(self) -> str:
        """Return the installer's last lines, which the user may have to show to somebody."""
        return "\n".join(self.output.splitlines()[-25:])

    def hindrance(self) -> str:
        """Say why pyradiomics alone cannot be built, or nothing if this fault stops everything."""
        built = re.search(BUILD_FAILED, self.output) and not re.search(FULL, self.output)
        return _first_fit(HINDERING, self.output) if built or not _first_fit(STOPPING, self.output) else ""

    def is_for_lack(self) -> bool:
        """Tell whether the index was reached and merely has no such file for this machine."""
        return not _first_fit(STOPPING, self.output) and bool(_first_fit(LACKING, self.output))

    def sentence(self) -> str:
        """Say how to mend what stopped the set-up."""
        return (_first_fit(STOPPING | LACKING, self.output)
                or f"This step failed: {self.step}. The installer's last words are above.")


def _first_fit(sentences: dict[str, str], output: str) -> str:
    return next((sentence for pattern, sentence in sentences.items() if re.search(pattern, output)), "")
