"""One visit to two rooms: there, over to the other, and back again, twenty questions of each.

Nobody says when the room changes. `seen` is what a camera takes of a room that one comes into; `room` of each
turn is for scoring alone.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.rooms.sessions import WARM_UP, Session, as_dict, write_shots
from core.files import atomic_directory

_PARTS = (slice(0, WARM_UP + 5), slice(WARM_UP + 5, None))
"""Of each room's questions: those of the first stay, with its warm-up, and those of the second."""


def write_wander(sessions: Sequence[Session], directory: Path) -> None:
    """Write both rooms' frames and depth, and session.json: whole, or not at all. Raises StorageError."""
    with atomic_directory(directory) as folder:
        write_shots([shot for session in sessions for shot in session.shots], folder)
        text = json.dumps(wander(sessions), indent=1) + "\n"
        (folder / "session.json").write_text(text, encoding="utf-8")


def wander(sessions: Sequence[Session]) -> dict[str, object]:
    """What session.json holds."""
    count = sum(len(session.shots) for session in sessions)
    return {
        "answers": "truth",
        "frames": [f"frame-{number}.jpg" for number in range(count)],
        "depth": [f"depth-{number}.png" for number in range(count)],
        "turns": [turn for part in _PARTS for turn in _stays(sessions, part)],
    }


def _stays(sessions: Sequence[Session], part: slice) -> Iterator[dict[str, Any]]:
    """One stay in each room."""
    first = 0
    for session in sessions:
        content: dict[str, Any] = as_dict(session)
        frames = range(first, first + len(session.shots))
        for position, turn in enumerate(content["turns"][part]):
            views = {"seen": list(frames)} if position == 0 else {}
            yield {**turn, "frame": first + turn["frame"], "room": content["room"], **views}
        first += len(session.shots)
