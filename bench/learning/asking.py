"""A room asked again after a replay: its student, by the rule in use, or the votes of all rooms' pairs."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from agent.recording.visit import Visit, read_visit
from agent.turns.answerers import Answerers, Room
from agent.turns.student import recall, student_answer, was_taught
from agent.turns.view import EncodedView
from core.config import Config
from core.errors import QuestionError
from core.frames import read_frame
from core.scoring import exact_match
from core.types import Example
from memory.elsewhere import guess, learn
from memory.recall import Hit
from memory.shelf import shelf, votes_of
from memory.store import Memory
from memory.table import Line
from models.embedder import room_embedder
from models.images import load_image
from models.lora import Adapter
from models.vlm import VisionLanguageModel

_CACHED = 64  # frames and questions; each is asked about once a method
_NEAREST = 4
"""Pairs that stand before a question as its context."""

Answerer = Callable[[Path, str], str]
"""The answer to a question about a picture file."""


class RoomStudent:
    """A student in a room, with what memory held of it when the replay had ended.

    `excluded` are pairs that nobody may use: those that the questions asked here left behind.
    """

    def __init__(self, answerers: Answerers, room: Room, excluded: Collection[str]) -> None:
        self.answerers, self._room, self._excluded = answerers, room, excluded
        self.at_home = False
        """Whether there is something below the adapter on which it rests."""
        self._view = lru_cache(_CACHED)(self._encode)
        self._hits = lru_cache(None)(self._recall)

    @contextmanager
    def use_adapter(
        self, adapter: Adapter | None, taught: Collection[str], home: Adapter | None = None
    ) -> Iterator[None]:
        """Inside, the student has this adapter, which was taught the pairs of these ids, above home."""
        self.answerers.slot.rest_on(home)
        self.answerers.slot.activate(adapter)
        self._room.taught = frozenset(taught)
        self.at_home = home is not None
        try:
            yield
        finally:
            self.answerers.slot.deactivate()
            self.answerers.slot.rest_on(None)
            self._room.taught, self.at_home = (), False

    def answer_bare(self, picture: Path, question: str) -> str:
        """What the student says without any adapter."""
        with self.answerers.slot.bare():
            return self._answer(picture, question, taught=True)

    def answer_adapted(self, picture: Path, question: str) -> str:
        """What it says with its adapter, if that was taught something like the question, else at rest."""
        return self._answer(picture, question, self.is_taught(picture, question))

    def answer_always(self, picture: Path, question: str) -> str:
        """What it says with its adapter, whatever is asked."""
        return self._answer(picture, question, taught=True)

    def answer_with_context(self, picture: Path, question: str) -> str:
        """What it says when the nearest pairs stand before the question, the nearest last.

        Where the question is like none that was taught, they are left out, as an adapter would be.
        """
        if not self.is_taught(picture, question):
            return self.answer_bare(picture, question)
        nearest = [hit for hit in self._hits(picture, question) if hit.pair.id in self._room.taught][
            :_NEAREST
        ]
        for count in range(len(nearest), 0, -1):
            try:
                return self.answer_bare(picture, spell_context(nearest[:count], question))
            except QuestionError:  # too long for the model; the furthest is left out
                continue
        return self.answer_bare(picture, question)

    def is_taught(self, picture: Path, question: str) -> bool:
        """Whether what the student was taught holds for a question."""
        return self.answerers.memory.embedder is None or was_taught(
            self.answerers, self._room, self._hits(picture, question)
        )

    def _answer(self, picture: Path, question: str, taught: bool) -> str:
        return student_answer(self.answerers, self._view(picture), question, taught).text

    def _encode(self, picture: Path) -> EncodedView:
        return EncodedView(
            self.answerers.student, load_image(picture, self.answerers.config.images.max_pixels)
        )

    def _recall(self, picture: Path, question: str) -> tuple[Hit, ...]:
        embedder = self.answerers.memory.embedder
        if embedder is None:
            return ()
        hits = recall(self.answerers, self._room.name, self._view(picture).cue(embedder, question))
        return tuple(hit for hit in hits if hit.pair.id not in self._excluded)


def spell_context(nearest: Sequence[Hit], question: str) -> str:
    """Pairs and a question as one text: question answer question answer ... question, the nearest last."""
    pairs = [f"{hit.pair.question} {hit.pair.answer}" for hit in reversed(nearest)]
    return " ".join([*pairs, question])


@contextmanager
def open_room_student(
    student: VisionLanguageModel, room: str, memory: Path, config: Config, excluded: Collection[str] = ()
) -> Iterator[RoomStudent]:
    """Reads the memory in a folder and changes nothing there. Raises StorageError."""
    with Memory.open(memory, room_embedder(student), read_only=True) as pairs:
        yield RoomStudent(Answerers("", student, None, pairs, config), Room(room), excluded)


def answer_by_votes(
    answerers: Answerers, visit: Visit, excluded: Collection[str], turns: Collection[int]
) -> dict[str, str]:
    """What the pairs of all rooms say to these turns, by turn: no student, no adapter; "" for no answer.

    A question is answered from other rooms' pairs, this room's warm-up and the questions asked here before.
    Without learnt votes they are learnt here, for this alone. Raises StorageError, ImageError.
    """
    pair_shelf, embedder = shelf(answerers.memory, excluded), answerers.memory.embedder
    if pair_shelf is None or embedder is None:
        return dict.fromkeys(map(str, turns), "")
    votes = votes_of(answerers.memory) or learn(pair_shelf.table(), seed=0)
    lines, pixels = [], answerers.config.images.max_pixels
    for turn in (visit.turns[number - 1] for number in turns):
        frame = read_frame(turn.frame, pixels)
        line = Line(visit.room, turn.question, frame.name)
        lines.append((line, EncodedView(answerers.student, frame.picture).cue(embedder, turn.question)))
    table = pair_shelf.table(lines)
    answers = {}
    for place, number in enumerate(turns, start=len(pair_shelf.lines)):
        vote = None if votes is None else guess(votes, table, place)
        answers[str(number)] = vote.text if vote else ""
    return answers


_EACH = 10
"""Questions of each other room: as many as a warm-up."""


@dataclass(frozen=True)
class Elsewhere:
    """Questions of other rooms with their answers, and the probe set's."""

    questions: Sequence[Example]
    probe: Sequence[Example]


def first_questions(sessions: Sequence[Path]) -> list[Example]:
    """The first questions of each session whose answers are known. Raises InputError."""
    return [
        Example(f"{place}-{number}", turn.question, turn.answer, turn.frame)
        for place, session in enumerate(sessions)
        for number, turn in enumerate(read_visit(session).turns[:_EACH])
        if turn.answer
    ]


class Forgetting:
    """What the untouched student says elsewhere, asked once, and what becomes of that with an adapter."""

    def __init__(self, student: RoomStudent, elsewhere: Elsewhere) -> None:
        self._student, self._elsewhere = student, elsewhere
        examples = [*elsewhere.questions, *elsewhere.probe]
        self._before = [student.answer_bare(example.image, example.question) for example in examples]

    def count(self, in_use: Answerer, always: Answerer | None = None) -> dict[str, Any]:
        """Counts, by rule: of `n` answers how many are right, of `probes` how many are not what they were."""
        counts: dict[str, Any] = {
            "n": len(self._elsewhere.questions),
            "probes": len(self._elsewhere.probe),
            "before": self._count_right(self._before),
            "in use": self._count(in_use, scoped=not self._student.at_home),
        }
        return counts if always is None else {**counts, "always": self._count(always, scoped=False)}

    def _count(self, answer: Answerer, scoped: bool) -> dict[str, int]:
        """`scoped`: the untouched student answers what is like nothing taught, and is not asked again."""
        examples = [*self._elsewhere.questions, *self._elsewhere.probe]
        answers = [
            before
            if scoped and not self._student.is_taught(example.image, example.question)
            else answer(example.image, example.question)
            for example, before in zip(examples, self._before, strict=True)
        ]
        probes = list(zip(answers, self._before, strict=True))[len(self._elsewhere.questions) :]
        changed = sum(not exact_match(now, before) for now, before in probes)
        return {"right": self._count_right(answers), "changed": changed}

    def _count_right(self, answers: Sequence[str]) -> int:
        questions = self._elsewhere.questions
        return sum(
            exact_match(text, example.answer) for text, example in zip(answers, questions, strict=False)
        )
