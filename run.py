"""Set radnb up in .venv, only when something changed, then run it: `python3 run.py demo`, `python3 run.py test`.

Whatever else radnb can do goes the same way: `python3 run.py lab`, `python3 run.py doctor`. Nothing is needed but
Python itself. This file must still parse on Python 3.6, so that an old Python gets a sentence and no traceback.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    FOUND = [name for name in ("python3.13", "python3.12", "python3.11") if shutil.which(name)]
    ADVICE = f"run `{FOUND[0]} run.py demo`" if FOUND else "install one from python.org, then run it with that"
    sys.exit(f"radnb: This is Python {sys.version.split()[0]}, and 3.11, 3.12 or 3.13 is needed: {ADVICE}.")

sys.path.insert(0, str(Path(__file__).resolve().parent))

from setting_up import packages, places, stamp  # only now is this Python known to be new enough
from setting_up.steps import Stopped, alone, say


def make_ready() -> None:
    """Set up what is not there yet; nothing happens the second time."""
    if not packages.work_to_do(stamp.read()):
        return
    if not os.access(places.ROOT, os.W_OK):
        raise PermissionError(f"{places.ROOT} cannot be written to: copy the project to a folder of your own")
    with alone():
        work = packages.work_to_do(stamp.read())  # asked again: another set-up may have finished meanwhile
        if work:
            work()


def start(arguments: list[str]) -> int:
    """Run radnb, or its tests, with the Python of .venv."""
    testing = arguments[:1] == ["test"]
    # -P: a file of the user's that is called like a library must not be taken for it.
    what = ["-m", "pytest", *arguments[1:]] if testing else ["-P", "-m", "radnb", *arguments]
    command, environment = [str(places.PYTHON), *what], places.environment() | {"VIRTUAL_ENV": str(places.VENV)}
    if testing:
        os.chdir(places.ROOT)
    if os.name == "posix":
        os.execve(command[0], command, environment)  # one process, so that signals and exit code are radnb's own
    return subprocess.run(command, check=False, env=environment).returncode


def main(arguments: list[str]) -> int:
    """Make ready, then do what was asked; every fault of the set-up ends in one sentence."""
    try:
        make_ready()
        return start(arguments)
    except Stopped as stop:
        say(stop.sentence(), details=stop.tail())
    except OSError as error:
        say(f"The set-up stopped: {error}.")
    except KeyboardInterrupt:
        say("Stopped; the same command starts again.")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
