"""A session from its first question to its end: turns, and what happens between them.

Everything runs on the thread that calls, one call at a time; a training child works beside it. Whatever
fails between turns is an event, and the student goes on as it is.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from adapters.store import HOME, Version
from agent.learning.camera import CameraTask
from agent.learning.guard import strain
from agent.learning.home import HomeTask
from agent.learning.lane import Lane
from agent.learning.room import RoomTask
from agent.learning.rooms import RoomsTask
from agent.learning.task import LearningSettings, home_label, label
from agent.recording.past import Past
from agent.recording.record import Recorder
from agent.recording.rooms import warm_up_end
from agent.turns.corrections import corrected
from agent.turns.interviewer import Interviewer
from agent.turns.late import Late
from agent.turns.turn import Draft, Emit, Inquiry, Mind, take_turn, unheard
from agent.whereabouts.whereabouts import Move, Sight, Whereabouts
from core.errors import InputError, RoomwiseError
from core.events import (
    Activated,
    Answered,
    Asked,
    Corrected,
    Event,
    ExpertUnreachable,
    Failed,
    Revised,
    RoomEntered,
    SessionEnded,
    Source,
    Spent,
)
from core.frames import frame_of
from core.ports import Rows
from core.text import check_question
from core.types import Cost, Frame
from models.lora import Adapter, base_of, read_adapter


class Controller:
    """One session, in one room after another. Events go to the recording first, then to `watch`."""

    def __init__(
        self,
        mind: Mind,
        learning: LearningSettings,
        recorder: Recorder,
        warm_up: int,
        watch: Emit,
        past: Past,
        whereabouts: Whereabouts | None = None,
    ) -> None:
        """Without `whereabouts` a session stays in the room that it began in."""
        self._mind, self._store, self._recorder = mind, learning.store, recorder
        self._warm_up, self._watch = warm_up, watch
        self._base = base_of(mind.student.name)
        self._turn = past.turn
        mind.asked_in = dict(past.rooms.asked)
        self._stays = dict(past.rooms.asked)
        """What each turn's warm-up is counted by: the room it was asked in."""
        self._takeovers = {mind.room: mind.takeover}
        self._camera = CameraTask(learning, self._say)
        tasks = (
            RoomTask(mind, learning, past, warm_up, self._asked_here, self._say),
            HomeTask(mind, learning, self._say),
            self._camera,
            RoomsTask(mind, learning, self._say),
        )
        self._jobs, self._machine = learning.jobs, learning.machine
        self._lane = Lane(tasks, learning.fit, self._strain, self._say)
        self._activated = ("", "")
        self._counted_by = ""
        self._whereabouts = whereabouts
        self._turns = {event.turn: event for event in past.asked}
        self._spent = past.spent
        self._interviewer = Interviewer(mind, warm_up, past.uninquired(warm_up), self._say)
        self._late = Late(mind, past.unasked, self._asked, self._say, self._inquire)

    @property
    def mind(self) -> Mind:
        """Who can answer and what is remembered, for who wants to look: on the session's thread alone."""
        return self._mind

    def begin(self, event: Event) -> None:
        """Say that the session begins or goes on; let the room's adapter answer.

        For the only process that uses the folders of adapters and jobs: what a killed one left there goes.
        """
        self.emit(event)
        self._store.sweep()
        self._lane.take_up(self._jobs)
        for problem in (*self._store.problems(HOME), *self._store.problems(self._mind.room)):
            self._say(Failed, what="adapter", error=problem)
        self._activate()

    def emit(self, event: Event) -> None:
        """Keep an event, then show it."""
        self._recorder.append(event)
        self._watch(event)

    def ask(
        self, question: str, frame: Frame, frame_age_ms: float = 0.0, wished: Source | None = None,
        draft: Draft = unheard,
    ) -> Answered:  # fmt: skip
        """Answer one question about a frame; the expert does where that is `wished` and it is there.
        `draft` hears of the student's answer as it is made.

        Raises QuestionError, with nothing done.
        """
        of_room = self._asked_here() + 1
        inquiry = Inquiry(self._turn + 1, check_question(question), frame, frame_age_ms, wished, of_room)
        answered = take_turn(self._mind, inquiry, self._warm_up, self._keeping(inquiry), draft)
        self._turn = inquiry.turn
        if answered.by == "expert":
            self._inquire(inquiry.turn, frame)
        return answered

    def correct(self, turn: int, answer: str) -> None:
        """Take a person's word for the answer to a turn. Raises InputError, AnswerError, StorageError."""
        event = self._turns.get(turn)
        if event is None:
            raise InputError(f"Nothing was asked in turn {turn}. The last one was {self._turn}.")
        pair = corrected(self._mind, self._asked(event), answer)
        self._say(Corrected, turn=turn, text=pair.answer, pair=pair.id)

    def revise(self, pair: str, answer: str | None) -> None:
        """Give a remembered pair another answer, None to forget it. Raises UnknownPairError, AnswerError."""
        memory = self._mind.memory
        revised = memory.delete(pair) if answer is None else memory.correct(pair, answer)
        self._say(Revised, pair=revised.id, text="" if answer is None else revised.answer)

    @property
    def settled(self) -> bool:
        """Whether nobody has to look which room this is."""
        return self._whereabouts is None or self._whereabouts.settled

    def look(self, sight: Sight) -> None:
        """See where this is; if it is another room, all that comes is of that one. Between turns alone.

        Nothing is lost by it: pairs stay where they were asked, a job goes on for its own room.
        """
        if self._whereabouts is not None:
            move = self._whereabouts.look(sight, self._mind.room)
            for event in move.events:
                self.emit(event)
            if move.room != self._mind.room:
                self.enter(move)

    def see(self, sight: Sight, view: Rows) -> None:
        """Keep what the camera sees at rest, for its scene encoder to learn from; `view` is its unit row."""
        self._camera.see(sight, view)

    def enter(self, move: Move) -> None:
        """Be in another room from now on: its pairs, its adapter, its own warm-up."""
        mind = self._mind
        before, mind.room = mind.room, move.room
        if move.moved:
            mind.memory.move(before, mind.room)
            for asked in (mind.asked_in, self._stays):
                asked |= {turn: mind.room for turn, room in asked.items() if room == before}
        mind.takeover = self._takeovers.setdefault(mind.room, replace(mind.takeover, audits=[]))
        told = {"new": move.new, "reason": move.reason, "moved": move.moved, "kind": move.kind}
        self._say(RoomEntered, room=mind.room, before=before, **told)
        for problem in self._store.problems(mind.room):
            self._say(Failed, what="adapter", error=problem)
        self._activate()

    def count_anew(self, stay: str) -> None:
        """Count the warm-up by this name and not by the room, for who compares with rooms not told apart."""
        self._counted_by = stay

    def recount(self, stays: Mapping[int, str]) -> None:
        """Count turns that are past by these names, likewise."""
        self._stays |= stays

    def _asked_here(self) -> int:
        """How many questions have been answered in this room; one that was cut short is asked again."""
        return sum(room == self._stay for turn, room in self._stays.items() if turn <= self._turn)

    @property
    def _stay(self) -> str:
        return self._counted_by or self._mind.room

    def pause(self, paused: bool) -> None:
        """Let learning wait, or go on. A job that runs is stopped, and due again."""
        self._heard(self._lane.pause, paused)

    def choose(self, number: int | None) -> None:
        """Let this version of the room's adapter answer; None: what answered before the current one.

        Raises InputError, WeightsError, StorageError.
        """
        if number is None:
            self._store.rollback(self._mind.room)
        else:
            self._store.promote(self._mind.room, number)
        self._activate()

    def between_turns(self, awaited: Callable[[], bool] = lambda: False) -> None:
        """Ask the expert what it could not be asked, and more, until somebody is `awaited`; look after the
        training child: its progress, its end, a swap, the next job.
        """
        try:
            self._late.run()
            heard_out = self._interviewer.run(awaited)
            self._account()
            if self._lane.look():
                self._activate()
            if heard_out and self._lane.go_on():
                self._activate()
        except RoomwiseError as error:
            self._lane.abandon()  # nobody would look after it
            self._say(Failed, what="adaptation", error=str(error))

    def settle(self) -> None:
        """Wait for the room's own training child, if one runs, and put its adapter in."""
        while isinstance(self._lane.running, RoomTask):
            self._lane.wait(0.2)
            self.between_turns()

    def close(self) -> None:
        """End the session; a child that runs is stopped and leaves nothing behind."""
        try:
            self._heard(self._lane.stop)
            self._say(SessionEnded, turns=self._turn)
        finally:
            self._recorder.close()

    def _asked(self, event: Asked) -> Inquiry:
        frame = frame_of(self._recorder.kept(event.frame, ".jpg"), self._mind.config.images.max_pixels)
        return Inquiry(event.turn, event.question, frame, event.frame_age_ms)

    def _ending(self, turn: int) -> int:
        """The turn that the warm-up ends with, seen from this one."""
        return warm_up_end(self._stays, turn, self._stays.get(turn, self._stay), self._warm_up)

    def _inquire(self, turn: int, frame: Frame | None = None) -> None:
        if turn <= self._ending(turn):
            self._interviewer.wait(turn, frame)

    def _account(self) -> None:
        """Say what the expert has cost, when that is more than before."""
        cost = self._mind.expert.cost if self._mind.expert else Cost()
        if cost != self._spent:
            self._spent = cost
            self._say(Spent, calls=cost.calls, bytes=cost.bytes)

    def _strain(self, held: bool) -> str:
        return strain(self._machine(), self._mind.config.adaptation, held)

    def _heard(self, stop: Callable[..., bool], *values: bool) -> None:
        """Stop the lane's job; one that had come to a verdict all the same is taken up."""
        try:
            if stop(*values):
                self._activate()
        except RoomwiseError as error:
            self._say(Failed, what="adaptation", error=str(error))

    def _keeping(self, inquiry: Inquiry) -> Emit:
        """Sees to it that the frame is on the disk before the event that names it."""

        def emit(event: Event) -> None:
            if isinstance(event, Asked):
                self._recorder.keep(inquiry.frame.jpeg, ".jpg")
                self._mind.asked_in[event.turn] = self._mind.room
                self._stays[event.turn] = self._stay
            self.emit(event)
            if isinstance(event, Asked):
                self._turns[event.turn] = event
            if isinstance(event, ExpertUnreachable):
                self._late.wait(self._turns[event.turn])

        return emit

    def _activate(self) -> None:
        """Let the room's current adapter answer, home where that is not to, and without either the student
        as it was loaded.
        """
        mind = self._mind
        home = self._put(self._store.current(HOME), mind.slot.rest_on)
        room = self._put(self._store.current(mind.room), mind.slot.activate)
        mind.taught = frozenset(room.about.get("pairs", ())) if room else frozenset()
        mind.home = home_label(home.number) if home else ""
        mind.adapter = label(room.number) if room else ""
        name = mind.adapter or mind.home
        # Rooms number their adapters alike: another room's is another one, whatever its name.
        known = (mind.room if mind.adapter else "", name)
        if known != self._activated:
            self._activated = known
            self._say(Activated, adapter=name)

    def _put(self, version: Version | None, place: Callable[[Adapter | None], None]) -> Version | None:
        """The version, if it could be put in its place; else nothing is there."""
        try:
            place(read_adapter(version.folder, self._base) if version else None)
        except RoomwiseError as error:
            place(None)
            self._say(Failed, what="adapter", error=str(error))
            return None
        return version

    def _say(self, kind: Any, /, **values: Any) -> None:
        self.emit(kind(at=time.time(), **values))
