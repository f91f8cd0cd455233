"""What a session's events amount to: the take-over curve, accuracies, calls and times saved."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, TypeVar

from agent.recording.rooms import rooms_of, warm_ups
from core import events
from core.events import Event, Source

SOURCES: tuple[Source, ...] = ("memory", "student", "expert")
METHODS = ("untouched", "memory", "adapted", "expert")
ALL = "all"
_Kind = TypeVar("_Kind", bound=Event)


@dataclass(frozen=True)
class TurnSummary:
    """One turn. `right` is None without a reference; `others`: whether each other method was right.
    `student`, `untouched`: whether the student was right then, and without any adapter; None if not measured.
    `room` is where the agent believed to be, `true_room` the truth or ""; `warm`: in the room's warm-up.
    """

    turn: int
    question: str
    frame: str
    by: Source
    why: str
    answer: str
    confidence: float
    latency_ms: float
    reference: str = ""
    right: bool | None = None
    tag: str = ""
    others: dict[str, bool] = field(default_factory=dict)
    frame_age_ms: float = 0.0
    student: bool | None = None
    untouched: bool | None = None
    room: str = ""
    true_room: str = ""
    warm: bool = False


@dataclass(frozen=True)
class Share:
    right: int
    n: int

    @property
    def mean(self) -> float:
        """In [0, 1]; 0 for none."""
        return self.right / self.n if self.n else 0.0


@dataclass(frozen=True)
class Summary:
    """All turns in order, and their totals. `table`: method, then tag, to a share. `extra_calls`: the agent's
    own questions to the expert; `late`: answers that came after the student's. `steps`: of each job the last
    step and how many were planned. `seconds`: from the first event to the last. `used`, `started`, `spent`
    are None where the log lacks them. `one_room`: the same session with all rooms taken for one.
    """

    warm_up: int
    turns: tuple[TurnSummary, ...]
    adaptations: tuple[events.AdaptationEnded, ...]
    table: dict[str, dict[str, Share]]
    steps: dict[str, tuple[int, int]] = field(default_factory=dict)
    seconds: float = 0.0
    used: events.Used | None = None
    started: events.SessionStarted | None = None
    extra_calls: int = 0
    late: int = 0
    spent: events.Spent | None = None
    one_room: "Summary | None" = None

    @property
    def expert_calls(self) -> int:
        """The person's questions that the expert answered, in time or late."""
        return sum(turn.by == "expert" for turn in self.turns) + self.late

    @property
    def saved(self) -> int:
        """Questions after the warm-up that the expert did not have to answer."""
        return sum(turn.by != "expert" for turn in self.turns if not turn.warm)

    @property
    def after(self) -> Share:
        verdicts = [turn.right for turn in self.turns if turn.right is not None and not turn.warm]
        return Share(sum(verdicts), len(verdicts))

    @property
    def placed(self) -> Share:
        """How many turns were taken to be in the right room. A true room stands for the agent's room that
        most of its turns were taken for, one to one.
        """
        names = [(turn.true_room, turn.room) for turn in self.turns if turn.true_room]
        counted = Counter(names)
        chosen: dict[str, str] = {}
        for (true, room), _ in counted.most_common():
            if true not in chosen and room not in chosen.values():
                chosen[true] = room
        return Share(sum(chosen.get(true) == room for true, room in names), len(names))

    @property
    def accuracy(self) -> Share:
        verdicts = [turn.right for turn in self.turns if turn.right is not None]
        return Share(sum(verdicts), len(verdicts))

    def latency_ms(self, by: Source) -> float | None:
        """The median time to one source's answers, None when it never answered."""
        times = [turn.latency_ms for turn in self.turns if turn.by == by]
        return median(times) if times else None

    def to_dict(self) -> dict[str, Any]:
        return {
            "session": vars(self.started) if self.started else {},
            "warm_up": self.warm_up,
            "expert_calls": self.expert_calls,
            "extra_calls": self.extra_calls,
            "late": self.late,
            "spent": {"calls": self.spent.calls, "bytes": self.spent.bytes} if self.spent else {},
            "saved": self.saved,
            "right": self.accuracy.mean,
            "right_after": self.after.mean,
            "placed": {"mean": self.placed.mean, "n": self.placed.n},
            **({"one_room": self.one_room.to_dict()} if self.one_room else {}),
            "latency_ms": {by: self.latency_ms(by) for by in SOURCES},
            "seconds": self.seconds,
            "used": vars(self.used) if self.used else {},
            "adaptations": [{**vars(ended), "scores": dict(ended.scores)} for ended in self.adaptations],
            "steps": self.steps,
            "turns": [vars(turn) for turn in self.turns],
            "table": {
                method: {tag: {"mean": share.mean, "n": share.n} for tag, share in by_tag.items()}
                for method, by_tag in self.table.items()
            },
        }


def summarise(log: Iterable[Event]) -> Summary:
    """The summary of a session's events, even of one that stopped in the middle."""
    log = list(log)
    by_turn: dict[int, dict[type, Any]] = defaultdict(dict)
    others: dict[int, dict[str, bool]] = defaultdict(dict)
    for event in log:
        if isinstance(event, events.Compared):
            others[event.turn][event.method] = event.right
        elif isinstance(event, events.Asked | events.Routed | events.Answered | events.Judged):
            by_turn[event.turn][type(event)] = event
    started, used = _last(events.SessionStarted, log), _last(events.Used, log)
    warm_up = started.warm_up if started else 0
    whole = [
        parts
        for _, parts in sorted(by_turn.items())
        if {events.Asked, events.Routed, events.Answered} <= parts.keys()
    ]
    asked_in = rooms_of(log).asked
    # By the true room where that is known: all methods are compared on the same turns.
    true = [parts[events.Judged].room if events.Judged in parts else "" for parts in whole]
    rooms = [
        true_room or asked_in.get(_number(parts), "") for true_room, parts in zip(true, whole, strict=True)
    ]
    warm = warm_ups(rooms, warm_up)
    turns = tuple(
        _turn(parts, others[_number(parts)], is_warm, asked_in.get(_number(parts), ""))
        for parts, is_warm in zip(whole, warm, strict=True)
    )
    ended = tuple(event for event in log if isinstance(event, events.AdaptationEnded))
    steps = {
        event.job: (event.step, event.steps)
        for event in log
        if isinstance(event, events.AdaptationProgressed)
    }
    seconds = max(0.0, log[-1].at - log[0].at) if log else 0.0
    extra = sum(event.calls for event in log if isinstance(event, events.Inquired))
    late = sum(isinstance(event, events.ToldLate) for event in log)
    spent = _last(events.Spent, log)
    return Summary(warm_up, turns, ended, _table(turns), steps, seconds, used, started, extra, late, spent)


def _last(kind: type[_Kind], log: Sequence[Event]) -> _Kind | None:
    return next((event for event in reversed(log) if isinstance(event, kind)), None)


def _number(parts: dict[type, Any]) -> int:
    return int(parts[events.Asked].turn)


def _turn(parts: dict[type, Any], others: dict[str, bool], warm: bool, room: str) -> TurnSummary:
    asked, routed, answered = (parts[kind] for kind in (events.Asked, events.Routed, events.Answered))
    judged = parts.get(events.Judged)
    judgement = {"reference": judged.reference, "right": judged.right, "tag": judged.tag} if judged else {}
    by_student = judgement.get("right") if answered.by == "student" else None
    student = others.get("adapted", by_student)
    if student is None and warm:  # nothing had been learnt yet
        student = others.get("untouched")
    return TurnSummary(
        asked.turn, asked.question, asked.frame, answered.by, routed.reason, answered.text,
        answered.confidence, answered.latency_ms, others={} if warm else others,
        frame_age_ms=asked.frame_age_ms, student=student, untouched=others.get("untouched"), room=room,
        true_room=judged.room if judged else "", warm=warm, **judgement,
    )  # fmt: skip


def _table(turns: Sequence[TurnSummary]) -> dict[str, dict[str, Share]]:
    """Shares by method and tag of the compared turns, in the order of `METHODS`."""
    outcomes: dict[str, dict[str, list[bool]]] = {method: defaultdict(list) for method in METHODS}
    for turn in turns:
        for method, right in turn.others.items():
            for tag in dict.fromkeys((ALL, turn.tag or ALL)):
                outcomes.setdefault(method, defaultdict(list))[tag].append(right)
    return {
        method: {tag: Share(sum(rights), len(rights)) for tag, rights in by_tag.items()}
        for method, by_tag in outcomes.items()
        if by_tag
    }
