"""The turns of a session, each with all that became of it: what is shown, and what is exported as rows."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from core.events import Answered, Asked, Corrected, Event, ExpertUnreachable, Judged, Routed, ToldLate


@dataclass(frozen=True)
class RecordedTurn:
    """One question and what came of it; what did not happen is empty or None.

    `frame` is the SHA-256 of the frame, empty where it was redacted. Times are seconds since 1970, UTC.
    `reference` is the known answer and `right` whether that was said; `correction` a person's word
    afterwards; `late` what the expert said when it could be asked again.
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
        """What became of the answer, in a few words; empty where nobody said."""
        said = []
        if self.right is not None:
            said.append("✓ right" if self.right else f"✗ wrong, known: {self.reference}")
        if self.correction:
            said.append(f"a person says: {self.correction}")
        if self.late:
            said.append(f"the expert says later: {self.late}")
        return "; ".join(said)


def turns_of(events: Iterable[Event]) -> list[RecordedTurn]:
    """All turns in order. One that was asked twice, since the first try was cut short, counts once."""
    turns: dict[int, RecordedTurn] = {}
    for event in events:
        if isinstance(event, Asked):
            turns[event.turn] = RecordedTurn(
                event.turn, event.question, event.frame, finite(event.frame_age_ms), finite(event.at)
            )
        else:
            known = turns.get(getattr(event, "turn", -1))
            if known is not None:
                turns[known.turn] = replace(known, **_news(event))
    return [turns[number] for number in sorted(turns)]


def _news(event: Event) -> dict[str, Any]:
    """What an event says of its turn."""
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
    """The number, 0 for one that is none: logs are read as they are found, and JSON can say NaN."""
    return float(value) if math.isfinite(value) else 0.0
