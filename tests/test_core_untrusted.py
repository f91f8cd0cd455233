"""Whatever bytes come, they are read as bounded values or refused in one sentence."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import InputError, StorageError
from core.untrusted import Malformed, check_value, parse_as, parse_json, parse_toml, read_as, read_bytes

_SCALARS = st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(-1e18, 1e18) | st.text()
_VALUES = st.recursive(_SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(_VALUES)
def test_what_json_can_hold_comes_back(value: Any) -> None:
    assert parse_json(json.dumps(value)) == value
    assert parse_json(b"\xef\xbb\xbf" + json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary())
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b"a = " + b"[" * 100_000)
@example(b"1" * 5000)
def test_any_bytes_are_a_value_or_malformed(data: bytes) -> None:
    for parse in (parse_json, parse_toml):
        try:
            parse(data)
        except Malformed as error:
            assert str(error) and "\n" not in str(error)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" * 65 + "]" * 65, "nested too deeply"),
        ("9" * 30, "beyond 64 bits"),
        ("-1e999", "beyond 64 bits"),
        ("NaN", "beyond 64 bits"),
        ('{"a": ["\\ud800"]}', "not valid Unicode"),
        ('{"\\udfff": 1}', "not valid Unicode"),
        ("{'a': 1}", "double quotes"),
    ],
)
def test_what_later_code_could_not_hold_is_malformed(text: str, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        parse_json(text)


def test_a_log_may_hold_numbers_that_are_none() -> None:
    assert str(parse_json("[NaN, Infinity, 1e300]", finite=False)) == "[nan, inf, 1e+300]"
    with pytest.raises(Malformed, match="64 bits"):
        parse_json("9" * 30, finite=False)


def test_utf_16_is_named_and_other_encodings_are_refused() -> None:
    with pytest.raises(Malformed, match="UTF-16; save it as UTF-8"):
        parse_toml('[student]\nmodel = "x"'.encode("utf-16"))
    with pytest.raises(Malformed, match="byte 7 is no UTF-8"):
        parse_json('{"a":"é"}'.encode("latin-1"))


def test_a_wrong_type_says_where() -> None:
    assert parse_as(dict[str, list[int]], '{"a": [1]}') == {"a": [1]}
    with pytest.raises(Malformed, match=r"a\.1: Input should be a valid integer"):
        parse_as(dict[str, list[int]], '{"a": [1, "x"]}')


def test_a_file_is_plain_bounded_and_complained_of_by_name(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b"[1]")
    assert read_as(path, list[int], InputError, "Write it again.") == [1]
    with pytest.raises(InputError, match=r"x\.json is damaged: it has more than 2 bytes\. Write it again\."):
        read_as(path, list[int], InputError, "Write it again.", most=2)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Malformed, match="no plain file"):
        read_bytes(tmp_path / "pipe")
    for name in ("gone", "a\0b", "\ud800", "x" * 300):
        with pytest.raises(StorageError):
            read_bytes(tmp_path / name)
    with pytest.raises(StorageError, match="folder"):
        read_bytes(tmp_path)


def test_a_value_is_checked_wherever_it_is() -> None:
    assert check_value({"a": [1, {"b": 2.5}]}) == {"a": [1, {"b": 2.5}]}
    with pytest.raises(Malformed):
        check_value({"a": [{"b": 2**63}]})
