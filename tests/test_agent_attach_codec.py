"""What goes over the wire comes back the same; what does not fit is refused, whatever it is."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import console
from agent.attach.codec import (
    encode,
    line,
    news_message,
    parse,
    read_news,
    read_reply,
    read_wish,
    reply_message,
    wish_message,
)
from agent.console import (
    AdapterLine,
    Ask,
    Find,
    Gone,
    Partial,
    Picture,
    Pulse,
    Remembrance,
    SessionLine,
    Sessions,
    Setting,
    Settings,
    Versions,
    Wish,
)
from core.errors import CaptureError, InputError, RoomwiseError, StorageError

PATIENT = settings(deadline=None)
"""Machines may be busy."""

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_NUMBER = st.integers(-(2**62), 2**62)
_FLOAT = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e18, max_value=1e18)
_BASIC: dict[type, st.SearchStrategy[Any]] = {str: _TEXT, int: _NUMBER, float: _FLOAT}


def _of(kind: type) -> st.SearchStrategy[Any]:
    for basic, strategy in _BASIC.items():
        st.register_type_strategy(basic, strategy)
    return st.builds(kind)


_WISHES = st.one_of(*map(_of, Wish.__subclasses__()))
_LINES = [
    (Find(), Remembrance), (Versions(), AdapterLine), (Sessions(), SessionLine), (Settings(), Setting),
]  # fmt: skip
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def _over_the_wire(message: dict[str, Any]) -> dict[str, Any]:
    data = line(message)
    assert data.count(b"\n") == 1
    return parse(data)


def test_every_wish_has_a_reply() -> None:
    assert Find.reply == list[Remembrance] and console.Talk.reply is None


@PATIENT
@given(_NUMBER, _WISHES)
def test_a_wish_comes_back(number: int, wish: Wish) -> None:
    assert read_wish(_over_the_wire(wish_message(number, wish))) == (number, wish)


@PATIENT
@given(st.one_of(*map(_of, (Pulse, Partial, Gone))))
def test_what_is_told_comes_back(told: Pulse | Partial | Gone) -> None:
    assert read_news(_over_the_wire(news_message(told))) == told


@pytest.mark.parametrize(("wish", "kind"), _LINES)
def test_lists_come_back(wish: Wish, kind: type) -> None:
    @PATIENT
    @given(st.lists(_of(kind), max_size=3))
    def check(values: list[Any]) -> None:
        assert read_reply(_over_the_wire(reply_message(3, values)), wish) == values

    check()


@PATIENT
@given(st.binary())
def test_bytes_come_back(data: bytes) -> None:
    assert read_reply(_over_the_wire(reply_message(3, data)), Picture("0")) == data


@pytest.mark.parametrize("error", [CaptureError("Gone. Plug it in."), StorageError("Full. Make room.")])
def test_an_error_comes_back_as_itself(error: RoomwiseError) -> None:
    with pytest.raises(type(error), match=str(error)):
        read_reply(_over_the_wire(reply_message(3, error=error)), Ask("?"))


def test_a_fault_there_is_told_without_its_insides() -> None:
    message = _over_the_wire(reply_message(3, error=ZeroDivisionError("/home/me/secret")))
    assert "secret" not in str(message)
    with pytest.raises(RoomwiseError, match="failed"):
        read_reply(message, Ask("?"))
    with pytest.raises(RoomwiseError):
        read_reply({"reply": 1, "error": "dataclass", "message": "x"}, Ask("?"))


@PATIENT
@given(_JSON)
def test_what_is_no_wish_is_refused(value: Any) -> None:
    with pytest.raises(InputError):
        read_wish({"wish": 1, "kind": "Ask", "values": {"question": value, "more": 1}})
    with pytest.raises(InputError):
        read_wish(value if isinstance(value, dict) else {"wish": value})


@PATIENT
@given(_WISHES, st.data())
def test_a_wish_that_was_tampered_with_is_refused_or_still_one(wish: Wish, data: st.DataObject) -> None:
    values = encode(wish)
    name = data.draw(st.sampled_from(sorted(values) or ["question"]))
    changed = {**values, name: data.draw(_JSON)}
    try:
        _, read = read_wish({"wish": 1, "kind": type(wish).__name__, "values": changed})
    except InputError as error:
        assert str(error)
    else:
        assert type(read) is type(wish) and encode(read) == changed


@PATIENT
@given(st.binary() | st.text().map(str.encode) | _JSON.map(lambda value: json.dumps(value).encode()))
def test_any_line_is_a_message_or_refused(data: bytes) -> None:
    try:
        assert isinstance(parse(data), dict)
    except InputError as error:
        assert str(error).endswith("sides.")


@pytest.mark.parametrize(
    "values",
    [
        {"question": "a", "wished": "oracle"},
        {"question": "\ud800"},
        {"question": 1},
        {"wished": "expert"},
        {"question": "a", "evil": 1},
        [],
        None,
    ],
)
def test_what_does_not_fit_a_question_is_refused(values: Any) -> None:
    with pytest.raises(InputError):
        read_wish({"wish": 1, "kind": "Ask", "values": values})


@pytest.mark.parametrize("text", ["NaN", "Infinity", "[" * 100_000, "9" * 10_000, '{"a": NaN}'])
def test_numbers_and_nests_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse(text.encode())


def test_a_number_too_large_for_any_machine_is_refused() -> None:
    with pytest.raises(InputError):
        read_news({"pulse": {"memory_bytes": 10**30}})
    with pytest.raises(InputError):
        read_news({"pulse": {"processor": 10**400}})
