"""Events survive the trip through a line; what is not an event is refused by name."""

import dataclasses
import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.event_lines import from_line, to_line
from core.events import About, Answered, Event, Resumed, Routed, SessionEnded, Weighed

_FINITE = st.floats(allow_nan=False, allow_infinity=False)
_COUNTS = st.integers(-(2**63) + 1, 2**63 - 1)


def _any(kind: type[Event]) -> st.SearchStrategy[Event]:
    counts = {spec.name: _COUNTS for spec in dataclasses.fields(kind) if spec.type is int}
    return st.builds(kind, at=_FINITE, **counts)


_EVENTS = st.one_of(*[_any(kind) for kind in Event.__subclasses__()])


@given(_EVENTS)
def test_an_event_comes_back_from_its_line(event: Event) -> None:
    line = to_line(event)
    assert "\n" not in line
    assert repr(from_line(line)) == repr(event)  # unlike ==, this has not-a-number equal to itself


def test_every_kind_says_what_it_speaks_of_and_names_that() -> None:
    for kind in Event.__subclasses__():
        assert vars(kind)["about"] in get_args(About) and isinstance(vars(kind)["private"], bool), kind
        named = {"turn", "pair"} & {spec.name for spec in dataclasses.fields(kind)}
        # Where a session is gone on with is a turn as well, but nothing is said of it.
        if kind is not Resumed:
            assert named >= {kind.about} if kind.about in {"turn", "pair"} else not named, kind


def test_a_kind_that_does_not_say_it_cannot_be() -> None:
    with pytest.raises(TypeError, match="private"):
        type("Wondered", (Event,), {}, about="turn")


def test_a_line_that_an_agent_wrote_stays_as_it_is() -> None:
    evidence = {"words": 3, "least": -1.0}
    line = to_line(Weighed(at=1.5, turn=1, text="é", probability=0.5, needed=0.0, evidence=evidence))
    assert '"words": 3,' in line
    event = from_line(line)
    assert event is not None and to_line(event) == line


def test_kinds_and_fields_of_a_newer_version_are_passed_over() -> None:
    assert from_line('{"event": "Levitated", "at": 1.0}') is None
    assert from_line('{"event": "SessionEnded", "at": 1, "turns": 3, "mood": "good"}') == SessionEnded(
        at=1, turns=3
    )


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        '{"at": 1}',
        '{"event": "SessionEnded", "at": 1}',
        '{"event": "SessionEnded", "at": 1, "turns": "3"}',
        '{"event": "SessionEnded", "at": true, "turns": 3}',
        '{"event": "SessionEnded", "at": 1, "turns": 3',
    ],
)
def test_what_is_not_an_event_is_refused(line: str) -> None:
    with pytest.raises(InputError):
        from_line(line)


def test_a_refusal_names_what_is_wrong() -> None:
    with pytest.raises(InputError, match=r"SessionEnded\.turns is missing\. Use"):
        from_line('{"event": "SessionEnded", "at": 1}')
    with pytest.raises(InputError, match=r"SessionEnded\.turns cannot be '3'\. Use"):
        from_line('{"event": "SessionEnded", "at": 1, "turns": "3"}')


def test_only_those_who_can_answer_are_named() -> None:
    line = json.loads(to_line(Routed(at=0, turn=1, to="memory", reason="asked before")))
    with pytest.raises(InputError, match="oracle"):
        from_line(json.dumps(line | {"to": "oracle"}))


@given(st.text())
def test_no_text_can_break_a_line(text: str) -> None:
    event = Answered(at=0, turn=1, by="student", text=text, confidence=0.5, latency_ms=1.0)
    assert len(to_line(event).splitlines()) <= 1 or "\u2028" in text or "\u2029" in text or "\x85" in text
