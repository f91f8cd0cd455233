"""Events as lines of JSON, one each: {"event": "Answered", "at": ..., ...}.

A reader passes over kinds and fields it does not know, so that an older program opens a newer log.
"""

import dataclasses
import json
from typing import Any, Literal, get_args, get_origin

from core.errors import InputError
from core.events import Event

_KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in Event.__subclasses__()}


def to_line(event: Event) -> str:
    """The event as one line of JSON, without the line break."""
    return json.dumps({"event": type(event).__name__, **dataclasses.asdict(event)}, ensure_ascii=False)


def from_line(line: str) -> Event | None:
    """The event of a line, None for a kind that this version does not know. Raises InputError."""
    try:
        values: dict[str, Any] = json.loads(line)
        kind = _KINDS.get(values.pop("event"))
        if kind is None:
            return None
        known = {spec.name: spec for spec in dataclasses.fields(kind)}
        event = kind(**{name: value for name, value in values.items() if name in known})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"Not an event: {line[:80]!r}. Use a log as the agent wrote it.") from error
    _check(event)
    return event


def _check(event: Event) -> None:
    for spec in dataclasses.fields(event):
        value = getattr(event, spec.name)
        if not _fits(value, spec.type):
            raise InputError(
                f"{type(event).__name__}.{spec.name} cannot be {value!r}. Use a log as the agent wrote it."
            )


def _fits(value: object, wanted: Any) -> bool:
    if wanted is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if wanted is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if isinstance(wanted, type):
        return isinstance(value, wanted)
    return value in get_args(wanted) if get_origin(wanted) is Literal else isinstance(value, dict)
