"""What a session's events amount to: the take-over curve, who was right how often, calls and times saved."""

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
    """One turn. `right` is None where no answer is known; `others`: whether each method would have been.

    `student` and `untouched`: whether the student would have been right, as it was at that moment and
    without any adapter; None where nobody looked. `room` is where the agent took it to be asked, `true_room`
    where it was, "" where nobody said; `warm`: it is of the room's warm-up.
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
    """How many of `n` were right."""

    right: int
    n: int

    @property
    def mean(self) -> float:
        """In [0, 1]; 0 of none is 0."""
        return self.right / self.n if self.n else 0.0


@dataclass(frozen=True)
class Summary:
    """All turns in order, and what they amount to. `table`: method, then tag, to a share.

    `extra_calls` is how many questions of its own the agent put to the expert; `late` how many the expert
    answered only after the student had. `steps`: of each job the step
    it came to last, and of how many. `seconds` is how long all took, from the first event to the last.
    `used`, `started` and `spent` are None in a log that lacks them. `one_room` is the same session with all
    of its rooms taken for one, where that was played too.
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
        """Questions of the person that the expert answered, in time or late."""
        return sum(turn.by == "expert" for turn in self.turns) + self.late

    @property
    def saved(self) -> int:
        """Questions after the warm-up that it did not have to answer."""
        return sum(turn.by != "expert" for turn in self.turns if not turn.warm)

    @property
    def after(self) -> Share:
        """Of what was said after the warm-ups, where the answer is known."""
        known = [turn.right for turn in self.turns if turn.right is not None and not turn.warm]
        return Share(sum(known), len(known))

    @property
    def placed(self) -> Share:
        """How many turns were taken to be asked in the room that the agent has for the true one: the one it
        took most of that room's turns for, and no other room's.
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
        """Of what was said, over all turns whose answer is known."""
        known = [turn.right for turn in self.turns if turn.right is not None]
        return Share(sum(known), len(known))

    def latency_ms(self, by: Source) -> float | None:
        """The median time to an answer of one source, None when it never answered."""
        times = [turn.latency_ms for turn in self.turns if turn.by == by]
        return median(times) if times else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for report.json."""
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
    """The summary of a session's events, also of one that stopped in the middle."""
    listed = list(log)
    by_turn: dict[int, dict[type, Any]] = defaultdict(dict)
    others: dict[int, dict[str, bool]] = defaultdict(dict)
    for event in listed:
        if isinstance(event, events.Compared):
            others[event.turn][event.method] = event.right
        elif isinstance(event, events.Asked | events.Routed | events.Answered | events.Judged):
            by_turn[event.turn][type(event)] = event
    started, used = _last(events.SessionStarted, listed), _last(events.Used, listed)
    warm_up = started.warm_up if started else 0
    whole = [
        parts
        for _, parts in sorted(by_turn.items())
        if {events.Asked, events.Routed, events.Answered} <= parts.keys()
    ]
    asked_in = rooms_of(listed).asked
    # By the true room where that is known: all methods are compared on the same turns.
    true = [parts[events.Judged].room if events.Judged in parts else "" for parts in whole]
    rooms = [known or asked_in.get(_number(parts), "") for known, parts in zip(true, whole, strict=True)]
    warm = warm_ups(rooms, warm_up)
    turns = tuple(
        _turn(parts, others[_number(parts)], early, asked_in.get(_number(parts), ""))
        for parts, early in zip(whole, warm, strict=True)
    )
    ended = tuple(event for event in listed if isinstance(event, events.AdaptationEnded))
    steps = {
        event.job: (event.step, event.steps)
        for event in listed
        if isinstance(event, events.AdaptationProgressed)
    }
    seconds = listed[-1].at - listed[0].at if listed else 0.0
    extra = sum(event.calls for event in listed if isinstance(event, events.Inquired))
    late = sum(isinstance(event, events.ToldLate) for event in listed)
    spent = _last(events.Spent, listed)
    return Summary(warm_up, turns, ended, _table(turns), steps, seconds, used, started, extra, late, spent)


def _last(kind: type[_Kind], log: Sequence[Event]) -> _Kind | None:
    return next((event for event in reversed(log) if isinstance(event, kind)), None)


def _number(parts: dict[type, Any]) -> int:
    return int(parts[events.Asked].turn)


def _turn(parts: dict[type, Any], others: dict[str, bool], warm: bool, room: str) -> TurnSummary:
    asked, routed, answered = (parts[kind] for kind in (events.Asked, events.Routed, events.Answered))
    judged = parts.get(events.Judged)
    known = {"reference": judged.reference, "right": judged.right, "tag": judged.tag} if judged else {}
    by_student = known.get("right") if answered.by == "student" else None
    then = others.get("adapted", by_student)
    if then is None and warm:  # nothing had been learnt yet
        then = others.get("untouched")
    return TurnSummary(
        asked.turn, asked.question, asked.frame, answered.by, routed.reason, answered.text,
        answered.confidence, answered.latency_ms, others={} if warm else others,
        frame_age_ms=asked.frame_age_ms, student=then, untouched=others.get("untouched"), room=room,
        true_room=judged.room if judged else "", warm=warm, **known,
    )  # fmt: skip


def _table(turns: Sequence[TurnSummary]) -> dict[str, dict[str, Share]]:
    """Shares by method and tag, in the order of `METHODS`, of the turns that were compared."""
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
