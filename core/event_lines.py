"""Events as lines of JSON: {"event": "Answered", "at": ..., ...}.

Readers skip unknown kinds and fields, so that an older program opens a newer log.
"""

import dataclasses
import json
from functools import cache

from pydantic import TypeAdapter, ValidationError

from core.errors import InputError
from core.events import Event
from core.untrusted import parse_json

KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in Event.__subclasses__()}


def to_line(event: Event) -> str:
    """The event as one line of JSON, without the line break."""
    return json.dumps({"event": type(event).__name__, **dataclasses.asdict(event)}, ensure_ascii=False)


def from_line(line: str) -> Event | None:
    """The event of a line, None for a kind that this version does not know. Raises InputError."""
    try:
        name = parse_json(line, finite=False)["event"]
        return _reader(name).validate_json(line, strict=True) if name in KINDS else None
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(map(str, (error.title, *problem["loc"])))
        complaint = "is missing" if problem["type"] == "missing" else f"cannot be {problem['input']!r}"
        raise InputError(f"{field} {complaint}. Use a log as the agent wrote it.") from error
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"Not an event: {line[:80]!r}. Use a log as the agent wrote it.") from error


@cache
def _reader(name: str) -> TypeAdapter[Event]:
    return TypeAdapter(KINDS[name])
