"""The scene encoder learns a session's camera beside it, and says what kind of place a new room is."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_scenes import depth, picture, pixels, tiny_student

from adapters.jobs.store import AdapterStore
from adapters.scene import adapting as scene_adapting
from adapters.scene.adapting import scene_store
from agent.learning.camera import ENOUGH, CameraTask
from agent.learning.guard import Fit
from agent.learning.lane import Lane
from agent.learning.task import LearningSettings
from agent.station.eyes import as_jpeg
from agent.whereabouts import finding
from agent.whereabouts.finding import Kinds
from agent.whereabouts.whereabouts import Sight
from bench.pretrain.scene.students import quantise
from capture.picture import Captured
from core.errors import WeightsError
from core.events import CameraLearnt
from core.ports import Rows
from models.embedder import load_minilm
from models.scene.names import SCANNET, alternatives
from models.scene.student import load_student, save_student


@pytest.fixture(autouse=True)
def small_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    student = tiny_student()
    quantise(student, lambda module: module(pixels(8)))
    save_student(student, {}, tmp_path / "encoder")
    monkeypatch.setattr(scene_adapting, "BUILTIN", tmp_path / "encoder")


class _Stage:
    """A camera's learning without a session around it."""

    def __init__(self, folder: Path, encoders: bool = True) -> None:
        def never(*args: object) -> Any:
            raise AssertionError("no room learns here")

        self.state, self.events = folder, list[CameraLearnt]()
        store, state = AdapterStore(folder / "adapters"), folder if encoders else None
        adapting = LearningSettings(store, folder / "jobs", never, never, encoders=state)
        self.learning = CameraTask(adapting, self._say)
        self.lane = Lane([self.learning], lambda order: Fit(None), lambda held: "", self._say)

    def _say(self, kind: Any, /, **values: Any) -> None:
        self.events.append(kind(at=0, **values))

    def busy(self) -> bool:
        """Whether a job runs."""
        return self.lane.running is not None

    def see(self, count: int, camera: str = "cam", first: int = 0) -> None:
        for seed in range(first, first + count):
            self.learning.see(_sight(seed, camera), _row(seed))

    def ended(self, seconds: float = 90.0) -> None:
        end = time.monotonic() + seconds
        while self.busy() and time.monotonic() < end:
            assert not self.lane.look()
            time.sleep(0.1)


def _sight(seed: int, camera: str = "cam", far: Any = None) -> Sight:
    shown = picture(seed)
    jpeg = as_jpeg(Captured(np.asarray(shown), 0.0, 0.0), 95)
    return Sight(jpeg, shown, depth(seed) if far is None else far, camera)


def _row(number: int) -> Rows:
    found: Rows = np.eye(2 * ENOUGH, dtype=np.float32)[number]
    return found


def test_a_session_with_a_depth_camera_adapts_the_encoder_to_it(tmp_path: Path) -> None:
    stage = _Stage(tmp_path)
    stage.see(ENOUGH - 1)
    stage.lane.go_on()
    assert not stage.busy()
    stage.see(3, first=ENOUGH - 1)
    stage.lane.go_on()
    assert stage.busy()
    stage.ended()
    (told,) = stage.events
    assert (told.camera, told.pairs) == ("cam", ENOUGH) and told.reason
    assert told.promoted and told.version == 1, told.reason
    (version,) = scene_store(tmp_path).versions("cam")
    assert load_student(version.folder)(pixels()).shape == (4, 16)
    assert not any((tmp_path / "jobs" / "camera").iterdir())
    stage.lane.go_on()
    assert not stage.busy()  # once a session


def test_what_is_stopped_leaves_nothing_and_is_due_again(tmp_path: Path) -> None:
    stage = _Stage(tmp_path)
    stage.see(ENOUGH)
    stage.lane.go_on()
    assert not stage.lane.stop() and not stage.busy()
    assert not stage.events and not any((tmp_path / "jobs" / "camera").iterdir())
    stage.lane.go_on()
    assert stage.busy()
    stage.lane.abandon()


@pytest.mark.parametrize("hindrance", ["no depth", "metres", "the same view", "another camera", "replayed"])
def test_what_teaches_nothing_is_not_gathered(tmp_path: Path, hindrance: str) -> None:
    stage = _Stage(tmp_path, encoders=hindrance != "replayed")
    for seed in range(ENOUGH):
        one = _sight(seed, far=np.full((40, 40), 3, np.uint16) if hindrance == "metres" else None)
        if hindrance == "no depth":
            one = Sight(one.jpeg, one.picture, None, "cam")
        stage.learning.see(one, _row(0 if hindrance == "the same view" else seed))
    if hindrance == "another camera":
        stage.see(1, camera="other")
    stage.lane.go_on()
    assert not stage.busy()


def test_a_worker_that_cannot_begin_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = _Stage(tmp_path)
    stage.see(ENOUGH)
    (tmp_path / "encoder" / "model.safetensors").write_bytes(b"x")
    stage.lane.go_on()
    stage.ended()
    (told,) = stage.events
    assert not told.promoted and "damaged" in told.reason


def test_the_built_in_encoder_names_a_kind_of_place_from_either_modality(tmp_path: Path) -> None:
    asked = Kinds(tmp_path, load_minilm().text)
    whole = _sight(0)
    black = Image.new("RGB", (40, 40))
    places = {part for name in SCANNET for part in alternatives(name)}
    dark = Sight(b"", black, depth(0), "cam")
    for sight in (whole, Sight(whole.jpeg, whole.picture), dark):
        assert asked.of(sight) in places - {"misc"}
    assert asked.of(Sight(b"", black)) == ""


def test_a_damaged_encoder_is_an_error_that_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "BUILTIN", tmp_path / "encoder")
    (tmp_path / "encoder" / "model.safetensors").write_bytes(b"x")
    with pytest.raises(WeightsError, match="encoder"):
        Kinds(tmp_path, load_minilm().text).of(_sight(0))
