"""The events of a session that nobody held: three questions, one adaptation."""

from core.events import AdaptationEnded, Answered, Asked, Compared, Event, Judged, Routed, SessionStarted

_START = SessionStarted(
    at=0, session="s", room="den", student="builtin-student", expert="builtin-expert", warm_up=1, seed=0
)


def _turn(turn: int, by: str, right: bool, tag: str = "", latency: float = 10.0) -> list[Event]:
    return [
        Asked(at=turn, turn=turn, question=f"Question {turn}?", frame="f", frame_age_ms=0),
        Routed(at=turn, turn=turn, to=by, reason="because"),  # type: ignore[arg-type]
        Answered(at=turn, turn=turn, by=by, text="a", confidence=0.5, latency_ms=latency),  # type: ignore[arg-type]
        Judged(at=turn, turn=turn, reference="a" if right else "b", right=right, nls=float(right), tag=tag),
    ]


def session_events() -> list[Event]:
    """A warm-up of one question, an adapter, two answers of the student."""
    return [
        _START,
        *_turn(1, "expert", right=True, latency=90),
        AdaptationEnded(at=1, job="j", promoted=True, reason="better", seconds=2, adapter="0001"),
        *_turn(2, "student", right=True, tag="new-fact", latency=10),
        *_turn(3, "student", right=False, tag="new-thing", latency=30),
        Compared(at=4, turn=1, method="untouched", text="x", right=True),
        Compared(at=4, turn=2, method="untouched", text="x", right=False),
        Compared(at=4, turn=3, method="untouched", text="x", right=False),
        Compared(at=4, turn=2, method="adapted", text="a", right=True),
        Compared(at=4, turn=3, method="adapted", text="a", right=False),
    ]
