"""Plays a session again and compares its answers with other methods."""

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
from agent.turns.student import recall, student_answer, was_taught
from agent.turns.turn import Emit
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
    """Ask every question of the visit, judge the answer, and compare the baselines. Without a `pace` at full
    speed. What is past is not repeated; the last answered turn is completed. In a visit to several rooms the
    agent looks around first to notice where it is; with `one_room` it does not, but each room still has its
    warm-up. Raises ImageError when a frame cannot be used; what was answered is kept.
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
        answered_at = time.monotonic()
        if turn.answer:
            if number not in past.judged:
                controller.emit(judge_answer(turn, number, answered.text))
            baselines.compare(turn, frame, number, answered, controller.emit, warm[number - 1], past.compared)
        pace.rest(controller, next(iter(visit.turns[number:]), None), answered_at)


def look_around(
    visit: Visit, turn: VisitTurn, question_frame: Frame, controller: Controller, max_pixels: int
) -> None:
    """Show the agent what the camera saw before a question, and the question's frame."""
    for path in (*turn.seen, turn.frame):
        frame = question_frame if path == turn.frame else read_frame(path, max_pixels)
        depth = visit.depth.get(path)
        distances = decode_depth(depth.read_bytes()) if depth is not None and depth.is_file() else None
        controller.look(Sight(frame.jpeg, frame.picture, distances))


def judge_answer(turn: VisitTurn, number: int, text: str) -> Judged:
    """Compare an answer with the reference."""
    return Judged(
        at=time.time(), turn=number, reference=turn.answer, tag=turn.tag, room=turn.room,
        right=exact_match(text, turn.answer), nls=nls(text, turn.answer),
    )  # fmt: skip


@dataclass(frozen=True)
class Baselines:
    """What other methods would say to the turns after the warm-up. In the warm-up only the untouched student
    is asked, so that its curve begins at the first turn. `untouched` is a copy of the student without an
    adapter; memory gives the nearest pair's answer; the expert's answers are for measuring and count as no
    calls.
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
        """Emit one event a method, except those `done`. `warm`: the turn is in a warm-up."""
        max_tokens = self.answerers.config.student.max_new_tokens
        untouched = self.untouched.answer(frame.picture, turn.question, max_tokens)
        answers: dict[str, str | None] = {"untouched": untouched.text}
        if not warm:
            answers |= self._after(frame, turn, number, answered)
        for method, text in answers.items():
            if text is not None and (number, method) not in done:
                right = exact_match(text, turn.answer)
                emit(Compared(at=time.time(), turn=number, method=method, text=text, right=right))

    def _after(self, frame: Frame, turn: VisitTurn, number: int, answered: Answered) -> dict[str, str | None]:
        picture = frame.picture
        return {
            "memory": self._nearest(picture, turn, number),
            "adapted": answered.text if answered.by == "student" else self._student_answer(frame, turn),
            "expert": _expert_answer(self.answerers.expert, frame, turn, number),
        }

    def _student_answer(self, frame: Frame, turn: VisitTurn) -> str:
        """The student's answer, with its adapter where it was taught something like the question."""
        answerers, here = self.answerers, self.rooms.here
        view, embedder, taught = answerers.views.of(frame), answerers.memory.embedder, True
        if embedder is not None:
            hits = recall(answerers, here.name, view.cue(embedder, turn.question))
            taught = was_taught(answerers, here, hits)
        return student_answer(answerers, view, turn.question, taught).text

    def _nearest(self, picture: Image, turn: VisitTurn, number: int) -> str | None:
        memory, config = self.answerers.memory, self.answerers.config
        if memory.embedder is None:
            return None
        cue = embed_cue(memory.embedder, turn.question, picture)
        own = pair_id(self.answerers.session, number)  # what this turn left there would be cheating
        hits = search(memory, cue, self.rooms.here.name, _NEAREST, config.memory.question_weight)
        return next((hit.pair.answer for hit in hits if hit.pair.id != own), "")


def open_baselines(controller: Controller, student: str, warm_up: int) -> Baselines:
    """Raises UnknownModelError, WeightsError."""
    answerers = controller.answerers
    bare = load_model(student, vision_tokens=answerers.config.student.vision_tokens)
    return Baselines(answerers, controller.rooms, bare, warm_up)


def _expert_answer(expert: Expert | None, frame: Frame, turn: VisitTurn, number: int) -> str | None:
    if expert is None:
        return None
    try:
        return expert.ask(frame, turn.question, number).answer.text
    except ExpertError:
        return None
