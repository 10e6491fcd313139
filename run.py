"""Set radnb up in .venv, only when something changed, then run it: `python3 run.py demo`, `python3 run.py test`.

Whatever else `radnb` can do goes the same way: `python3 run.py lab`, `python3 run.py doctor`. Standard library only.
Versions and hashes are pinned in requirements*.lock (see lock.py); this file must still parse on Python 3.6.
"""

import ast
import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    HERE = [name for name in ("python3.13", "python3.12", "python3.11") if shutil.which(name)]
    sys.exit("radnb: This is Python {}, and 3.11, 3.12 or 3.13 is needed: {}.".format(
        sys.version.split()[0], "run `{} run.py demo`".format(HERE[0]) if HERE else
        "install one from python.org, then `py -3.13 run.py demo`" if os.name == "nt" else
        "install one, then `python3.13 run.py demo`"))

BASE = getattr(sys, "_base_executable", sys.executable)  # not the Python of an environment that happens to be active
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "radnb-stamp"  # written last, so that an interrupted set-up starts afresh
GUARD = ROOT / ".venv-guard"  # outside .venv, which every set-up empties
INPUTS = [*sorted(ROOT.glob("requirements*.lock")), *sorted(ROOT.glob("build_shim/*.*"))]
NEEDED_GB = 3
ENDS_THE_SETUP = {  # a pattern in an installer's output -> what to tell the user; the first that fits wins
    r"[Nn]o space left|ENOSPC|os error 28|not enough space":
        f"The disk is full: the set-up needs about {NEEDED_GB} GB free, some of it in the installers' cache at home.",
    r"[Hh]ash mismatch|DO NOT MATCH":
        "A download is not the tested file (hash mismatch): try another network or package index.",
    r"CERTIFICATE_VERIFY|invalid peer certificate|certificate verify failed|UnknownIssuer":
        "The package index's certificate is not trusted: set PIP_CERT to your institute's certificate file.",
    r"[Cc]onnection (?:broken|refused|reset|error|timed)|NewConnectionError|[Cc]onnect error|dns error|name resolution"
    r"|error sending request|[Rr]ead timed out|operation timed out|[Cc]annot connect to proxy":
        "The package index cannot be reached: check the network, or set PIP_INDEX_URL to a mirror.",
    r"\b40[137]\b.{0,40}(?:Unauthorized|Forbidden|Proxy)|Missing credentials":
        "The package index wants a name and a password: put them into PIP_INDEX_URL, or set another index there.",
    r"[Pp]ermission denied|Access is denied|os error (?:5|13|32)\b":
        "A file of .venv is in use or not yours: close what uses it (JupyterLab?), then repeat the command.",
}
ENDS_EXTRACTION = {  # the same for what keeps only pyradiomics from being built
    r"ziglang":
        "no C compiler was found, and zig cannot be fetched in its stead: install gcc (Debian, Ubuntu: build-essential)",
    r"Python\.h":
        "Python's header files are missing: install python3-dev (Debian, Ubuntu) or python3-devel (Fedora)",
    r"Visual C\+\+":
        "no C compiler was found: install Visual Studio Build Tools with \"Desktop development with C++\"",
    r"xcode-select|xcrun: error":
        "no C compiler was found: run `xcode-select --install`",
    r"[Ff]ailed to build|[Ff]ailed building|metadata-generation-failed":
        "the C compiler could not build pyradiomics (see above): check it, or set CC to one that works",
}
ONLY_ELSEWHERE = r"No matching distribution|not found in the (?:package )?(?:registry|index)|no wheels? with a matching"
ASTRAY = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_NO_BINARY", "UV_TARGET",
          "UV_PREFIX", "UV_PYTHON", "UV_NO_BINARY", "UV_EXCLUDE_NEWER")
SHARED = {  # a setting -> its name for pip and for uv, which do not read each other's files
    "index-url": ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
    "extra-index-url": ("PIP_EXTRA_INDEX_URL", "UV_INDEX"),
    "find-links": ("PIP_FIND_LINKS", "UV_FIND_LINKS"),
    "trusted-host": ("PIP_TRUSTED_HOST", "UV_INSECURE_HOST"),
    "cert": ("PIP_CERT", "SSL_CERT_FILE"),
    "proxy": ("PIP_PROXY", "ALL_PROXY"),
}
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem")


class Stopped(Exception):
    """A step that failed, with all that the installer said."""

    def __init__(self, text: str, output: str) -> None:
        super().__init__(text)
        self.text, self.output = text, output

    def tail(self) -> str:
        """Return the installer's last lines, which the user may have to show to somebody."""
        return "\n".join(self.output.splitlines()[-25:])

    def sentence(self) -> str:
        """Say what to do about it."""
        missing = "The package index lacks a pinned file: set PIP_INDEX_URL to a fuller one."
        known = {**ENDS_THE_SETUP, ONLY_ELSEWHERE: missing, **ENDS_EXTRACTION}
        return first_fit(known, self.output) or f"This step failed: {self.text}."

    def keeps_from_building(self) -> str:
        """Say why pyradiomics cannot be built, or nothing if this fault would stop everything else too."""
        return "" if first_fit(ENDS_THE_SETUP, self.output) else first_fit(ENDS_EXTRACTION, self.output)


def first_fit(sentences: dict[str, str], output: str) -> str:
    """Return the sentence of the first pattern found in the output, or nothing."""
    return next((sentence for pattern, sentence in sentences.items() if re.search(pattern, output)), "")


def say(text: str) -> None:
    """Tell the user one thing, where it does not mix with a command's results."""
    print(f"radnb: {text}", file=sys.stderr, flush=True)


def step(text: str, command: list, env: dict) -> None:
    """Run one installer, showing that it lives: a running clock on a terminal, two lines in a log."""
    started, terminal = time.monotonic(), sys.stderr.isatty()
    if not terminal:
        say(f"{text} ...")
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as sink, subprocess.Popen(
                [str(part) for part in command], cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink) as work:
            while work.poll() is None:
                if terminal:
                    show_life(f"radnb: {text} ... {time.monotonic() - started:.0f} s", log)
                time.sleep(0.1)
        output = log.read_text(encoding="utf-8", errors="replace")
    if terminal:
        print("\r\033[K", end="", file=sys.stderr)
    say(f"{text}: {'done' if work.returncode == 0 else 'failed'} after {time.monotonic() - started:.0f} s.")
    if work.returncode:
        raise Stopped(text, output)


def show_life(clock: str, log: Path) -> None:
    """Rewrite the terminal's last line: the step, its seconds, and what the installer said last."""
    said = log.read_bytes()[-200:].decode("utf-8", "replace").split("\n")
    last = next((line.strip() for line in reversed(said[:-1]) if line.strip()), "")
    width = shutil.get_terminal_size().columns - 1
    print(f"\r\033[K{clock}  {last}"[:width + 4], end="", file=sys.stderr, flush=True)


# ---- what is here: the stamp, the compiler, the installers' settings

def identity() -> str:
    """Name this set-up: what it installs, for which Python, in which folder (an environment cannot be moved)."""
    here = f"{sys.version}{sysconfig.get_platform()}{ROOT}".encode()
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in INPUTS) + here).hexdigest()


def read_stamp() -> dict:
    """Return what the last finished set-up left, or nothing if it is another one's or was damaged since."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
        whole = PYTHON.exists() and stamp["identity"] == identity() and installed() >= stamp["packages"]
    except (OSError, ValueError, TypeError, KeyError):
        return {}
    return stamp if whole else {}


def write_stamp(without: str) -> None:
    """Record a finished set-up, and why it had to do without image extraction."""
    stamp = {"identity": identity(), "packages": installed(), "without_extraction": without, "tools": tools()}
    STAMP.write_text(json.dumps(stamp, indent=1), encoding="utf-8")


def installed() -> int:
    """Count the packages in .venv."""
    return sum(1 for _ in VENV.glob("[Ll]ib*/**/site-packages/*.dist-info"))


def compiler() -> str:
    """Return the C compiler to build with, or nothing."""
    if os.name == "nt":
        homes = {os.environ.get(name, "C:/") for name in ("ProgramFiles", "ProgramFiles(x86)")}
        found = [str(p) for home in homes for p in Path(home).glob("Microsoft Visual Studio/*/*/VC/Tools/MSVC/*")]
        return shutil.which("cl") or max(found, default="")
    if sys.platform == "darwin" and subprocess.run(["xcode-select", "-p"], check=False, capture_output=True).returncode:
        return ""  # /usr/bin/cc is there all the same, and would only open a window
    wanted = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    return next((name for name in (wanted, "cc", "gcc", "clang") if shutil.which(name.split()[0])), "")


def tools() -> list:
    """Return what decides whether pyradiomics can be built; when it changes, another attempt is worth while."""
    return [compiler(), (Path(sysconfig.get_path("include")) / "Python.h").exists()]


def environment() -> dict:
    """Return what the installers see: a mirror, certificate or proxy set for pip holds for uv, and the reverse."""
    env = {name: value for name, value in os.environ.items() if name not in ASTRAY}
    env |= {"PATH": f"{BIN}{os.pathsep}{env.get('PATH', '')}", "PYTHONUTF8": "1", "PIP_USER": "0", "PIP_NO_INPUT": "1"}
    of_pip, of_uv = pip_settings(env), uv_settings(env)
    bundle = [path for path in (env.get("REQUESTS_CA_BUNDLE"), *BUNDLES) if path and Path(path).is_file()][:1]
    for setting, (pip_name, uv_name) in SHARED.items():
        found = of_pip.get(setting) or of_uv.get(setting) or (bundle if setting == "cert" else [])
        if found and not of_pip.get(setting):
            env[pip_name] = " ".join(found)
        if found and not of_uv.get(setting):
            env[uv_name] = ("," if setting == "find-links" else " ").join(found)
    # Every file is checked against its hash, so that it does not matter which index it came from.
    return {"UV_SYSTEM_CERTS": "1", "UV_INDEX_STRATEGY": "unsafe-best-match"} | env


def pip_settings(env: dict) -> dict[str, list[str]]:
    """Return what pip's files and variables say about the settings that uv shares."""
    listing = subprocess.run([*map(str, pip()), "config", "list"], check=False, env=env, capture_output=True,
                             encoding="utf-8", errors="replace").stdout
    found: dict[str, list[str]] = {}
    for scope in ("global.", "install.", ":env:."):  # the later one wins, as in pip
        for line in listing.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(scope) and name.removeprefix(scope) in SHARED:
                found[name.removeprefix(scope)] = str(ast.literal_eval(value)).split()
    return found


def uv_settings(env: dict) -> dict[str, list[str]]:
    """Return what uv's files and variables say about the settings that pip shares."""
    import tomllib

    home = Path(env.get("APPDATA") or env.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    system = Path(env.get("PROGRAMDATA", "C:/ProgramData") if os.name == "nt" else "/etc")
    files = [env["UV_CONFIG_FILE"]] if "UV_CONFIG_FILE" in env else [system / "uv/uv.toml", home / "uv/uv.toml"]
    found: dict[str, list[str]] = {}
    for path in map(Path, files):
        if path.is_file():
            found |= uv_file_settings(tomllib.loads(path.read_text(encoding="utf-8")))
    older = {"index-url": "UV_INDEX_URL", "extra-index-url": "UV_EXTRA_INDEX_URL"}
    for setting, (_, name) in SHARED.items():
        value = env.get(name) or env.get(older.get(setting, ""))
        if value:
            found[setting] = [re.sub(r"^[\w.-]+=", "", part) for part in re.split(r"[\s,]+", value.strip())]
    return found


def uv_file_settings(content: dict) -> dict[str, list[str]]:
    """Return the shared settings of one uv.toml, which may name its indexes in two ways."""
    flat = content | content.get("pip", {})
    indexes = flat.get("index", [])
    found = {"index-url": [flat["index-url"]] if "index-url" in flat else [i["url"] for i in indexes if i.get("default")],
             "extra-index-url": flat.get("extra-index-url", []) + [i["url"] for i in indexes if not i.get("default")],
             "find-links": flat.get("find-links", []), "trusted-host": flat.get("allow-insecure-host", [])}
    return {setting: value for setting, value in found.items() if value}


# ---- the set-up, in the order in which it happens

def set_up() -> None:
    """Make .venv afresh; only its last lines make it count."""
    started = time.monotonic()
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < NEEDED_GB and not VENV.exists():
        sys.exit(f"radnb: The disk is too full: {free:.1f} GB are free here, and the set-up needs about {NEEDED_GB} GB.")
    say("Setting up in .venv: a few minutes and 300 MB of downloads, only this once.")
    make_venv()
    env = environment()
    fetch_installer(env)
    without = add_packages(env)
    step("Adding radnb itself", install("-e", ".", offline=True), env)
    step("Preparing the figures' fonts", [PYTHON, "-c", "import matplotlib.font_manager"], env)
    write_stamp(without)
    say(f"Ready after {time.monotonic() - started:.0f} s.")
    excuse(without)


def add_extraction() -> None:
    """Try again to build pyradiomics in a finished .venv, because a compiler has come or gone since."""
    without = add_packages(environment())
    write_stamp(without)
    excuse(without)


def excuse(without: str) -> None:
    """Say what is missing, if anything is."""
    if without:
        say(f"Set-up finished without image extraction: {without}, then repeat the command. "
            "Until then, everything that starts from a finished feature table works.")


def own_pip() -> bool:
    """Tell whether this Python can put pip into .venv; Debian leaves that to its package python3-venv."""
    return bool(getattr(importlib.util.find_spec("ensurepip"), "origin", None))  # a left-over folder has no origin


def pip() -> list:
    """Return the pip that fills .venv: its own, or this Python's."""
    return [PYTHON, "-m", "pip"] if own_pip() else [BASE, "-m", "pip", "--python", PYTHON]


def make_venv() -> None:
    """Make an empty .venv."""
    if not own_pip() and not importlib.util.find_spec("pip"):
        sys.exit("radnb: This Python cannot make an environment: install python3-venv (Debian, Ubuntu), then repeat.")
    env = {name: value for name, value in os.environ.items() if name not in ASTRAY}
    step("Making .venv", [BASE, "-m", "venv", "--clear", *([] if own_pip() else ["--without-pip"]), VENV], env)


def fetch_installer(env: dict) -> None:
    """Fetch what builds, and uv, which installs five times faster than pip; there may be no uv for this machine."""
    get = [*pip(), "install", "--no-deps", "--only-binary=:all:", "--require-hashes", "-r"]
    try:
        step("Fetching the installer (1 of 2, 40 MB)", [*get, "requirements-build.lock"], env)
    except Stopped as stop:
        if "uv==" not in stop.output or first_fit(ENDS_THE_SETUP, stop.output):
            raise
        step("Fetching the builder, without uv", [*get, lock_without("requirements-build.lock", "uv")], env)


def with_uv() -> bool:
    """Tell whether uv is in .venv."""
    return (BIN / ("uv.exe" if os.name == "nt" else "uv")).exists()


def install(*what: object, offline: bool = False) -> list:
    """Return the command that installs exactly this: nothing it names further, and no build that fetches anything."""
    if with_uv():
        start, alone = [PYTHON, "-m", "uv", "pip", "install", "--python", PYTHON], ["--offline"]
    else:
        start, alone = [*pip(), "install"], ["--no-index"]
    return [*start, *(alone if offline else []), "--no-deps", "--no-build-isolation", *what]


def uninstall(*what: str) -> list:
    """Return the command that removes packages, present or not."""
    start = [PYTHON, "-m", "uv", "pip", "uninstall", "--python", PYTHON] if with_uv() else [*pip(), "uninstall", "--yes"]
    return [*start, *what]


def add_packages(env: dict) -> str:
    """Install the lock; where pyradiomics cannot be built, all the rest, and return why."""
    no_uv = [] if with_uv() else ["uv"]
    lock = lock_without("requirements.lock", *no_uv)
    text = f"Fetching {len(entries(lock))} packages (2 of 2, 250 MB)"
    without = foreseeable()
    if not without:
        try:
            step(text, install("--require-hashes", "-r", lock), env | prepare_build(env))
        except Stopped as stop:
            without = stop.keeps_from_building()
            if not without:
                raise
            print(stop.tail(), file=sys.stderr)
        finally:
            step("Removing what only the build needed", uninstall("radnb-build-shim", "ziglang"), env)
    if without:
        step(text, install("--require-hashes", "-r", lock_without("requirements.lock", "pyradiomics", *no_uv)), env)
    return without


def foreseeable() -> str:
    """Say what is known beforehand to keep pyradiomics from being built, or nothing."""
    found, headers = tools()
    if os.name == "nt" and not found:
        return ENDS_EXTRACTION[r"Visual C\+\+"]
    return "" if headers else ENDS_EXTRACTION[r"Python\.h"]


def prepare_build(env: dict) -> dict:
    """Bring what pyradiomics' build asks for: the shim, by its path, and a C compiler; return how to call it."""
    step("Preparing the build", install("./build_shim", offline=True), env)
    found = compiler()
    if found:
        return {"CC": found}
    step("No C compiler here: fetching zig (100 MB)",
         [*pip(), "install", "--no-deps", "--only-binary=:all:", "--require-hashes", "-r", "requirements-zig.lock"], env)
    zig = "python -m ziglang cc"  # not its path, which may hold spaces; .venv comes first on PATH
    undefined = " -undefined dynamic_lookup" if sys.platform == "darwin" else ""
    return {"CC": zig, "LDSHARED": f"{zig} -shared{undefined}"}


def entries(lock: Path) -> list[str]:
    """Return a lock file's entries, each with its hashes."""
    return re.findall(r"^\w.*\n(?:    .*\n)+", lock.read_text(encoding="utf-8"), re.MULTILINE)


def lock_without(name: str, *packages: str) -> Path:
    """Return a lock file, or a copy of it that lacks some packages."""
    if not packages:
        return ROOT / name
    shorter = VENV / name
    kept = [entry for entry in entries(ROOT / name) if entry.partition("==")[0] not in packages]
    shorter.write_text("".join(kept), encoding="utf-8")
    return shorter


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold the folder; a second set-up waits here, and the hold ends with its process, however that ends."""
    with GUARD.open("a+b") as file:
        if not hold(file):
            say("Another set-up is at work in this folder: waiting for it.")
            while not hold(file):
                time.sleep(0.5)
        yield


def hold(file: BinaryIO) -> bool:
    """Try to lock an open file."""
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def make_ready() -> None:
    """Set up whatever is not there yet."""
    if not os.access(ROOT, os.W_OK):
        sys.exit(f"radnb: {ROOT} cannot be written to: copy the project to a folder of your own.")
    with alone():
        stamp = read_stamp()  # again: another process may have finished meanwhile
        if not stamp:
            set_up()
        elif wants_extraction(stamp):
            add_extraction()


def wants_extraction(stamp: dict) -> bool:
    """Tell whether pyradiomics is missing and another attempt may succeed."""
    return bool(stamp["without_extraction"]) and stamp["tools"] != tools()


def start(arguments: list[str]) -> int:
    """Run radnb, or its tests, with the Python of .venv."""
    testing = arguments[:1] == ["test"]
    # -P: a file of the user's that is called like a library must not be taken for it.
    command = [str(PYTHON), *(["-m", "pytest", *arguments[1:]] if testing else ["-P", "-m", "radnb", *arguments])]
    env = {name: value for name, value in os.environ.items() if name not in ASTRAY}
    env |= {"PATH": f"{BIN}{os.pathsep}{env.get('PATH', '')}", "VIRTUAL_ENV": str(VENV)}
    if testing:
        os.chdir(ROOT)
    if os.name == "posix":
        os.execve(command[0], command, env)  # one process: signals and exit code are radnb's own
    return subprocess.run(command, check=False, env=env).returncode


def main(arguments: list[str]) -> int:
    """Set up if need be, then do what was asked; every fault of the set-up ends in one sentence."""
    try:
        stamp = read_stamp()
        if not stamp or wants_extraction(stamp):
            make_ready()
        return start(arguments)
    except Stopped as stop:
        print(stop.tail(), file=sys.stderr)
        say(stop.sentence())
    except OSError as error:
        say(f"The set-up stopped: {error}.")
    except KeyboardInterrupt:
        say("Stopped; the same command starts again.")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
