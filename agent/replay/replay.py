"""A session played again from its first question, and what others would have said to each."""

import time
from collections.abc import Collection
from dataclasses import dataclass

from PIL.Image import Image

from agent.loop.controller import Controller
from agent.loop.rooms import RoomKeeper
from agent.recording.past import Past
from agent.recording.rooms import warm_ups
from agent.recording.visit import Visit, VisitTurn
from agent.replay.pace import Pace
from agent.turns.answerers import Answerers
from agent.turns.remembering import pair_id
from agent.turns.student import recalled, said_by_student, was_taught
from agent.turns.turn import Emit
from agent.turns.view import EncodedView
from agent.whereabouts.whereabouts import Sight
from core.errors import ExpertError
from core.events import Answered, Compared, Judged
from core.frames import read_frame
from core.ports import Expert
from core.scoring import exact_match, nls
from core.types import Frame
from memory.gallery import decode_depth
from memory.recall import embed_cue, search
from models.registry import load_model
from models.vlm import VisionLanguageModel

_NEAREST = 5


def play(
    visit: Visit,
    controller: Controller,
    baselines: "Baselines",
    max_pixels: int,
    past: Past,
    pace: Pace | None = None,
    one_room: bool = False,
) -> None:
    """Ask every question of the visit, judge the answer, and say what others would have said.

    Without a `pace` as fast as it goes, each adaptation waited for. What is past is not done again; the last
    turn that was answered is completed. In a visit to several rooms the agent looks around first, to
    notice itself where it is; with `one_room` it does not, though each room has a warm-up all the same.
    Raises ImageError when a frame cannot be used; what was answered before is kept.
    """
    pace = pace or Pace()
    first = max(1, past.turn)
    warm = warm_ups([turn.room for turn in visit.turns], baselines.warm_up)
    if one_room:
        controller.rooms.recount({
            number: turn.room for number, turn in enumerate(visit.turns[: past.turn], start=1)
        })
    for number, turn in enumerate(visit.turns[first - 1 :], start=first):
        answered, frame = past.answered.get(number), read_frame(turn.frame, max_pixels)
        if answered is None:
            if one_room:
                controller.rooms.count_anew(turn.room)
            elif visit.wanders:
                look_around(visit, turn, frame, controller, max_pixels)
            answered = controller.ask(turn.question, frame, turn.frame_age_ms)
        said = time.monotonic()
        if turn.answer:
            if number not in past.judged:
                controller.emit(judged(turn, number, answered.text))
            baselines.compare(turn, frame, number, answered, controller.emit, warm[number - 1], past.compared)
        pace.rest(controller, next(iter(visit.turns[number:]), None), said)


def look_around(
    visit: Visit, turn: VisitTurn, asked_about: Frame, controller: Controller, max_pixels: int
) -> None:
    """Show the agent what the camera saw before a question, and then what it is asked about."""
    for path in (*turn.seen, turn.frame):
        frame = asked_about if path == turn.frame else read_frame(path, max_pixels)
        depth = visit.depth.get(path)
        far = decode_depth(depth.read_bytes()) if depth is not None and depth.is_file() else None
        controller.look(Sight(frame.jpeg, frame.picture, far))


def judged(turn: VisitTurn, number: int, text: str) -> Judged:
    """An answer beside the one that is known."""
    return Judged(
        at=time.time(), turn=number, reference=turn.answer, tag=turn.tag, room=turn.room,
        right=exact_match(text, turn.answer), nls=nls(text, turn.answer),
    )  # fmt: skip


@dataclass(frozen=True)
class Baselines:
    """What others would say to the turns after the warm-up, from what is known at that moment.

    Of the warm-up's turns only what the student would have said, so that its curve begins at the first.
    `untouched` is the student without an adapter, in a copy of its own; memory alone gives the nearest
    pair's answer; the expert's answers here are for measuring and count as no calls.
    """

    answerers: Answerers
    rooms: RoomKeeper
    untouched: VisionLanguageModel
    warm_up: int

    def compare(
        self,
        turn: VisitTurn,
        frame: Frame,
        number: int,
        answered: Answered,
        emit: Emit,
        warm: bool,
        done: Collection[tuple[int, str]] = (),
    ) -> None:
        """One event a method, for a turn whose answer is known; but for turns and methods that are done.
        `warm`: the turn is of a warm-up.
        """
        said: dict[str, str | None] = {"untouched": self._said(self.untouched, frame.picture, turn)}
        if not warm:
            said |= self._after(frame, turn, number, answered)
        for method, text in said.items():
            if text is not None and (number, method) not in done:
                right = exact_match(text, turn.answer)
                emit(Compared(at=time.time(), turn=number, method=method, text=text, right=right))

    def _after(self, frame: Frame, turn: VisitTurn, number: int, answered: Answered) -> dict[str, str | None]:
        picture = frame.picture
        return {
            "memory": self._nearest(picture, turn, number),
            "adapted": answered.text if answered.by == "student" else self._adapted(picture, turn),
            "expert": _asked(self.answerers.expert, frame, turn, number),
        }

    def _said(self, model: VisionLanguageModel, picture: Image, turn: VisitTurn) -> str:
        return model.answer(picture, turn.question, self.answerers.config.student.max_new_tokens).text

    def _adapted(self, picture: Image, turn: VisitTurn) -> str:
        """What the student would have said, with its adapter where that was taught something like it."""
        answerers, here = self.answerers, self.rooms.here
        view, embedder, taught = EncodedView(answerers.student, picture), answerers.memory.embedder, True
        if embedder is not None:
            hits = recalled(answerers, here.name, view.cue(embedder, turn.question))
            taught = was_taught(answerers, here, hits)
        return said_by_student(answerers, view, turn.question, taught).text

    def _nearest(self, picture: Image, turn: VisitTurn, number: int) -> str | None:
        memory, config = self.answerers.memory, self.answerers.config
        if memory.embedder is None:
            return None
        cue = embed_cue(memory.embedder, turn.question, picture)
        own = pair_id(self.answerers.session, number)  # what this turn left there would be cheating
        hits = search(memory, cue, self.rooms.here.name, _NEAREST, config.memory.question_weight)
        return next((hit.pair.answer for hit in hits if hit.pair.id != own), "")


def baselines_of(controller: Controller, student: str, warm_up: int) -> Baselines:
    """Beside a session that is about to begin. Raises UnknownModelError, WeightsError."""
    return Baselines(controller.answerers, controller.rooms, load_model(student), warm_up)


def _asked(expert: Expert | None, frame: Frame, turn: VisitTurn, number: int) -> str | None:
    if expert is None:
        return None
    try:
        return expert.ask(frame, turn.question, number).answer.text
    except ExpertError:
        return None
