"""A session from its first question to its end: turns, and what happens between them.

Everything runs on the calling thread, one call at a time; a training child works beside it. What fails
between turns becomes an event, and the student goes on.
"""

import time
from collections.abc import Callable
from typing import Any

from adapters.jobs.store import HOME
from agent.learning.camera import CameraTask
from agent.learning.guard import strain
from agent.learning.home import HomeTask
from agent.learning.lane import Lane
from agent.learning.room import RoomTask
from agent.learning.rooms import RoomsTask
from agent.learning.task import LearningSettings
from agent.loop.rooms import RoomKeeper
from agent.recording.past import Past
from agent.recording.record import Recorder
from agent.turns.answerers import Answerers, Room
from agent.turns.interviewer import Interviewer
from agent.turns.late import Late
from agent.turns.remembering import pair_id, remember_person
from agent.turns.student import Draft, no_draft
from agent.turns.turn import Emit, Inquiry, take_turn
from agent.whereabouts.whereabouts import Sight, Whereabouts
from core import events
from core.errors import InputError, RoomwiseError, UnknownPairError
from core.events import Event, Source
from core.frames import frame_of
from core.ports import Rows
from core.text import check_question
from core.types import Cost, Frame


class Controller:
    """One session, in one room after another. Events go to the recording first, then to `watch`. `answerers`
    and `rooms` may be read on the session's thread.
    """

    def __init__(
        self,
        answerers: Answerers,
        here: Room,
        learning: LearningSettings,
        recorder: Recorder,
        warm_up: int,
        watch: Emit,
        past: Past,
        whereabouts: Whereabouts | None = None,
    ) -> None:
        """Without `whereabouts` the session stays in its first room."""
        self.answerers, self._learning, self._recorder = answerers, learning, recorder
        self.rooms = RoomKeeper(answerers, here, learning.store, past.rooms, warm_up, self._say)
        self._warm_up, self._watch, self._whereabouts = warm_up, watch, whereabouts
        self._turn, self._spent = past.turn, past.spent
        self._turns = {event.turn: event for event in past.asked}
        self._camera = CameraTask(learning, self._say)
        adaptation = answerers.config.adaptation
        self._lane = Lane(
            self._tasks(past),
            learning.fit,
            lambda held: strain(learning.machine(), adaptation, held),
            self._say,
        )
        room_of, waiting = self.rooms.room_of, past.uninquired(warm_up)
        self._interviewer = Interviewer(answerers, room_of, warm_up, waiting, self._say)
        self._late = Late(answerers, room_of, past.unasked, self._inquiry_of, self._say)

    def begin(self, event: Event) -> None:
        """Emit that the session begins or continues, and activate the room's adapter. For the only process
        that uses the folders: what a killed one left there is cleared.
        """
        self.emit(event)
        self._learning.store.sweep()
        self._lane.take_up(self._learning.jobs)
        self.rooms.report_problems(HOME, self.rooms.here.name)
        self.rooms.activate()

    def emit(self, event: Event) -> None:
        self._recorder.append(event)
        self._watch(event)

    def ask(
        self, question: str, frame: Frame, frame_age_ms: float = 0.0, wished: Source | None = None,
        draft: Draft = no_draft,
    ) -> events.Answered:  # fmt: skip
        """Answer a question about a frame, by the expert if `wished` and reachable. `draft` gets the
        student's answer so far. Raises QuestionError, with nothing done.
        """
        words, of_room = check_question(question), self.rooms.asked_here(self._turn) + 1
        inquiry = Inquiry(self._turn + 1, words, frame, frame_age_ms, wished, of_room)
        here, emit = self.rooms.here, self._storing_emitter(inquiry)
        answered = take_turn(self.answerers, here, inquiry, self._warm_up, emit, draft)
        self._turn = inquiry.turn
        if answered.by == "expert":
            self._inquire(inquiry.turn, frame)
        return answered

    def correct(self, turn: int, answer: str) -> None:
        """Take a person's word for the answer to a turn. Raises InputError, AnswerError, StorageError."""
        event = self._turns.get(turn)
        if event is None:
            raise InputError(f"Nothing was asked in turn {turn}. The last one was {self._turn}.")
        id, answerers = pair_id(self.answerers.session, turn), self.answerers
        inquiry = self._inquiry_of(event)
        try:
            pair = answerers.memory.correct(id, answer)
        except UnknownPairError:  # the expert has not answered it
            room = self.rooms.room_of(turn)
            pair = remember_person(answerers, room, inquiry.frame, inquiry.question, answer, id)
        self._say(events.Corrected, turn=turn, text=pair.answer, pair=pair.id)

    def revise(self, pair: str, answer: str | None) -> None:
        """Change a remembered pair's answer, None to delete it. Raises UnknownPairError, AnswerError."""
        memory = self.answerers.memory
        revised = memory.delete(pair)[0] if answer is None else memory.correct(pair, answer)
        self._say(events.Revised, pair=revised.id, text="" if answer is None else revised.answer)

    @property
    def settled(self) -> bool:
        """Whether it is known which room this is."""
        return self._whereabouts is None or self._whereabouts.settled

    def look(self, sight: Sight) -> None:
        """Recognise the room from a sight, between turns only. Nothing is lost by moving to another room."""
        if self._whereabouts is not None:
            move = self._whereabouts.look(sight, self.rooms.here.name)
            for event in move.events:
                self.emit(event)
            if move.room != self.rooms.here.name:
                self.rooms.enter(move)

    def see(self, sight: Sight, view: Rows) -> None:
        """Gather a sight at rest for the camera's scene encoder; `view` is its unit row."""
        self._camera.see(sight, view)

    def pause(self, paused: bool) -> None:
        """Let learning wait or go on. A running job is stopped, and due again."""
        self._activate_after(lambda: self._lane.pause(paused))

    def between_turns(self, awaited: Callable[[], bool] = lambda: False) -> None:
        """Ask the expert late and further questions until somebody is `awaited`; then tend the lane."""
        try:
            for turn in self._late.run():
                self._inquire(turn)
            all_asked = self._interviewer.run(awaited)
            self._account()
            if self._lane.look():
                self.rooms.activate()
            if self._lane.go_on(begin=all_asked):
                self.rooms.activate()
        except RoomwiseError as error:
            self._lane.abandon()  # nobody would look after it
            self._say(events.Failed, what="adaptation", error=str(error))

    def settle(self) -> None:
        """Wait for the room's own training child, if one runs, and activate its adapter."""
        while isinstance(self._lane.running, RoomTask):
            self._lane.wait(0.2)
            self.between_turns()

    def close(self) -> None:
        """End the session; a running child is stopped and leaves nothing behind."""
        try:
            self._activate_after(self._lane.stop)
            self._say(events.SessionEnded, turns=self._turn)
        finally:
            self._recorder.close()

    def _tasks(self, past: Past) -> tuple[RoomTask, HomeTask, CameraTask, RoomsTask]:
        """What can be learnt, the most urgent first."""
        answerers, learning, rooms, say = self.answerers, self._learning, self.rooms, self._say

        def here() -> str:
            return rooms.here.name

        def asked() -> int:
            return rooms.asked_here(self._turn)

        return (
            RoomTask(answerers, here, learning, past, self._warm_up, asked, say),
            HomeTask(answerers, here, learning, say),
            self._camera,
            RoomsTask(answerers, learning, rooms.hear_others, say),
        )

    def _inquiry_of(self, event: events.Asked) -> Inquiry:
        frame = frame_of(self._recorder.kept(event.frame, ".jpg"), self.answerers.config.images.max_pixels)
        return Inquiry(event.turn, event.question, frame, event.frame_age_ms)

    def _inquire(self, turn: int, frame: Frame | None = None) -> None:
        if self.rooms.in_warm_up(turn):
            self._interviewer.wait(turn, frame)

    def _account(self) -> None:
        """Emit the expert's cost if it has grown."""
        cost = self.answerers.expert.cost if self.answerers.expert else Cost()
        if cost != self._spent:
            self._spent = cost
            self._say(events.Spent, calls=cost.calls, bytes=cost.bytes)

    def _activate_after(self, stop: Callable[[], bool]) -> None:
        """Stop the lane's job; if it had reached a promotion, activate that."""
        try:
            if stop():
                self.rooms.activate()
        except RoomwiseError as error:
            self._say(events.Failed, what="adaptation", error=str(error))

    def _storing_emitter(self, inquiry: Inquiry) -> Emit:
        """An emitter that stores the frame before the event that names it."""

        def emit(event: Event) -> None:
            if isinstance(event, events.Asked):
                self._recorder.keep(inquiry.frame.jpeg, ".jpg")
                self.rooms.asked(event.turn)
            self.emit(event)
            if isinstance(event, events.Asked):
                self._turns[event.turn] = event
            if isinstance(event, events.ExpertUnreachable):
                self._late.wait(self._turns[event.turn])

        return emit

    def _say(self, kind: Any, /, **values: Any) -> None:
        self.emit(kind(at=time.time(), **values))
