"""A recording as one MCAP file, which Foxglove, Rerun and the `mcap` reader open.

| channel | message | logged at |
|---|---|---|
| `/frames` | foxglove.CompressedImage, a JPEG | when it was asked about; stamped when it was taken |
| `/questions` | turn, question, age of its frame | when it was asked |
| `/answers` | turn, answer, source, confidence, latency, adapter | when it was said |
| `/adaptation` | beginning, progress, verdict | as they happened |
| `/events` | everything that happened, as in `events.jsonl` | as it happened |
"""

import base64
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from agent.recording.record import Recording
from agent.sessions.turns import finite
from core import events
from core.events import Event
from core.extras import require
from core.files import new_file
from core.text import printable

_NS = 1_000_000_000
_LAST = 9e9  # seconds since 1970, which 64 bits hold as nanoseconds
_WORDS, _NUMBER, _WHOLE = {"type": "string"}, {"type": "number"}, {"type": "integer"}
_TIME = {"type": "object", "title": "time", "properties": {"sec": _WHOLE, "nsec": _WHOLE}}
_DATA = {"type": "string", "contentEncoding": "base64"}
_SCHEMAS: dict[str, tuple[str, dict[str, Any]]] = {
    "/frames": (
        "foxglove.CompressedImage",
        {"timestamp": _TIME, "frame_id": _WORDS, "data": _DATA, "format": _WORDS},
    ),
    "/questions": (
        "roomwise.Question",
        {"turn": _WHOLE, "question": _WORDS, "frame": _WORDS, "frame_age_ms": _NUMBER},
    ),
    "/answers": (
        "roomwise.Answer",
        {
            "turn": _WHOLE, "by": _WORDS, "text": _WORDS, "confidence": _NUMBER, "latency_ms": _NUMBER,
            "adapter": _WORDS,
        },
    ),
    "/adaptation": ("roomwise.Adaptation", {"event": _WORDS}),
    "/events": ("roomwise.Event", {"event": _WORDS}),
}  # fmt: skip


class ChannelMessage(NamedTuple):
    """A message of a channel; times in nanoseconds since 1970."""

    channel: str
    logged: int
    published: int
    data: dict[str, Any]


def export_mcap(recording: Recording, target: Path) -> int:
    """Write a recording to a new MCAP file, whole or not at all; returns the number of messages. Raises
    InputError when a frame is damaged, MissingDependencyError, StorageError, also when the file exists.
    """
    writing = require("mcap.writer", "export")
    with new_file(target) as path, path.open("wb") as file:
        writer = writing.Writer(file)
        writer.start(library="roomwise")
        channels = {topic: _channel(writer, topic, *schema) for topic, schema in _SCHEMAS.items()}
        writer.add_metadata(
            "session",
            {
                printable(str(name)): printable(value) if isinstance(value, str) else json.dumps(value)
                for name, value in recording.about.items()
            },
        )
        count = 0
        for count, message in enumerate(messages(recording), start=1):
            writer.add_message(
                channel_id=channels[message.channel],
                log_time=message.logged,
                publish_time=message.published,
                sequence=count,
                data=json.dumps(message.data).encode(),
            )
        writer.finish()
    return count


def messages(recording: Recording) -> Iterator[ChannelMessage]:
    """A recording's messages in order. Raises InputError, StorageError."""
    for event in recording.events:
        at = nanoseconds(event.at)
        values = {"event": type(event).__name__, **dataclasses.asdict(event)}
        yield ChannelMessage("/events", at, at, values)
        if isinstance(event, events.Asked):
            if event.frame:
                yield _frame(recording, event, at)
            yield ChannelMessage("/questions", at, at, _plain(event))
        elif isinstance(event, events.Answered):
            yield ChannelMessage("/answers", at, at, _plain(event))
        elif isinstance(
            event,
            events.AdaptationStarted
            | events.AdaptationPlanned
            | events.AdaptationProgressed
            | events.AdaptationEnded
            | events.Activated,
        ):
            yield ChannelMessage("/adaptation", at, at, values)


def nanoseconds(at: float) -> int:
    """Seconds since 1970 as nanoseconds within range."""
    return int(min(max(0.0, finite(at)), _LAST) * _NS)


def _frame(recording: Recording, asked: events.Asked, at: int) -> ChannelMessage:
    taken = max(0, at - nanoseconds(asked.frame_age_ms / 1000))
    data = recording.blob(asked.frame, ".jpg").read_bytes()
    stamp = {"sec": taken // _NS, "nsec": taken % _NS}
    picture = {
        "timestamp": stamp,
        "frame_id": "camera",
        "data": base64.b64encode(data).decode(),
        "format": "jpeg",
    }
    return ChannelMessage("/frames", at, taken, picture)


def _plain(event: Event) -> dict[str, Any]:
    return {name: value for name, value in dataclasses.asdict(event).items() if name != "at"}


def _channel(writer: Any, topic: str, name: str, properties: dict[str, Any]) -> int:
    schema = {"type": "object", "title": name, "properties": properties}
    number = writer.register_schema(name=name, encoding="jsonschema", data=json.dumps(schema).encode())
    return int(writer.register_channel(topic=topic, message_encoding="json", schema_id=number))
