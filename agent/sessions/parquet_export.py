"""A recording as one Parquet file, a row a turn, for `datasets`, pandas and DuckDB."""

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent.recording.record import REDACTED, Recording
from agent.sessions.turns import RecordedTurn, finite, turns_of
from core.extras import require
from core.files import new_file
from core.text import printable

_ROWS = 64  # written at a time, so that a long session never lies in memory with all its frames


def export_parquet(recording: Recording, target: Path) -> int:
    """Write a recording's turns to a new Parquet file, whole or not at all; returns their number. Raises
    InputError when a frame is damaged, MissingDependencyError, StorageError, also when the file exists.
    """
    arrow, parquet = require("pyarrow", "export"), require("pyarrow.parquet", "export")
    turns = turns_of(recording.events)
    schema = _schema(arrow)
    with new_file(target) as path, parquet.ParquetWriter(path, schema) as writer:
        for start in range(0, len(turns), _ROWS):
            rows = list(_rows(recording, turns[start : start + _ROWS]))
            writer.write_table(arrow.Table.from_pylist(rows, schema=schema))
    return len(turns)


def _schema(arrow: Any) -> Any:
    """The columns, with metadata for `datasets`."""
    words, number, moment = arrow.string(), arrow.float64(), arrow.timestamp("us", tz="UTC")
    columns = {
        "session": words, "room": words, "turn": arrow.int64(),
        "image": arrow.struct([("bytes", arrow.binary()), ("path", words)]),
        "question": words, "answer": words, "source": words, "reason": words,
        "confidence": number, "latency_ms": number, "frame_age_ms": number, "adapter": words,
        "asked_at": moment, "answered_at": moment,
        "reference": words, "right": arrow.bool_(), "tag": words, "correction": words, "late": words,
    }  # fmt: skip
    names = {words: "string", number: "float64", moment: "timestamp[us, tz=UTC]"}
    names |= {arrow.int64(): "int64", arrow.bool_(): "bool"}
    features = {
        name: {"_type": "Image"} if name == "image" else {"dtype": names[kind], "_type": "Value"}
        for name, kind in columns.items()
    }
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return arrow.schema(list(columns.items()), metadata=metadata)


def _rows(recording: Recording, turns: list[RecordedTurn]) -> Iterator[dict[str, Any]]:
    session, room = (printable(str(recording.about.get(name, ""))) for name in ("session", "room"))
    for turn in turns:
        yield {
            "session": session, "room": room, "turn": turn.turn, "image": _image(recording, turn),
            "question": _words(turn.question), "answer": _words(turn.answer), "source": _words(turn.by),
            "reason": _words(turn.reason), "confidence": turn.confidence, "latency_ms": turn.latency_ms,
            "frame_age_ms": turn.frame_age_ms, "adapter": _words(turn.adapter),
            "asked_at": _moment(turn.asked_at), "answered_at": _moment(turn.answered_at),
            "reference": _words(turn.reference), "right": turn.right, "tag": _words(turn.tag),
            "correction": _words(turn.correction), "late": _words(turn.late),
        }  # fmt: skip


def _image(recording: Recording, turn: RecordedTurn) -> dict[str, Any] | None:
    if not turn.frame:
        return None
    return {"bytes": recording.blob(turn.frame, ".jpg").read_bytes(), "path": f"{turn.frame}.jpg"}


def _words(text: str | None) -> str | None:
    """The text, which Arrow takes without surrogates only; None if empty or redacted."""
    return None if text is None or text in ("", REDACTED) else printable(text)


def _moment(at: float | None) -> datetime.datetime | None:
    if at is None:
        return None
    try:
        return datetime.datetime.fromtimestamp(finite(at), datetime.timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None
