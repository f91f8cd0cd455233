"""A session in this process as a screen sees it: events, pulses, and wishes fulfilled.

| runs on | does |
|---|---|
| the session's thread (`agent.loop.live`) | turns, and whatever needs the student or its memory |
| the camera's, the microphone's, Whisper's | capture; they only report |
| `asks` | prepares frames for questions, and speaks |
| `reads` | reads what is shown from the disk |
| `pulse` | a pulse five times a second; whether the view is new, once a second at most |
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.jobs.store import AdapterStore
from agent import console
from agent.console import OVER, Hear, Wish, follow_up, settle
from agent.loop.build import SessionFolders
from agent.loop.controller import Controller
from agent.loop.live import SessionThread
from agent.machine.meters import Meters
from agent.recording.record import Recorder
from agent.sessions.sessions import export_aside, session_lines
from agent.station.audience import Audience, Drafts
from agent.station.eyes import Eyes, Make
from agent.station.lookout import Lookout
from agent.station.looks import adapter_lines, picture, remembrances, settings_of
from agent.station.overlay import overlay
from agent.station.pulse import Indicators, Pulses
from agent.station.recorder import SwitchedRecorder
from agent.station.voice import Hearing, KeepSound, OnQuestion, Say
from agent.turns.turn import Emit
from capture.speaker import Speaker
from core import events
from core.config import Config
from core.errors import InputError, MissingDependencyError, RoomwiseError
from core.events import Event, Source
from core.frames import decode
from core.types import Frame
from models.expert import LocalExpert

_BEAT = 0.2
"""Seconds between two pulses."""
_SKIPPED = 2
"""Pulses left out while a question is answered."""

Opening = Callable[[Emit, Callable[[Path, dict[str, Any]], Recorder]], AbstractContextManager[Controller]]
"""Loads models and opens a session, given the listener to its events and the maker of its recorder."""


@dataclass(frozen=True)
class Senses:
    """Camera, microphone and speaker. If `hearing` or `speaker` raise, the session goes on without and
    says so.
    """

    camera: Make
    hearing: Callable[[Say, OnQuestion, KeepSound], Hearing | None] = lambda say, ask, keep: None
    speaker: Callable[[Say], Speaker | None] = lambda say: None


class Station:
    """One session with its senses, from `start` to `close`; a `Console`."""

    def __init__(
        self,
        opening: Opening,
        senses: Senses,
        room: str,
        places: SessionFolders,
        config: Config,
        record: bool = True,
    ) -> None:
        """Raises CaptureError and MissingDependencyError when waiting would not bring the camera."""
        self._senses, self._room, self._places, self._config = senses, room, places, config
        self._record = record
        self._recorder: SwitchedRecorder | None = None
        self._audience = Audience()
        self._early: list[Event] | None = []
        """Events from before the session began; None once it has."""
        self._lock = threading.Lock()
        self._asked: dict[int, events.Asked] = {}
        self._answered: dict[int, events.Answered] = {}
        self._replies: set[Future[Any]] = set()
        self._learning, self._asking = True, 0
        self._hearing: Hearing | None = None
        self._speaker: Speaker | None = None
        self._deaf = ""
        """Why the microphone failed."""
        self._untold = ""
        """The same where a library is missing: shown only to those who want to talk."""
        self._eyes = Eyes(senses.camera, config.camera.oldest_ms / 1000, self.say)
        self._live = SessionThread(lambda: opening(self._watch, self._recording))
        self._opened: Future[None] | None = None
        self._pulses = Pulses(self._eyes, Meters())
        self._lookout = Lookout(self._eyes, self._live, config, self.say)
        self._asks = ThreadPoolExecutor(1, thread_name_prefix="asks")
        self._reads = ThreadPoolExecutor(1, thread_name_prefix="reads")
        self._closing = threading.Event()
        self._beating = threading.Thread(target=self._beat, name="pulse", daemon=True)
        self.over: Future[None] = Future()
        """Done when the session has ended, with the fault that ended it, if any."""

    def start(self) -> "Future[None]":
        """Start camera, microphone and session. The future ends when questions can be asked, or with the
        error.
        """
        self._eyes.start()
        self._asks.submit(self._sense)
        self._opened = self._live.start()
        self._live.ended.add_done_callback(self._on_end)
        self._beating.start()
        return self._opened

    def close(self) -> None:
        """End the session and release the devices. The current question is answered first."""
        self._closing.set()
        for pool in (self._asks, self._reads):
            pool.shutdown(cancel_futures=True)
        if self._hearing is not None:
            self._hearing.close()
        if self._opened is not None:
            self._live.stop()
            self._beating.join()
        self._eyes.close()
        if self._speaker is not None:
            self._speaker.stop()
        self._refuse_rest()

    def __enter__(self) -> "Station":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def listen(self, hear: Hear) -> Callable[[], None]:
        return self._audience.listen(hear, self._pulses.whole)

    def follow(self, hear: Hear) -> None:
        """Get events without being a screen."""
        self._audience.follow(hear)

    def put(self, wish: Wish) -> "Future[Any]":
        reply: Future[Any] = Future()
        if self._audience.gone is not None:
            reply.set_exception(InputError(OVER))
            return reply
        self._replies.add(reply)
        reply.add_done_callback(self._replies.discard)
        try:
            _FULFIL[type(wish)](self, wish, reply)
        except RoomwiseError as error:
            settle(reply, error=error)
        except RuntimeError:  # a pool that was closed meanwhile
            settle(reply, error=InputError(OVER))
        return reply

    def say(self, event: Event) -> None:
        """Store and show an event from outside the session's thread, once the session has begun."""
        with self._lock:
            if self._early is not None:
                self._early.append(event)
                return
        self._keep(event)

    def ask(
        self, question: str, take_frame: Callable[[], tuple[Frame, float]], wished: Source | None = None
    ) -> "Future[events.Answered]":
        """Answer a question about what `take_frame` gives: a frame and its age in ms. Raises as that does."""
        frame, age = take_frame()
        with self._lock:
            self._asking += 1
        future = self._live.ask(question, frame, age, wished, Drafts(self._turn, self._audience.tell))
        future.add_done_callback(self._on_answer)
        return future

    def _turn(self) -> int:
        return max(self._asked, default=0)

    def _keep(self, event: Event) -> None:
        if self._recorder is not None:
            self._recorder.append(event)
        self._audience.tell(event)

    def _keep_sound(self, data: bytes) -> str:
        recorder = self._recorder
        return recorder.keep(data, ".wav") if recorder is not None and recorder.recording else ""

    def _recording(self, folder: Path, about: dict[str, Any]) -> Recorder:
        self._recorder = SwitchedRecorder(folder, about, self._record, self._audience.tell)
        return self._recorder

    def _watch(self, event: Event) -> None:
        """Process an event that the session has recorded; on its thread."""
        match event:
            case events.Asked():
                self._asked[event.turn] = event
            case events.Answered():
                self._answered[event.turn] = event
            case events.LearningPaused():
                self._learning = not event.paused
            case events.SessionStarted() | events.RoomEntered():
                self._room = event.room
        self._audience.tell(event)
        if isinstance(event, events.SessionStarted):
            self._say_early()
        if isinstance(event, events.Answered) and self._speaker is not None:
            with suppress(RuntimeError):  # the session ends
                self._asks.submit(self._speaker.say, event.text)

    def _say_early(self) -> None:
        with self._lock:
            early, self._early = self._early or [], None
        for event in early:
            self._keep(event)

    def _on_answer(self, future: "Future[events.Answered]") -> None:
        with self._lock:
            self._asking -= 1

    def _sense(self) -> None:
        """Begin to hear and to speak, as far as possible."""
        try:
            self._speaker = self._senses.speaker(self.say)
        except RoomwiseError as error:
            self.say(events.Failed(at=time.time(), what="voice", error=str(error)))
        try:
            hearing = self._senses.hearing(self.say, self._on_question, self._keep_sound)
            if hearing is not None and not self._closing.is_set():
                hearing.start()
                self._hearing = hearing
                self._eyes.heed(hearing.open)
        except MissingDependencyError as error:
            self._untold = str(error)  # typing is enough for many: no alarm
            self.say(events.Failed(at=time.time(), what="no microphone", error=str(error)))
        except RoomwiseError as error:
            self._deaf = str(error)
            self.say(events.Failed(at=time.time(), what="microphone", error=str(error)))

    def _on_question(self, question: str, began: float) -> None:
        """A question was heard; on the transcriber's thread."""
        self._audience.tell(console.Partial(0, question))
        with suppress(RuntimeError):  # the session ends
            self._asks.submit(self._ask_spoken, question, began)

    def _ask_spoken(self, question: str, began: float) -> None:
        try:
            future = self.ask(question, lambda: self._eyes.frame_at(began))
        except RoomwiseError as error:
            self._could_not_ask(error)
        else:
            future.add_done_callback(
                lambda done: None if done.cancelled() else self._could_not_ask(done.exception())
            )

    def _could_not_ask(self, error: BaseException | None) -> None:
        if error is not None:
            self.say(events.Failed(at=time.time(), what="question", error=str(error)))

    def _beat(self) -> None:
        skipped = 0
        while not self._closing.wait(_BEAT):
            # On a small machine pictures would slow an answer; long answers are not waited for.
            skipped = skipped + 1 if self._asking else 0
            if len(self._audience) and not 0 < skipped <= _SKIPPED:
                recording = self._recorder.recording if self._recorder else self._record
                also = Indicators(self._deaf, recording, self._learning, len(self._audience))
                self._audience.tell(self._pulses.make(self._hearing, also))
            if self._early is None and not self._asking:
                self._lookout.look_around(time.monotonic())

    def _on_end(self, ended: "Future[None]") -> None:
        """The session is over: on purpose, by a fault, or because it could not be opened."""
        opened = self._opened
        error = ended.exception() or (opened.exception() if opened and opened.done() else None)
        self._audience.end(console.Gone(str(error) if error else "The session has ended.", ended=True))
        self._refuse_rest()
        settle(self.over, error=error)

    def _refuse_rest(self) -> None:
        for reply in list(self._replies):
            settle(reply, error=InputError(OVER))

    def _ask(self, wish: console.Ask, reply: "Future[Any]") -> None:
        def begin() -> None:
            try:
                future = self.ask(wish.question, self._eyes.frame, wish.wished)
            except RoomwiseError as error:
                settle(reply, error=error)
            else:
                follow_up(future, reply, lambda answered: answered.turn)

        follow_up(self._asks.submit(begin), reply, None)

    def _talk(self, wish: console.Talk, reply: "Future[Any]") -> None:
        if self._hearing is None:
            why = self._deaf or self._untold or "Start with --listen key, or type the question."
            raise InputError(f"There is no microphone. {why}")
        self._hearing.talk(wish.pressed)
        follow_up(self._asks.submit(self._eyes.heed, wish.pressed), reply)

    def _switch(self, recording: bool) -> None:
        recorder = self._recorder
        if recorder is None:
            raise InputError("The session has not begun yet. Wait a moment.")
        if recording and recorder.switch(True):
            self.say(events.RecordingChanged(at=time.time(), recording=True))
        elif not recording and recorder.recording:
            self.say(events.RecordingChanged(at=time.time(), recording=False))
            recorder.switch(False)

    def _overlay(self, session: Controller, turn: int) -> bytes:
        asked, answered = self._asked.get(turn), self._answered.get(turn)
        if asked is None or answered is None or self._recorder is None:
            raise InputError(f"There is no answer to a turn {turn} in this session. Choose another.")
        frame = decode(self._recorder.kept(asked.frame, ".jpg"))
        expert = session.answerers.expert
        teacher = expert.vlm if isinstance(expert, LocalExpert) else None
        return overlay(session.answerers.student, frame, asked.question, answered.text, teacher)

    def _do(self, what: Callable[[Controller], Any], reply: "Future[Any]") -> None:
        """On the session's thread."""
        follow_up(self._live.do(what), reply)

    def _read(self, what: Callable[[], Any], reply: "Future[Any]") -> None:
        """Beside the session."""
        follow_up(self._reads.submit(what), reply)

    def _picture(self, frame: str) -> bytes:
        return picture(frame, self._recorder, self._places.memory)

    def _export(self, wish: console.Export) -> str:
        return str(export_aside(wish.session, wish.format, self._places.memory.parent))

    def _versions(self) -> Any:
        return adapter_lines(AdapterStore(self._places.adapters), self._room)


_Fulfil = Callable[[Station, Any, "Future[Any]"], None]
_FULFIL: dict[type, _Fulfil] = {
    console.Ask: Station._ask,
    console.Talk: Station._talk,
    console.Correct: lambda on, wish, reply: on._do(lambda it: it.correct(wish.turn, wish.answer), reply),
    console.Revise: lambda on, wish, reply: on._do(lambda it: it.revise(wish.pair, wish.answer), reply),
    console.Pause: lambda on, wish, reply: on._do(lambda it: it.pause(wish.paused), reply),
    console.Choose: lambda on, wish, reply: on._do(lambda it: it.rooms.choose(wish.number), reply),
    console.Find: lambda on, wish, reply: on._do(lambda it: remembrances(it.answerers.memory, wish), reply),
    console.Overlay: lambda on, wish, reply: on._do(lambda it: on._overlay(it, wish.turn), reply),
    console.Record: lambda on, wish, reply: on._read(lambda: on._switch(wish.recording), reply),
    console.Picture: lambda on, wish, reply: on._read(lambda: on._picture(wish.frame), reply),
    console.Versions: lambda on, wish, reply: on._read(on._versions, reply),
    console.Sessions: lambda on, wish, reply: on._read(
        lambda: session_lines(on._places.memory.parent), reply
    ),
    console.Export: lambda on, wish, reply: on._read(lambda: on._export(wish), reply),
    console.Settings: lambda on, wish, reply: on._read(lambda: settings_of(on._config), reply),
}
"""How each wish is fulfilled."""
