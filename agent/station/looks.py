"""Memory, adapters and settings as lines for a screen."""

import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydantic

from adapters.jobs.store import AdapterStore, Version
from agent.console import AdapterLine, Find, Remembrance, Setting
from agent.learning.room import flat_numbers
from agent.recording.record import Recorder
from core.config import Config, fields, find_config, load_config
from core.errors import InputError, RoomwiseError
from core.sections import variable_name
from core.types import Pair
from memory.blobs import FRAME, Blobs
from memory.recall import embed_cue, search
from memory.store import Memory

_HASH = re.compile(r"[0-9a-f]{64}")
_MASK = "********"


def remembrances(memory: Memory, wish: Find) -> list[Remembrance]:
    """Pairs of all rooms, newest first or likest to the words first. On the memory's own thread. Raises
    InputError when words cannot be searched by, StorageError.
    """
    if not wish.words.strip():
        return [_remembrance(pair) for pair in memory.pairs()[::-1][: wish.most]]
    if memory.embedder is None:
        raise InputError("Words cannot be searched by here. Leave them out to see everything.")
    hits = search(memory, embed_cue(memory.embedder, wish.words), None, wish.most)
    return [_remembrance(hit.pair, hit.score) for hit in hits]


def _remembrance(pair: Pair, likeness: float | None = None) -> Remembrance:
    return Remembrance(
        pair.id, pair.room, pair.question, pair.answer, pair.frame, pair.source, pair.created, likeness
    )


def picture(frame: str, recorder: Recorder | None, memory: Path) -> bytes:
    """A frame's JPEG by its SHA-256, of this session or from memory. Raises InputError if in neither."""
    if not _HASH.fullmatch(frame):
        raise InputError("A frame is named by 64 hexadecimal digits. Choose one from a list.")
    if recorder is not None:
        with contextlib.suppress(RoomwiseError):
            return recorder.kept(frame, FRAME)
    with contextlib.suppress(RoomwiseError):
        return Blobs(memory / "blobs").get(frame, FRAME)
    raise InputError("This frame is not kept any more. Choose another.")


def adapter_lines(store: AdapterStore, room: str) -> list[AdapterLine]:
    """The versions of a room's adapter, newest first."""
    current = store.current(room)
    number = current.number if current else 0
    return [_adapter_line(version, version.number == number) for version in store.versions(room)[::-1]]


def _adapter_line(version: Version, current: bool) -> AdapterLine:
    about = version.about
    parent = about.get("parent")
    trained_upon = parent.get("version", "") if isinstance(parent, dict) else ""
    same_room = isinstance(parent, dict) and parent.get("room") == version.room
    pairs = about.get("pairs", ())
    return AdapterLine(
        version.number, current, version.problem or ("answers now" if current else "promoted"),
        str(about.get("created", "")), len(pairs) if isinstance(pairs, list) else 0,
        int(trained_upon) if same_room and str(trained_upon).isdigit() else None,
        dict(flat_numbers(about.get("scores", {}))),
    )  # fmt: skip


def settings_of(config: Config, env: Mapping[str, str] | None = None) -> list[Setting]:
    """All settings of this session with their origins; secrets are masked."""
    env = os.environ if env is None else env
    names = {name.upper() for name in env}
    path = find_config()
    in_file = load_config(path, {}) if path else Config()
    started_with = load_config(path, env)
    lines = []
    for key, _ in fields():
        value = _value(config, key)
        if value != _value(started_with, key):
            origin = "option"
        elif variable_name(key) in names:
            origin = variable_name(key)
        else:
            origin = str(path) if _is_set(in_file, key) else "default"
        lines.append(Setting(key, _display(value), origin))
    return lines


def _is_set(config: Config, key: str) -> bool:
    """Whether somebody set it, even to its default."""
    section, _, name = key.partition(".")
    return section in config.model_fields_set and name in getattr(config, section).model_fields_set


def _value(config: Config, key: str) -> Any:
    section, _, name = key.partition(".")
    return getattr(getattr(config, section), name)


def _display(value: Any) -> str:
    if isinstance(value, pydantic.SecretStr):
        return _MASK if value.get_secret_value() else ""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
