"""Build the extraction engine's C kernels: one plain library without Python's headers, which ctypes loads.

Everything else about the package stands in pyproject.toml.  By hand: `python setup.py build_ext --inplace`.
"""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

KERNELS = Path("radnb", "features", "engine", "kernels")
SOURCES = sorted(KERNELS.glob("*.c"))
DIGEST = hashlib.sha256(b"\0".join(path.read_bytes() for path in [*SOURCES, *sorted(KERNELS.glob("*.h"))])).hexdigest()
# No contraction to fused operations: the same bytes from every compiler and processor.
EXACT = ["/O2", "/fp:precise"] if os.name == "nt" else ["-O3", "-std=gnu11", "-ffp-contract=off", "-fno-math-errno"]


class PlainLibrary(build_ext):
    """Name the library the same for every Python, since it knows nothing of Python, and always build it whole."""

    def finalize_options(self):
        super().finalize_options()
        self.force = True

    def build_extension(self, ext):
        if os.name == "posix":  # file by file on all processors; distutils itself takes one after the other
            one_by_one = self.compiler.compile
            self.compiler.compile = lambda sources, **options: _at_once(one_by_one, sources, options)
        super().build_extension(ext)

    def get_ext_filename(self, fullname):
        return str(Path(*fullname.split("."))) + (".dll" if os.name == "nt" else ".so")

    def get_export_symbols(self, ext):
        return []


def _at_once(compile_these, sources, options):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [made for part in pool.map(lambda source: compile_these([source], **options), sources) for made in part]


setup(cmdclass={"build_ext": PlainLibrary}, ext_modules=[Extension(
    "radnb.features.engine._kernels", [path.as_posix() for path in SOURCES], optional=True, extra_compile_args=EXACT,
    depends=[path.as_posix() for path in KERNELS.glob("*.h")], define_macros=[("RADNB_DIGEST", f'"{DIGEST[:16]}"')])])
