"""A mirror, certificate or proxy set for pip holds for uv, and the reverse: they do not read each other's settings."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from setting_up.places import environment

Settings = dict[str, list[str]]
SHARED = {  # the setting -> the variable that carries it to pip, and to uv
    "index-url": ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
    "extra-index-url": ("PIP_EXTRA_INDEX_URL", "UV_INDEX"),
    "find-links": ("PIP_FIND_LINKS", "UV_FIND_LINKS"),
    "trusted-host": ("PIP_TRUSTED_HOST", "UV_INSECURE_HOST"),
    "cert": ("PIP_CERT", "SSL_CERT_FILE"),
    "proxy": ("PIP_PROXY", "ALL_PROXY"),
}
FORMER = {"index-url": "UV_INDEX_URL", "extra-index-url": "UV_EXTRA_INDEX_URL"}
OTHER_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem")


def installer_environment(pip: Sequence[object]) -> dict[str, str]:
    """Return the variables for pip and uv; what one of them was told and the other was not is handed over."""
    variables = environment() | {"PYTHONUTF8": "1", "PIP_USER": "0", "PIP_NO_INPUT": "1"}
    listing = subprocess.run([*map(str, pip), "config", "list"], check=False, env=variables, capture_output=True,
                             encoding="utf-8", errors="replace").stdout
    of_pip, of_uv, default = pip_settings(listing), uv_settings(variables), {"cert": _system_certificates(variables)}
    for setting, (for_pip, for_uv) in SHARED.items():
        value = of_pip.get(setting) or of_uv.get(setting) or default.get(setting)
        if value and setting not in of_pip:
            variables[for_pip] = " ".join(value)
        if value and setting not in of_uv:
            variables[for_uv] = ("," if setting == "find-links" else " ").join(value)
    for other in OTHER_BUNDLES:
        variables.pop(other, None)  # pip would prefer them to its own setting
    # Every file is checked against its hash, so that it does not matter which of several indexes it came from.
    return {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_SYSTEM_CERTS": "1"} | variables


def pip_settings(listing: str) -> Settings:
    """Read the answer of `pip config list`, which covers its files and its variables."""
    found: Settings = {}
    for scope in ("global.", "install.", ":env:."):  # the later one wins, as it does for pip
        for line in listing.splitlines():
            name, _, value = line.partition("=")
            setting = name.removeprefix(scope)
            if name.startswith(scope) and setting in SHARED:
                text = str(ast.literal_eval(value))
                found[setting] = [text] if setting == "cert" else text.split()
    return found


def uv_settings(variables: dict[str, str]) -> Settings:
    """Read uv's variables and its two files, the machine's and the user's."""
    found: Settings = {}
    for path in _uv_files(variables):
        if path.is_file():
            found |= uv_file_settings(tomllib.loads(path.read_text(encoding="utf-8")))
    for setting, (_, name) in SHARED.items():
        value = variables.get(name) or variables.get(FORMER.get(setting, ""), "")
        if value:
            parts = [value] if setting == "cert" else re.split(r"[\s,]+", value.strip())
            found[setting] = [re.sub(r"^[\w.-]+=(?=\w+:)", "", part) for part in parts]  # an index may have a name
    return found


def _uv_files(variables: dict[str, str]) -> list[Path]:
    if "UV_CONFIG_FILE" in variables:
        return [Path(variables["UV_CONFIG_FILE"])]
    if os.name == "nt":
        folders = [variables.get("PROGRAMDATA", "C:/ProgramData"), variables.get("APPDATA", "C:/")]
    else:
        folders = ["/etc", variables.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")]
    return [Path(folder) / "uv" / "uv.toml" for folder in folders]


def uv_file_settings(content: dict[str, Any]) -> Settings:
    """Read one uv.toml, which may name its indexes in an older and in a newer way."""
    flat = content | content.get("pip", {})
    default = [index["url"] for index in flat.get("index", []) if index.get("default")]
    further = [index["url"] for index in flat.get("index", []) if not index.get("default")]
    found = {"index-url": [flat["index-url"]] if "index-url" in flat else default,
             "extra-index-url": further + flat.get("extra-index-url", []),
             "find-links": flat.get("find-links", []), "trusted-host": flat.get("allow-insecure-host", [])}
    return {setting: value for setting, value in found.items() if value}


def _system_certificates(variables: dict[str, str]) -> list[str]:
    """Return the machine's certificates, which know an institute's own; pip and uv bring theirs, which do not."""
    known = [*(variables.get(name, "") for name in OTHER_BUNDLES), *BUNDLES]
    return [path for path in known if path and Path(path).is_file()][:1]
