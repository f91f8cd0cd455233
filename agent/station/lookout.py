"""Looks for new views when nobody waits for an answer."""

import time
from collections.abc import Callable
from concurrent.futures import Future

from PIL import Image

from agent.loop.controller import Controller
from agent.loop.live import SessionThread
from agent.station.eyes import Eyes
from agent.station.scene import Scenes, Thumbnail, has_moved, thumbnail_of
from agent.whereabouts.recognition import brightness, is_dark
from agent.whereabouts.whereabouts import Sight
from capture.picture import Captured, captured_frame
from core.config import Config
from core.errors import InputError, ModelError
from core.events import Event, Failed, SceneChanged

_EVERY = 1.0  # seconds
_OLDEST = 1000.0  # milliseconds


class Lookout:
    """Looks around once a second at most, and encodes a frame only when something has moved."""

    def __init__(self, eyes: Eyes, live: SessionThread, config: Config, say: Callable[[Event], None]) -> None:
        self._eyes, self._live, self._say = eyes, live, say
        self._scenes = Scenes(config.router.known_view, config.memory.same_view)
        self._thumbnail: Thumbnail | None = None
        self._looking: Future[None] | None = None
        self._next = 0.0
        self._trouble = ""

    def look_around(self, now: float) -> None:
        """Look if it is time, at `now` of the monotonic clock; returns at once."""
        if now < self._next or (self._looking is not None and not self._looking.done()):
            return
        self._tell_trouble()
        self._next = now + _EVERY
        newest = self._eyes.newest()
        if newest is None or newest[1] > _OLDEST:
            return
        captured = newest[0]
        thumbnail = thumbnail_of(captured.rgb)
        if has_moved(thumbnail, self._thumbnail) or not self._scenes.resting:
            self._thumbnail = thumbnail
            self._looking = self._live.do(lambda session: self._look(session, captured))

    def _tell_trouble(self) -> None:
        """Report the last look's failure, once; being busy is none."""
        looking, self._looking = self._looking, None
        error = None if looking is None or looking.cancelled() else looking.exception()
        if error is None or isinstance(error, InputError) or str(error) == self._trouble:
            return
        self._trouble = str(error)
        self._say(Failed(at=time.time(), what="scene", error=self._trouble))

    def _look(self, session: Controller, captured: Captured) -> None:
        """On the session's thread, where the student is."""
        picture = Image.fromarray(captured.rgb)
        embedder = session.answerers.memory.embedder
        if embedder is None:
            self._next = float("inf")
            return
        try:
            (view,) = embedder.image([picture])
        except (RuntimeError, ModelError) as error:  # such as no memory left
            self._next = float("inf")
            self._say(Failed(at=time.time(), what="scene", error=f"{error}. New views are not noticed."))
            return
        new = self._scenes.look(view)
        if new is not None:
            self._say(SceneChanged(at=time.time(), change=new[0], likeness=round(new[1], 3)))
        # In the dark the student's eyes see nothing rest: distances may still tell the room.
        resting, dark = self._scenes.resting, is_dark(brightness(picture))
        paired = resting and captured.depth is not None and not dark
        tells = (resting and (new is not None or not session.settled)) or dark
        if not (paired or tells):
            return
        frame = captured_frame(captured.rgb)
        sight = Sight(frame.jpeg, frame.picture, captured.depth, self._eyes.name)
        if paired:
            session.see(sight, view)
        if tells:
            session.look(sight)
