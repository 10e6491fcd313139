"""YAML from strangers: safe types only, no aliases, no doubled keys, no bombs, one sentence per fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from radnb.errors import RadnbError

LIMIT = 1_000_000


class _Loader(yaml.SafeLoader):
    """A safe loader that also refuses aliases and doubled keys."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not allowed; write the value out",
                                              self.peek_event().start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, (str, int, float, bool)) and key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands here twice; keep one",
                                                        key_node.start_mark)
            seen.add(key) if isinstance(key, (str, int, float, bool)) else None
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """Read a YAML file, or say in one sentence with its line what is wrong with it."""
    try:
        content = Path(path).read_bytes()
        if len(content) > LIMIT:
            raise RadnbError(f"{path}: {len(content):,} bytes are too many for a card or manifest. "
                             "Keep tables in CSV or XLSX files.", code="E_CONFIG")
        return yaml.load(content.decode("utf-8-sig"), Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except OSError as error:
        raise RadnbError(f"{path} cannot be read: {error.strerror}. Check the path.", code="E_CONFIG") from error
    except UnicodeDecodeError as error:
        raise RadnbError(f"{path} is not UTF-8 text. Save it as UTF-8.", code="E_CONFIG") from error
    except yaml.YAMLError as error:
        raise RadnbError(f"{path}{_place(error)}: {_fault(error)}. Mend the YAML there (indentation, colons, quotes).",
                         code="E_CONFIG") from error


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f", line {mark.line + 1}" if mark else ""


def _fault(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or "not valid YAML")
