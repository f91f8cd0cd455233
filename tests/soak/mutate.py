"""Change bytes as an attacker or a failing disk would: bits, pieces, and the values of JSON."""

import json
import random
from typing import Any

HOSTILE: list[Any] = [
    None, True, -1, 0, 2**31, 2**63, 10**400, -(10**40), 1e308, 0.5, "", "x", "a\0b", "\x1b[2J", "../../x",
    "/etc/passwd", "\u202e", "\ud800", "x" * 300, "x" * 70_000, "[/red]", [], {}, [[]], [None], {"": {}},
    "1", "nan", "2024-99-99", "😀" * 50,
]  # fmt: skip
_TOKENS = [
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"[" * 3000, b'{"a":' * 3000, b"9" * 5000, b"NaN", b"-Infinity",
    b"1e999", b"\\ud800", b"\r\n", b"'", b'"', b"{", b"}", b"\xed\xa0\x80", b"null", b"1" * 400,
]  # fmt: skip


def mutate(data: bytes, chance: random.Random) -> bytes:
    """The bytes, changed once or a few times; JSON as often by its values as by its bytes."""
    if chance.random() < 0.5:
        changed = _mutate_json(data, chance)
        if changed is not None:
            return changed
    for _ in range(chance.choice([1, 1, 1, 2, 4, 16])):
        data = chance.choice(_BYTES)(data, chance)
    return data


def _mutate_json(data: bytes, chance: random.Random) -> bytes | None:
    """JSON, or one line of several, with a value changed; None for other bytes."""
    *before, line = data.splitlines(keepends=True)[: 1 + chance.randrange(1 + data.count(b"\n"))] or [b""]
    for part, rest in ((data, b""), (line, data[len(b"".join(before)) + len(line) :])):
        try:
            value = json.loads(part)
        except ValueError:
            continue
        head = b"" if part is data else b"".join(before)
        changed = json.dumps(_change(value, chance)).encode()
        return head + changed + (b"\n" if part.endswith(b"\n") else b"") + rest
    return None


def _change(value: Any, chance: random.Random) -> Any:
    """The value with one place of it changed."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        name = chance.choice(list(value))
        kind = chance.random()
        if kind < 0.1:
            return {key: inner for key, inner in value.items() if key != name}
        if kind < 0.15:
            return {**value, chance.choice(["", "x", "\0", "__class__", "schema"]): chance.choice(HOSTILE)}
        return {**value, name: _change(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.85:
        place = chance.randrange(len(value))
        kind = chance.random()
        if kind < 0.1:
            return value[:place] + value[place + 1 :]
        if kind < 0.2:
            return value[:place] + [value[place]] * chance.choice([2, 500]) + value[place:]
        return [*value[:place], _change(value[place], chance), *value[place + 1 :]]
    if chance.random() < 0.05:
        return _nested(value, chance.choice([3, 65, 900]))
    return chance.choice(HOSTILE)


def _nested(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = [value]
    return value


def _flip(data: bytes, chance: random.Random) -> bytes:
    if not data:
        return data
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :]


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _drop(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data) + 1)
    return data[:start] + data[start + chance.choice([1, 4, 64]) :]


def _insert(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data) + 1)
    return data[:place] + chance.choice([*_TOKENS, chance.randbytes(8)]) + data[place:]


def _repeat(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data) + 1)
    piece = data[start : start + chance.choice([1, 16, 256])]
    return data[:start] + piece * chance.choice([2, 50]) + data[start:]


def _overwrite(data: bytes, chance: random.Random) -> bytes:
    place, piece = chance.randrange(len(data) + 1), chance.randbytes(chance.choice([1, 2, 4, 8]))
    return data[:place] + piece + data[place + len(piece) :]


def _length(data: bytes, chance: random.Random) -> bytes:
    """A number in front, as formats keep lengths, made extreme."""
    extreme = chance.choice([0, 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1])
    place = chance.choice([0, 0, 4, 8, 16, 24, 40])
    return data[:place] + extreme.to_bytes(8, "little") + data[place + 8 :]


_BYTES = [_flip, _flip, _cut, _drop, _insert, _insert, _repeat, _overwrite, _overwrite, _length]
