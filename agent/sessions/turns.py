"""The turns of a session with all that became of them, for showing and exporting."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from core.events import Answered, Asked, Corrected, Event, ExpertUnreachable, Judged, Routed, ToldLate


@dataclass(frozen=True)
class RecordedTurn:
    """A question and what came of it; what did not happen is empty or None. `frame` is the SHA-256 of the
    frame, "" if redacted. Times are seconds since 1970. `reference` is the known answer and `right` whether
    it was given; `correction` a person's word; `late` the expert's later answer.
    """

    turn: int
    question: str
    frame: str
    frame_age_ms: float
    asked_at: float
    by: str = ""
    reason: str = ""
    answer: str | None = None
    confidence: float | None = None
    latency_ms: float | None = None
    adapter: str = ""
    answered_at: float | None = None
    reference: str = ""
    right: bool | None = None
    tag: str = ""
    correction: str = ""
    late: str = ""
    unreachable: str = ""

    @property
    def verdict(self) -> str:
        """What became of the answer in a few words; "" if unknown."""
        parts = []
        if self.right is not None:
            parts.append("✓ right" if self.right else f"✗ wrong, known: {self.reference}")
        if self.correction:
            parts.append(f"a person says: {self.correction}")
        if self.late:
            parts.append(f"the expert says later: {self.late}")
        return "; ".join(parts)


def turns_of(events: Iterable[Event]) -> list[RecordedTurn]:
    """All turns in order. A repeated one counts once."""
    turns: dict[int, RecordedTurn] = {}
    for event in events:
        if isinstance(event, Asked):
            turns[event.turn] = RecordedTurn(
                event.turn, event.question, event.frame, finite(event.frame_age_ms), finite(event.at)
            )
        else:
            turn = turns.get(getattr(event, "turn", -1))
            if turn is not None:
                turns[turn.turn] = replace(turn, **_changes(event))
    return [turns[number] for number in sorted(turns)]


def _changes(event: Event) -> dict[str, Any]:
    """What an event adds to its turn."""
    match event:
        case Routed():
            return {"by": event.to, "reason": event.reason}
        case Answered():
            return {
                "by": event.by, "answer": event.text, "confidence": finite(event.confidence),
                "latency_ms": finite(event.latency_ms), "adapter": event.adapter,
                "answered_at": finite(event.at),
            }  # fmt: skip
        case Judged():
            return {"reference": event.reference, "right": event.right, "tag": event.tag}
        case Corrected():
            return {"correction": event.text}
        case ToldLate():
            return {"late": event.text}
        case ExpertUnreachable():
            return {"unreachable": event.reason}
    return {}


def finite(value: float) -> float:
    """The number, 0 for NaN or infinity: logs may hold anything."""
    return float(value) if math.isfinite(value) else 0.0
