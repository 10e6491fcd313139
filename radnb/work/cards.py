"""A YAML file written by a person: read safely, checked whole, its faults told with key, line and mend."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from radnb.errors import RadnbError, nearest, similar

LARGEST_BYTES = 1_000_000


class _Loader(yaml.SafeLoader):
    """A safe loader without YAML's surprises: no aliases, no repeated keys, `no` and `2024-01-31` stay text."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            line = self.peek_event().start_mark.line + 1
            raise RadnbError(f"line {line}: aliases (`*name`) are not allowed. Write the value out.", code="E_YAML")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or key_node.value == "<<":
                raise RadnbError(f"line {line}: a key must be a plain word. Write `key: value`.", code="E_YAML")
            if key_node.value in seen:
                raise RadnbError(f"line {line}: the key {key_node.value!r} stands here twice. Remove one.",
                                 code="E_YAML")
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)


_TRUTH = re.compile(r"^(?:true|false|True|False)$")
_WHOLE = re.compile(r"^(?:0|[-+]?[1-9][0-9]*)$")  # 007 and 12:30 stay text
_SURPRISES = {f"tag:yaml.org,2002:{name}" for name in ("bool", "int", "timestamp", "merge")}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag not in _SURPRISES]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _TRUTH, list("tfTF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _WHOLE, list("-+0123456789"))


def read_card(path: Path) -> dict[str, Any]:
    """Read a YAML mapping; broken YAML, aliases, repeated keys and giant files are told in one sentence."""
    path = Path(path)
    text = _text_of(path)
    try:
        value = yaml.load(text, Loader=_Loader)
    except RadnbError as error:
        raise RadnbError(f"{path}, {error}", code=error.code) from None
    except yaml.YAMLError as error:
        raise RadnbError(f"{path}{_yaml_fault(error)}", code="E_YAML") from None
    except RecursionError:
        raise RadnbError(f"{path}: the keys are nested too deeply. Write a flat file like the template.",
                         code="E_YAML") from None
    if not isinstance(value, dict):
        raise RadnbError(f"{path}: this is not a list of `key: value` lines. Start from the commented template.",
                         code="E_YAML")
    return value


def _text_of(path: Path) -> str:
    if not path.is_file():
        near = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        raise RadnbError(f"{path}: there is no such file. {similar(path.name, near, 'Check the path.')}", code="E_FILE")
    if path.stat().st_size > LARGEST_BYTES:
        raise RadnbError(f"{path}: larger than 1 MB. Give the path of a YAML file, not of a data file.",
                         code="E_TOO_BIG")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise RadnbError(f"{path}: the text is not UTF-8. Save the file as UTF-8 in your editor.",
                         code="E_ENCODING") from None


def _yaml_fault(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    line = f", line {mark.line + 1}" if mark else ""
    reason = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read")
    if "tab" in reason or "'\\t'" in reason:
        return f"{line}: a tab stands where YAML wants spaces. Indent with spaces."
    if "could not determine a constructor" in reason:
        return f"{line}: tags such as `!name` are not allowed. Write plain values."
    return (f"{line}: this is not valid YAML ({reason}). Check the indentation, the space after each colon, "
            "and put quotes around text that holds `: ` or begins with a sign.")


_KINDS = {
    "string": "Write a text.", "dict": "Write `key: value` pairs.", "model": "Write `key: value` pairs.",
    "mapping": "Write `key: value` pairs.",
    "tuple": "Write a list, as in [a, b].", "list": "Write a list, as in [a, b].",
    "bool": "Write true or false.", "float": "Write a number.", "int": "Write a whole number.",
    "string_pattern_mismatch": "Use Latin letters, digits, dots, dashes and underscores only."}


_MEMBER = r"[\[(]|^(constrained-str|str|float|int)$"  # what a union calls its members, no part of the card


def card_problems(error: ValidationError, model: type[BaseModel], *, where: str) -> list[str]:
    """Turn pydantic's findings into sentences with the key's path, the value and the mend, one for each place."""
    found: dict[tuple[Any, ...], str] = {}
    for fault in error.errors():
        place = tuple(part for part in fault["loc"] if not re.search(_MEMBER, str(part)))
        sentence = _sentence({**fault, "loc": place}, model, where)
        found.setdefault(place if fault["type"].endswith("_type") else (*place, sentence), sentence)
    return list(found.values())


def _sentence(fault: dict[str, Any], model: type[BaseModel], where: str) -> str:
    location, kind = fault["loc"], fault["type"]
    start = f"{where}: {'.'.join(str(part) for part in location) or 'the whole'}"
    if kind == "extra_forbidden":
        return f"{start}: unknown key. {nearest(str(location[-1]), _names_at(model, location[:-1]))}"
    if kind == "missing" and isinstance(location[-1], int):
        return f"{start}: a value is missing here. Write all of them, as in [0, 120]."
    if kind == "missing":
        return f"{start}: this key is required. Add it."
    if kind == "literal_error":
        valid = re.findall(r"'([^']+)'", fault["ctx"]["expected"])
        return f"{start}: {fault['input']!r} will not do. {nearest(str(fault['input']), valid)}"
    if kind == "value_error":
        return f"{start}: {fault['ctx']['error']}"
    mend = _KINDS.get(re.sub(r"_(type|attributes_type|parsing)$", "", kind), f"{fault['msg'].removesuffix('.')}.")
    return f"{start}: {str(fault['input'])[:80]!r} will not do. {mend}"


def _names_at(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """List the keys that are valid at a place inside the model."""
    here: Any = model
    for part in location:
        fields = getattr(here, "model_fields", {})
        here = _model_in(fields[part].annotation) if part in fields else here
    return [field.alias or name for name, field in getattr(here, "model_fields", {}).items()]


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = [_model_in(inner) for inner in get_args(annotation)]
    return next((inner for inner in found if inner is not None), None)


def as_words(value: Any) -> Any:
    """Return a mapping, list or scalar of a card with numbers and truths as the words that were written."""
    if isinstance(value, Mapping):
        return {as_words(key): as_words(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [as_words(inner) for inner in value]
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) or value is None else str(value)
