"""The run behind `roomwise render check`: every question proved again, a blind reader scored."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from bench.measure.intervals import Interval, bootstrap_mean
from bench.measure.report import Row, measured
from bench.rooms.blind import BlindReader
from bench.rooms.check import colours_shown, mistakes, overlaps
from bench.rooms.questions.ask import FAMILIES, candidates, sample
from bench.rooms.questions.draft import Question
from bench.rooms.sessions import TAGS, Session, make_session
from bench.rooms.views import visit
from bench.rooms.world.scene import SPLITS, FurnishedRoom

BLIND_LIMIT = 0.40
_A_FRAME = 40  # questions a frame for the blind reader to learn from
Tick = Callable[[], None]


@dataclass
class Proof:
    """What came out. `rows` are for the report; `failures` are sentences, none when all is well."""

    rows: list[Row] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def prove(rooms: int, size: int, tick: Tick) -> Proof:
    """Check `rooms` rooms of training and as many of test; `tick` is called after each."""
    built: dict[str, list[FurnishedRoom]] = {"train": [], "test": []}
    wrong: list[str] = []
    checked = 0
    plausible: list[bool] = []
    reader, sessions = BlindReader(), []
    for index in range(rooms):
        room, shots = visit("train", index, size, 4)
        built["train"].append(room)
        rng = np.random.default_rng([SPLITS["train"], index, 4])
        for shot in shots:
            questions = candidates(shot.facts, rng, "train")
            wrong += mistakes(room, shot, questions)
            plausible += colours_shown(shot, questions)
            checked += len(questions)
            reader.learn(sample(shot.facts, rng, _A_FRAME, "train"))
        tick()
    for index in range(rooms):
        session = make_session("test", index, size)
        built["test"].append(session.room)
        sessions.append(session)
        wrong += _wrong_turns(session)
        checked += len(session.turns)
        tick()
    shared = overlaps(built)
    proof = Proof(_blind_rows(reader, sessions), [*wrong, *shared])
    proof.rows += [
        _count("wrong", len(wrong), checked), _count("colour shown", sum(plausible), len(plausible)),
        _count("shared", len(shared), 2 * rooms),
    ]  # fmt: skip
    blind = float(np.mean([reader.is_right(t.question) for s in sessions for t in s.turns]))
    if blind > BLIND_LIMIT:
        proof.failures.append(f"A blind reader is right {blind:.2f} of the time, more than {BLIND_LIMIT}.")
    return proof


def _wrong_turns(session: Session) -> list[str]:
    by_frame: dict[int, list[Question]] = {}
    for turn in session.turns:
        by_frame.setdefault(turn.frame, []).append(turn.question)
    by_shot = ((session.shots[frame], questions) for frame, questions in by_frame.items())
    return [line for shot, questions in by_shot for line in mistakes(session.room, shot, questions)]


def _blind_rows(reader: BlindReader, sessions: list[Session]) -> list[Row]:
    turns = [(number, turn) for number, session in enumerate(sessions) for turn in session.turns]

    def row(family: str, tag: str) -> Row | None:
        chosen = [
            (number, reader.is_right(turn.question))
            for number, turn in turns
            if family in ("all", turn.question.family) and tag in ("all", turn.tag)
        ]
        if not chosen:
            return None
        groups, right = zip(*chosen, strict=True)
        return measured(bootstrap_mean(right, groups), metric="blind exact", family=family, tag=tag)

    rows = [row(family, "all") for family in ("all", *FAMILIES)]
    rows += [row("all", tag) for tag in ("warm-up", *TAGS)]
    return [result for result in rows if result is not None]


def _count(metric: str, count: int, n: int) -> Row:
    share = Interval(count / max(1, n), float("nan"), float("nan"), n)
    return measured(share, metric=metric, family="all", tag="all")
