"""A student asked again after a replay, by the rule in use: what memory holds decides whether it adapts."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from agent.turns.answerers import Answerers, Room
from agent.turns.student import recall, student_answer, was_taught
from agent.turns.view import EncodedView
from core.config import Config
from core.errors import QuestionError
from memory.recall import Hit
from memory.store import Memory
from models.embedder import room_embedder
from models.images import load_image
from models.lora import Adapter
from models.vlm import VisionLanguageModel

_REMEMBERED = 64  # frames and questions; each is asked about once a method
_NEAREST = 4
"""Pairs that stand before a question as its context."""

Says = Callable[[Path, str], str]
"""The answer to a question about a picture file."""


class RoomStudent:
    """A student in a room, with what memory held of it when the replay had ended. Made by `asker`.

    `spared` are pairs that nobody may use: what a question that is asked here left behind itself.
    """

    def __init__(self, answerers: Answerers, room: Room, spared: Collection[str]) -> None:
        self.answerers, self._room, self._spared = answerers, room, spared
        self.at_home = False
        """Whether there is something below the adapter on which it rests."""
        self._view = lru_cache(_REMEMBERED)(self._encoded)
        self._hits = lru_cache(None)(self._recalled)

    @contextmanager
    def holding(
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

    def untouched(self, picture: Path, question: str) -> str:
        """What the student says without any adapter."""
        with self.answerers.slot.bare():
            return self._said(picture, question, taught=True)

    def adapted(self, picture: Path, question: str) -> str:
        """What it says with its adapter, if that was taught something like the question, else at rest."""
        return self._said(picture, question, self.is_taught(picture, question))

    def unscoped(self, picture: Path, question: str) -> str:
        """What it says with its adapter, whatever is asked."""
        return self._said(picture, question, taught=True)

    def with_context(self, picture: Path, question: str) -> str:
        """What it says when the nearest pairs stand before the question, the nearest last.

        Where the question is like none that was taught, they are left out, as an adapter would be.
        """
        if not self.is_taught(picture, question):
            return self.untouched(picture, question)
        near = [hit for hit in self._hits(picture, question) if hit.pair.id in self._room.taught][:_NEAREST]
        for count in range(len(near), 0, -1):
            try:
                return self.untouched(picture, spelled(near[:count], question))
            except QuestionError:  # too long for the model; the furthest is left out
                continue
        return self.untouched(picture, question)

    def is_taught(self, picture: Path, question: str) -> bool:
        """Whether what the student was taught holds for a question."""
        return self.answerers.memory.embedder is None or was_taught(
            self.answerers, self._room, self._hits(picture, question)
        )

    def _said(self, picture: Path, question: str, taught: bool) -> str:
        return student_answer(self.answerers, self._view(picture), question, taught).text

    def _encoded(self, picture: Path) -> EncodedView:
        return EncodedView(
            self.answerers.student, load_image(picture, self.answerers.config.images.max_pixels)
        )

    def _recalled(self, picture: Path, question: str) -> tuple[Hit, ...]:
        embedder = self.answerers.memory.embedder
        if embedder is None:
            return ()
        hits = recall(self.answerers, self._room.name, self._view(picture).cue(embedder, question))
        return tuple(hit for hit in hits if hit.pair.id not in self._spared)


def spelled(near: Sequence[Hit], question: str) -> str:
    """Pairs and a question as one text: question answer question answer ... question, the nearest last."""
    told = [f"{hit.pair.question} {hit.pair.answer}" for hit in reversed(near)]
    return " ".join([*told, question])


@contextmanager
def asker(
    student: VisionLanguageModel, room: str, memory: Path, config: Config, spared: Collection[str] = ()
) -> Iterator[RoomStudent]:
    """Reads the memory in a folder and changes nothing there. Raises StorageError."""
    with Memory.open(memory, room_embedder(student), read_only=True) as pairs:
        yield RoomStudent(Answerers("", student, None, pairs, config), Room(room), spared)
