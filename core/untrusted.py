"""The one way to read JSON, TOML and files that somebody else may have written.

What comes through is bounded: in bytes, in depth, its numbers finite and of 64 bits, its texts valid Unicode.
Everything else is Malformed, a ValueError whose message completes "FILE is damaged: ...".
"""

import json
import stat
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pydantic

from core.errors import RoomwiseError
from core.files import storage_errors

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MOST_BYTES = 256 << 20
"""Bytes of a text file, unless its reader says fewer."""
_DEEPEST = 64
_HUGE = 2**63
_SHOWN = 60
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class Malformed(ValueError):
    """Why something cannot be read, as the end of a sentence."""


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """A plain file's bytes. Raises StorageError; Malformed for a device, a pipe, or beyond `most` bytes."""
    with storage_errors("read", path):
        # A pipe would be waited for, and some devices have no end.
        if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            raise Malformed("it is no plain file")
        with path.open("rb") as file:
            data = file.read(most + 1)
    if len(data) > most:
        raise Malformed(f"it has more than {most:,} bytes")
    return data


def parse_json(data: bytes | str, finite: bool = True) -> Any:
    """The value of a JSON text. Raises Malformed. Without `finite`, NaN and infinity are numbers too."""
    try:
        value = json.loads(_text(data))
    except RecursionError as error:
        raise Malformed("it is nested too deeply") from error
    except ValueError as error:
        raise Malformed(_first_line(error)) from error
    return check_value(value, finite)


def parse_toml(data: bytes) -> dict[str, Any]:
    """The table of a TOML text. Raises Malformed."""
    try:
        table = tomllib.loads(_text(data))
    except RecursionError as error:
        raise Malformed("it is nested too deeply") from error
    except ValueError as error:
        raise Malformed(_first_line(error)) from error
    check_value(table)
    return table


def parse_as(kind: Any, data: bytes | str, strict: bool = False) -> Any:
    """The value of a JSON text, of a type that pydantic can check. Raises Malformed.

    `strict`: a number in quotes is no number.
    """
    parse_json(data)
    try:
        return _adapter(kind).validate_json(_text(data), strict=strict)
    except pydantic.ValidationError as error:
        raise Malformed(describe(error)) from error


def typed(kind: Any, value: Any) -> Any:
    """A value that is parsed already, of a type that pydantic can check. Raises Malformed."""
    try:
        return _adapter(kind).validate_python(value)
    except pydantic.ValidationError as error:
        raise Malformed(describe(error)) from error


def read_as(path: Path, kind: Any, error: type[RoomwiseError], remedy: str, most: int = MOST_BYTES) -> Any:
    """What a JSON file holds, of this type. Raises `error` with the remedy, StorageError without the file."""
    try:
        return parse_as(kind, read_bytes(path, most))
    except Malformed as problem:
        raise error(f"{path} is damaged: {problem}. {remedy}") from problem


def describe(error: pydantic.ValidationError) -> str:
    """The first problem: where it is, and what is wrong."""
    problem = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part)[:_SHOWN] for part in problem["loc"])
    return f"{place or 'it'}: {problem['msg']}"


def check_value(value: Any, finite: bool = True) -> Any:
    """The value itself: of dicts, lists and scalars as JSON and TOML have them. Raises Malformed."""
    numbers = (int, float) if finite else int
    waiting = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        if isinstance(item, dict | list):
            if depth > _DEEPEST:
                raise Malformed("it is nested too deeply")
            waiting += [(inner, depth + 1) for inner in item]
            if isinstance(item, dict):
                waiting += [(inner, depth + 1) for inner in item.values()]
        elif isinstance(item, str):
            check_unicode(item)
        elif isinstance(item, numbers) and not -_HUGE < item < _HUGE:
            raise Malformed(f"the number {str(item)[:20]} is beyond 64 bits")
    return value


def check_unicode(text: str) -> str:
    """The text itself. Raises Malformed where it holds a surrogate, which no encoding can store."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        shown = ascii(text[max(0, error.start - 20) : error.end])
        raise Malformed(f"the text {shown} is not valid Unicode") from error
    return text


def _text(data: bytes | str) -> str:
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    if data[:2] in _UTF_16:
        raise Malformed("it is written in UTF-16; save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"byte {error.start + 1} is no UTF-8") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]


@cache
def _adapter(kind: Any) -> pydantic.TypeAdapter[Any]:
    return pydantic.TypeAdapter(kind)
