"""Twenty questions for one visit to a room: ten to warm up, then ten tagged by what answering them takes.

same-fact-words  a fact of the warm-up, the same frame, other words
same-fact-view   a fact of the warm-up, asked of another frame, where it has the same answer
new-fact         about things of the warm-up, nothing asked before tells it
new-thing        about things that no earlier question was about
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from bench.rooms.catalogue.index import STUDENT_UNSEEN, UNSEEN_COLOURS
from bench.rooms.questions.ask import Pool, drafts, mentions, worded
from bench.rooms.questions.draft import Dice, Question, QuestionDraft
from bench.rooms.rendering.facts import FrameFacts
from bench.rooms.views import Shot, visit
from bench.rooms.world.scene import SPLITS, FurnishedRoom
from bench.rooms.world.wordings import wordings
from core.errors import InputError
from core.files import atomic_directory

WARM_UP = 10
TURNS = 20
TAGS = ("same-fact-words", "same-fact-view", "new-fact", "new-thing")
UNSEEN = STUDENT_UNSEEN | UNSEEN_COLOURS
VIEWS = 4
MORE = 4
OTHER_VIEW = "other-view"
_ROUNDS = 9  # of up to ten questions, some of which come again
# The tags of the second half, before they are shuffled.
_PLAN = ("same-fact-words",) * 2 + ("same-fact-view",) * 3 + ("new-fact",) * 2 + ("new-thing",) * 3
# Facts of the room, not of the picture: true from wherever they can be seen.
STEADY = frozenset("what_on,what_in,what_colour,what_room,where,colour,tinted,lit,made_of,pattern".split(","))
_MOST_OF_A_FAMILY = 3  # in a warm-up
_RESERVED = 0.3  # of the things that can be asked about: not in the warm-up, if it can do without
_TOO_LITTLE = "Twenty questions cannot be asked of this room. Choose another index."


class SessionTurn(NamedTuple):
    """A question about a frame. `needs_unseen`: it, or its answer, names what the student never saw."""

    frame: int
    question: Question
    tag: str
    needs_unseen: bool


@dataclass(frozen=True)
class Session:
    """One visit: `turns` are in the order asked, `shots` in the order of their frame numbers."""

    room: FurnishedRoom
    shots: Sequence[Shot]
    turns: Sequence[SessionTurn]


def make_session(split: str, index: int, size: int, views: int = VIEWS) -> Session:
    """The session of room `index` of a split, with frames of `size` pixels. Same arguments, same session."""
    room, shots = visit(split, index, size, views)
    rng = np.random.default_rng([SPLITS[split], index, 3])
    return Session(room, shots, plan_turns([shot.facts for shot in shots], split, rng))


def make_more_views(split: str, index: int, size: int) -> Session | None:
    """Up to four more views of a room, a metre or more from those of its session and from each other, with
    questions of the kinds that sessions begin with; None where there are none. Same arguments, same session.
    """
    room, shots = visit(split, index, size, VIEWS + MORE)
    facts = [shot.facts for shot in shots[VIEWS:]]
    turns: dict[tuple[int, str], SessionTurn] = {}
    for number in range(_ROUNDS if facts else 0):
        for turn in opening(facts, split, np.random.default_rng([SPLITS[split], index, 4, number])):
            turns.setdefault((turn.frame, turn.question.text), turn._replace(tag=OTHER_VIEW))
    return Session(room, shots[VIEWS:], list(turns.values())) if turns else None


def plan_turns(frames: Sequence[FrameFacts], split: str, rng: np.random.Generator) -> list[SessionTurn]:
    """Twenty turns over the frames in the wordings of a split. Raises InputError when that cannot be."""
    if not frames:
        raise InputError(_TOO_LITTLE)
    planner = _Planner(frames, split, Dice(rng))
    planner.warm_up()
    planner.after()
    return planner.turns


def opening(frames: Sequence[FrameFacts], split: str, rng: np.random.Generator) -> list[SessionTurn]:
    """What a session over these frames begins with: ten questions, or as many as the frames have."""
    planner = _Planner(frames, split, Dice(rng))
    with suppress(InputError):
        planner.warm_up()
    return planner.turns


def things(draft: QuestionDraft | Question) -> frozenset[str]:
    """What a question is about: ids of things, or its key for the room and for what is not there."""
    return frozenset(str(i) for i in draft.subject) or frozenset({draft.key})


def theme(kind: str, subject: Sequence[int], fact: str) -> str:
    """What an answer gives away: every question about a thing's colour, or about its place, tells it."""
    if kind in ("colour", "tinted", "what_colour"):
        return f"colour:{subject[0]}"
    if kind in ("where", "what_on", "what_in"):
        return f"place:{subject[0]}"
    if kind == "relation":
        return "relation:" + ":".join(str(i) for i in sorted(subject))
    return fact


class _Planner:
    """Draws turns one after another and remembers what has been asked."""

    def __init__(self, frames: Sequence[FrameFacts], split: str, dice: Dice) -> None:
        self.split, self.dice = split, dice
        self.turns: list[SessionTurn] = []
        self._drafts = [drafts(facts, dice) for facts in frames]
        self._pools = [Pool(group) for group in self._drafts]
        self._warm: list[tuple[int, QuestionDraft, int]] = []  # frame, draft, wording
        self._asked_again: set[str] = set()  # facts of the warm-up that have been asked again
        self._themes: set[str] = set()
        self._things: set[str] = set()
        askable = (draft for group in self._drafts for draft in group if draft.kind != "exist")
        numbers = sorted({number for draft in askable for number in draft.subject})
        self._reserved = frozenset(dice.shuffled(numbers)[: int(len(numbers) * _RESERVED)])

    def warm_up(self) -> None:
        """Ten questions, frame after frame, no fact twice, families mixed."""
        families: list[str] = []

        def fresh(draft: QuestionDraft) -> bool:
            return families.count(draft.family) < _MOST_OF_A_FAMILY and self._is_news(draft)

        def spared(draft: QuestionDraft) -> bool:
            return fresh(draft) and self._reserved.isdisjoint(draft.subject)

        while len(self.turns) < WARM_UP:
            frame = len(self.turns) % len(self._pools)
            order = [frame, *self.dice.shuffled([n for n in range(len(self._pools)) if n != frame])]
            match = next(self._draws(spared, order), None) or next(self._draws(fresh, order), None)
            if match is None:
                raise InputError(_TOO_LITTLE)
            frame, draft = match
            families.append(draft.family)
            wording = self._ask(frame, draft, "warm-up")
            self._warm.append((frame, draft, wording))

    def after(self) -> None:
        """Ten tagged questions; a tag that this room has no more of gives way to another."""
        warm_things = frozenset(self._things)
        makers: dict[str, Callable[[], bool]] = {
            "same-fact-words": self._other_words,
            "same-fact-view": self._other_view,
            "new-fact": lambda: self._new_fact(warm_things),
            "new-thing": self._new_thing,
        }
        for tag in self.dice.shuffled(_PLAN):
            if not any(makers[name]() for name in dict.fromkeys((tag, *reversed(TAGS)))):
                raise InputError(_TOO_LITTLE)

    def _other_words(self) -> bool:
        for frame, draft, wording in self.dice.shuffled(self._warm):
            if draft.fact not in self._asked_again:
                self._ask(frame, draft, "same-fact-words", wording)
                self._asked_again.add(draft.fact)
                return True
        return False

    def _other_view(self) -> bool:
        for frame, draft, _ in self.dice.shuffled(self._warm):
            if draft.kind not in STEADY or draft.fact in self._asked_again:
                continue
            for other in self.dice.shuffled([n for n in range(len(self._pools)) if n != frame]):
                same = [d for d in self._drafts[other] if d.fact == draft.fact and d.answer == draft.answer]
                if same:
                    self._ask(other, same[0], "same-fact-view")
                    self._asked_again.add(draft.fact)
                    return True
        return False

    def _new_fact(self, warm_things: frozenset[str]) -> bool:
        def accept(draft: QuestionDraft) -> bool:
            # Whether a known thing is there is no question any more.
            return draft.kind != "exist" and self._is_news(draft) and things(draft) <= warm_things

        return self._ask_any(accept, "new-fact")

    def _new_thing(self) -> bool:
        def accept(draft: QuestionDraft) -> bool:
            new = draft.kind != "exist" and bool(draft.subject) and not (things(draft) & self._things)
            return new and self._is_news(draft)

        return self._ask_any(accept, "new-thing")

    def _is_news(self, draft: QuestionDraft) -> bool:
        return self._themes.isdisjoint((draft.fact, theme(draft.kind, draft.subject, draft.fact)))

    def _ask_any(self, accept: Callable[[QuestionDraft], bool], tag: str) -> bool:
        match = next(self._draws(accept, self.dice.shuffled(range(len(self._pools)))), None)
        if match is not None:
            self._ask(*match, tag)
        return match is not None

    def _draws(
        self, accept: Callable[[QuestionDraft], bool], frames: Sequence[int]
    ) -> Iterator[tuple[int, QuestionDraft]]:
        for frame in frames:
            draft = self._pools[frame].draw(self.dice, accept)
            if draft is not None:
                yield frame, draft

    def _ask(self, frame: int, draft: QuestionDraft, tag: str, not_in: int | None = None) -> int:
        count = len(wordings(self.split)[draft.kind])
        wording = self.dice.pick([n for n in range(count) if n != not_in])
        question = worded(draft, self.split, wording)
        self.turns.append(SessionTurn(frame, question, tag, mentions(question, UNSEEN)))
        self._themes |= {draft.fact, theme(draft.kind, draft.subject, draft.fact)}
        self._things |= things(draft)
        return wording


def write_session(session: Session, directory: Path) -> None:
    """Write frame-N.jpg, depth-N.png (16 bit, millimetres) and session.json: whole, or not at all.

    Raises StorageError, also when the folder is there already.
    """
    with atomic_directory(directory) as folder:
        write_shots(session.shots, folder)
        text = json.dumps(as_dict(session), indent=1) + "\n"
        (folder / "session.json").write_text(text, encoding="utf-8")


def write_shots(shots: Sequence[Shot], folder: Path) -> None:
    """Write frame-N.jpg and depth-N.png into a folder that is there."""
    for number, shot in enumerate(shots):
        millimetres = np.clip(shot.frame.depth * 1000, 0, 65535).round().astype(np.uint16)
        Image.fromarray(shot.frame.rgb).save(folder / f"frame-{number}.jpg", "JPEG", quality=92)
        Image.fromarray(millimetres).save(folder / f"depth-{number}.png", "PNG")


def as_dict(session: Session) -> dict[str, object]:
    """What session.json holds."""
    numbers = range(len(session.shots))
    return {
        "room": f"{session.room.split}-{session.room.index}",
        "kind": session.room.kind,
        "answers": "truth",
        "frames": [f"frame-{number}.jpg" for number in numbers],
        "depth": [f"depth-{number}.png" for number in numbers],
        "turns": [
            {
                "frame": turn.frame, "question": turn.question.text, "answer": turn.question.answer,
                "family": turn.question.family, "tag": turn.tag, "needs_unseen": turn.needs_unseen,
            }
            for turn in session.turns
        ],
    }  # fmt: skip
