"""What the lookout hands to the session, and what becomes of a look that fails."""

from collections.abc import Callable
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tiny_scenes import depth, picture

from agent.station.lookout import Lookout
from agent.whereabouts.whereabouts import Sight
from capture.picture import Captured
from core.config import Config
from core.errors import InputError, StorageError
from core.events import Event, Failed
from core.ports import Rows


class _Session:
    """Remembers what it was shown; every picture looks the same to it."""

    def __init__(self) -> None:
        self.seen: list[Sight] = []
        self.looked: list[Sight] = []
        self.settled = True
        self.answerers = SimpleNamespace(memory=SimpleNamespace(embedder=SimpleNamespace(image=self._image)))

    def _image(self, images: list[object]) -> Rows:
        return np.ones((1, 1), np.float32)

    def see(self, sight: Sight, view: Rows) -> None:
        self.seen.append(sight)

    def look(self, sight: Sight) -> None:
        self.looked.append(sight)


class _Live:
    """Does at once what is wanted, or fails as it is told."""

    def __init__(self, session: _Session, error: Exception | None = None) -> None:
        self.session, self.error = session, error

    def do(self, request: Callable[[Any], None]) -> "Future[None]":
        future: Future[None] = Future()
        if self.error is None:
            request(self.session)
            future.set_result(None)
        else:
            future.set_exception(self.error)
        return future


class _Eyes:
    name = "cam"

    def __init__(self, far: Any = None) -> None:
        self._far, self._count = far, 0

    def newest(self) -> tuple[Captured, float]:
        self._count += 1
        shade = 40 * (self._count % 5)
        rgb = np.clip(np.asarray(picture(1)).astype(int) + shade, 0, 255).astype(np.uint8)
        return Captured(rgb, float(self._count), 0.0, self._far), 0.0


def _looked(live: _Live, eyes: _Eyes, times: int) -> list[Event]:
    said: list[Event] = []
    lookout = Lookout(eyes, live, Config(), said.append)  # type: ignore[arg-type]  # the parts that it uses
    for second in range(times):
        lookout.look_around(2.0 * second)
    return said


@pytest.mark.parametrize("far", [None, depth()])
def test_pairs_are_kept_of_what_a_resting_depth_camera_sees(far: Any) -> None:
    session = _Session()
    _looked(_Live(session), _Eyes(far), 4)
    assert len(session.seen) == (0 if far is None else 3)  # the first look does not know whether it rests
    assert all(one.camera == "cam" and one.depth is far for one in session.seen)
    assert not session.looked  # nothing new, and the room is known


@pytest.mark.parametrize(("error", "told"), [(StorageError("No space."), 1), (InputError("Too much."), 0)])
def test_a_look_that_fails_is_told_once_and_looking_goes_on(error: Exception, told: int) -> None:
    said = _looked(_Live(_Session(), error), _Eyes(), 5)
    assert [event.error for event in said if isinstance(event, Failed)] == [str(error)] * told
