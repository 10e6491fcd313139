"""A process that measures is there at once: it loads no more than it needs."""

from __future__ import annotations

import subprocess
import sys

NOT_NEEDED = {"pandas", "pydantic", "yaml", "psutil", "tqdm", "email", "importlib.metadata", "scipy", "pywt",
              "radiomics", "distributed"}


def test_a_process_that_measures_loads_only_what_it_needs() -> None:
    code = f"import sys; import radnb.features.measuring; print(sorted({NOT_NEEDED!r} & set(sys.modules)))"
    asked = subprocess.run([sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
                           capture_output=True, text=True, check=True)  # -S: a .pth file may load anything
    assert asked.stdout.strip() == "[]"
