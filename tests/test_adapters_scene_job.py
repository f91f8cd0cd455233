"""The encoder adapted to a camera: a job in a process of its own, a gate, versions and the way back."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_scenes import pixels, save_views, tiny_student

from adapters.cli import app
from adapters.scene.adapting import adapt_scene, encoder_folder, scene_store
from adapters.scene.course import Course
from adapters.scene.gate import Likeness, decide_scene
from adapters.scene.request import (
    SceneRequest,
    is_scene,
    list_pairs,
    read_scene_request,
    split,
    write_scene_request,
)
from bench.pretrain.scene.students import quantise
from core.errors import InputError, StorageError, WeightsError
from core.lazy import run
from models.scene.student import load_student, save_student

_COURSE = Course(steps=30, batch=8, rate=6e-4, last=1e-4)


def _request(tmp_path: Path, seconds: float = 200.0) -> SceneRequest:
    student = tiny_student()
    quantise(student, lambda module: module(pixels(8)))
    save_student(student, {}, tmp_path / "base")
    save_views(tmp_path / "views", 12)
    learnt, held = split(list_pairs(tmp_path / "views"))
    return SceneRequest("cam", tmp_path / "base", learnt, held, course=_COURSE, seconds=seconds)


def test_a_camera_is_learnt_promoted_listed_and_rolled_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROOMWISE_HOME", str(tmp_path / "home"))
    state = tmp_path / "home" / "state"
    found = adapt_scene(tmp_path / "job", _request(tmp_path), state)
    assert found.result.outcome == "promote", found.result.reason
    assert found.version is not None and found.version.number == 1
    folder = encoder_folder(state, "cam", tmp_path / "base")
    assert load_student(folder)(pixels()).shape == (4, 16)
    assert run(app, "adapters", ["list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["adapters"]
    assert (row["kind"], row["room"], row["current"], row["pairs"]) == ("scene", "cam", True, 12)
    assert run(app, "adapters", ["list"]) == 0
    assert "scene encoder cam 1" in capsys.readouterr().out
    assert run(app, "adapters", ["rollback", "cam", "--scene"]) == 0
    assert encoder_folder(state, "cam", tmp_path / "base") == tmp_path / "base"


def test_a_damaged_version_is_passed_over(tmp_path: Path) -> None:
    state = tmp_path / "state"
    version = adapt_scene(tmp_path / "job", _request(tmp_path), state).version
    assert version is not None
    (version.folder / "model.safetensors").write_bytes(b"x")
    store = scene_store(state)
    assert store.current("cam") is None
    assert "damaged" in store.problems("cam")[0]
    with pytest.raises(WeightsError, match="damaged"):
        store.version("cam", 1)


def test_a_request_survives_the_disk_and_others_are_refused(tmp_path: Path) -> None:
    request = _request(tmp_path)
    write_scene_request(tmp_path / "job", request)
    assert is_scene(tmp_path / "job") and not is_scene(tmp_path)
    assert read_scene_request(tmp_path / "job") == request
    with pytest.raises(StorageError, match="holds a job"):
        write_scene_request(tmp_path / "job", request)
    (tmp_path / "job" / "request.json").write_text("{}")
    with pytest.raises(StorageError, match="no request"):
        read_scene_request(tmp_path / "job")


def test_too_few_pairs_and_none_are_refused(tmp_path: Path) -> None:
    save_views(tmp_path, 3)
    with pytest.raises(InputError, match="too few"):
        split(list_pairs(tmp_path))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="No picture"):
        list_pairs(tmp_path / "empty")


_LIKE = st.floats(-1, 1)


@given(_LIKE, _LIKE, _LIKE, _LIKE)
def test_only_a_gain_on_depth_without_harm_on_pictures_is_promoted(
    rgb: float, depth: float, rgb_before: float, depth_before: float
) -> None:
    verdict = decide_scene(Likeness(rgb, depth, 4), Likeness(rgb_before, depth_before, 4))
    if verdict.promote:
        gain = depth - depth_before
        assert gain > 0 and rgb_before - rgb <= max(0.02, gain / 4) + 1e-9
    assert verdict.reason.endswith(".")
    assert not decide_scene(Likeness(float("nan"), 1.0, 4), Likeness(0, 0, 4)).promote
