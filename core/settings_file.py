"""Change single settings in a roomwise.toml; every other line, and every comment, stays as it is."""

import json
import re
from collections.abc import Mapping
from typing import Any

from core.errors import ConfigError
from core.untrusted import Malformed, parse_toml

Setting = str | int | float | bool
_HEADER = re.compile(r"\s*\[([^\[\]]+)\]\s*(#.*)?$")
_PLAIN = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'#\[{]+)"""
"""A value on one line: text, number, true or false."""


def with_settings(text: str, settings: Mapping[str, Setting]) -> str:
    """The file's text with these settings, by dotted key. Raises ConfigError where it cannot be done safely.

    A value is replaced where it stands, a missing key is added below its section's header, a missing section
    at the end. The result is read again, and must differ in these settings alone.
    """
    lines = text.removesuffix("\n").split("\n") if text else []
    for key, value in settings.items():
        section, _, name = key.rpartition(".")
        _set(lines, section, name, json.dumps(value, ensure_ascii=False))
    changed = "\n".join(lines) + "\n"
    if _parsed(changed) != _merged(_parsed(text), settings):
        wanted = ", ".join(f"{key} = {json.dumps(value)}" for key, value in settings.items())
        raise ConfigError(f"The file is written in a way that is not changed safely. Set by hand: {wanted}")
    return changed


def _set(lines: list[str], section: str, name: str, value: str) -> None:
    begin = next((i for i, line in enumerate(lines) if _section(line) == section), None)
    if begin is None:
        lines += [*([""] if lines else []), f"[{section}]", f"{name} = {value}"]
        return
    end = next((i for i in range(begin + 1, len(lines)) if lines[i].lstrip().startswith("[")), len(lines))
    line_of = re.compile(rf"(\s*{re.escape(name)}\s*=\s*){_PLAIN}(.*)$")
    for index in range(begin + 1, end):
        if found := line_of.match(lines[index]):
            lines[index] = f"{found[1]}{value}{found[2]}"
            return
    lines.insert(begin + 1, f"{name} = {value}")


def _section(line: str) -> str | None:
    found = _HEADER.match(line)
    return found[1].strip() if found else None


def _parsed(text: str) -> dict[str, Any]:
    try:
        return parse_toml(text.encode())
    except Malformed as error:
        raise ConfigError(f"The file is not valid TOML: {error}. Correct it there.") from error


def _merged(table: dict[str, Any], settings: Mapping[str, Setting]) -> dict[str, Any]:
    for key, value in settings.items():
        section, _, name = key.rpartition(".")
        inner = table.setdefault(section, {})
        if isinstance(inner, dict):
            inner[name] = value
    return table
