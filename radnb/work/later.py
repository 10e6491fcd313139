"""Large libraries, loaded when something of them is first used: a process that only drives others does without."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
import types
from typing import Any


class Later(types.ModuleType):
    """Stands for a library until one of its names is asked for; `import library as short` asks for none."""

    _guard = threading.RLock()

    def __getattr__(self, name: str) -> Any:
        with self._guard:
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]
                self.__dict__.update(vars(importlib.import_module(self.__name__)))
        return getattr(sys.modules[self.__name__], name)


def load_later(name: str) -> None:
    """Put off loading a library that is installed and not loaded yet."""
    if name not in sys.modules and (spec := importlib.util.find_spec(name)) is not None:
        module = Later(name)
        module.__spec__ = spec
        module.__path__ = list(spec.submodule_search_locations or [])
        sys.modules[name] = module
