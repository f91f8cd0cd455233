"""What a recording tells a screen of memory, adapters and settings up to a moment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from agent.console import AdapterLine, Find, Remembrance, Setting
from agent.sessions.sessions import when
from core import events
from core.events import Event


def remembrances(log: Iterable[Event], wish: Find) -> list[Remembrance]:
    """The pairs of a person's questions by then that contain all the words, newest first. A recording has no
    embeddings to tell likeness by.
    """
    log = list(log)
    room = next((event.room for event in log if isinstance(event, events.SessionStarted)), "")
    asked = {event.turn: event for event in log if isinstance(event, events.Asked)}
    answers = {event.turn: event.text for event in log if isinstance(event, events.Answered)}
    pairs: dict[str, Remembrance] = {}
    for event in log:
        if isinstance(event, events.Revised):
            _revise(pairs, event)
        elif (
            isinstance(event, events.Remembered | events.Corrected | events.ToldLate)
            and event.pair
            and event.turn in asked
        ):
            # What is remembered is written down before it is said.
            text = answers.get(event.turn, "") if isinstance(event, events.Remembered) else event.text
            pairs.pop(event.pair, None)
            pairs[event.pair] = _remembrance(room, asked[event.turn], event, text)
    words = wish.words.casefold().split()
    texts = ((pair, f"{pair.question} {pair.answer}".casefold()) for pair in reversed(pairs.values()))
    return [pair for pair, text in texts if all(word in text for word in words)][: wish.most]


def _remembrance(
    room: str, asked: events.Asked, event: events.Remembered | events.Corrected | events.ToldLate, text: str
) -> Remembrance:
    source = "person" if isinstance(event, events.Corrected) else "expert"
    return Remembrance(event.pair, room, asked.question, text, asked.frame, source, when(event.at))


def versions(log: Sequence[Event]) -> list[AdapterLine]:
    """The versions promoted by then, newest first."""
    of_job = {event.job: event.pairs for event in log if isinstance(event, events.AdaptationStarted)}
    current = next((event.adapter for event in reversed(log) if isinstance(event, events.Activated)), "")
    ended = [event for event in log if isinstance(event, events.AdaptationEnded) and event.promoted]
    promoted = [event for event in ended if event.adapter.isascii() and event.adapter.isdigit()]
    return [
        AdapterLine(
            number=int(event.adapter),
            current=event.adapter == current,
            verdict=event.reason,
            created=when(event.at),
            pairs=of_job.get(event.job, 0),
            scores=event.scores,
        )
        for event in reversed(promoted)
    ]


def settings(about: Mapping[str, Any]) -> list[Setting]:
    """What was set when it was recorded, as far as noted."""
    plain = {name: value for name, value in about.items() if isinstance(value, str | int | float | bool)}
    return [Setting(str(name), str(value), "this recording") for name, value in sorted(plain.items())]


def _revise(pairs: dict[str, Remembrance], event: events.Revised) -> None:
    pair = pairs.get(event.pair)
    if pair is not None and event.text:
        pairs[event.pair] = replace(pair, answer=event.text, source="person")
    elif pair is not None:
        del pairs[event.pair]
