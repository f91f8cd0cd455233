"""What is a new view and what another room; how busy a machine is by its own files."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.machine.meters import Meters, Reading
from agent.station.scene import STRANGE_VIEWS, Scenes, has_moved, thumbnail_of
from core.ports import Rows


def _view(*parts: float) -> Rows:
    row = np.array(parts, np.float32)
    found: Rows = row / np.linalg.norm(row)
    return found


def _axis(number: int) -> Rows:
    """Views that have nothing in common."""
    found: Rows = np.eye(16, dtype=np.float32)[number]
    return found


def _scenes() -> Scenes:
    return Scenes(known=0.6, still=0.9)


def _shown(scenes: Scenes, view: Rows) -> str:
    """What is said of a view on which the camera comes to rest."""
    found = scenes.look(view) or scenes.look(view)
    return "" if found is None else found[0]


def test_the_first_view_and_those_like_it_are_nothing_new() -> None:
    scenes = _scenes()
    assert [_shown(scenes, _view(1, tilt)) for tilt in (0, 0.1, 0.3, 0)] == [""] * 4


def test_a_view_is_new_once() -> None:
    scenes = _scenes()
    _shown(scenes, _view(1, 0, 0))
    assert _shown(scenes, _view(1, 1, 0.3)) == ""
    assert _shown(scenes, _view(1, 2, 0)) == "view"
    assert _shown(scenes, _view(1, 2, 0)) == ""
    assert _shown(scenes, _view(1, 0, 0)) == ""


def test_what_passes_by_while_the_camera_turns_is_not_spoken_of() -> None:
    scenes = _scenes()
    _shown(scenes, _axis(0))
    assert [scenes.look(_axis(number)) for number in range(1, 10)] == [None] * 9


def test_several_strange_views_in_a_row_are_another_room_which_is_said_once() -> None:
    scenes = _scenes()
    _shown(scenes, _axis(0))
    said = [_shown(scenes, _axis(number)) for number in range(1, 8)]
    assert said[: STRANGE_VIEWS - 1] == ["view"] * (STRANGE_VIEWS - 1)
    assert said[STRANGE_VIEWS - 1] == "room"


def test_a_known_view_between_strange_ones_shows_that_it_is_the_same_room() -> None:
    scenes = _scenes()
    _shown(scenes, _axis(0))
    said = []
    for number in range(1, 8):
        said += [_shown(scenes, _axis(number)), _shown(scenes, _axis(0))]
    assert said == ["view", ""] * 7


@settings(deadline=None)
@given(st.lists(st.integers(0, 15), max_size=60))
def test_a_room_is_never_told_before_enough_views_and_nothing_twice_at_rest(numbers: list[int]) -> None:
    scenes, told = _scenes(), list[str]()
    known = set(numbers[:1])
    for place, number in enumerate(numbers):
        found = scenes.look(_axis(number))
        if found is not None:
            told.append(found[0])
            assert number == numbers[place - 1] and number not in known
            known.add(number)
    if "room" in told:
        assert told.index("room") >= STRANGE_VIEWS - 1


def test_a_glance_sees_movement_and_not_noise() -> None:
    rng = np.random.default_rng(0)
    room = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8).repeat(60, 0).repeat(80, 1)
    noisy = np.clip(room + rng.normal(0, 10, room.shape), 0, 255).astype(np.uint8)
    seen = thumbnail_of(room)
    assert seen.shape == (24, 32) and has_moved(seen, None)
    assert not has_moved(thumbnail_of(noisy), seen)
    assert has_moved(thumbnail_of(np.roll(room, 100, axis=1)), seen)


def _write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def test_a_board_is_read_from_its_own_files(tmp_path: Path) -> None:
    _write(tmp_path, "proc/self/statm", "5000 1000 10 1 0 1 0\n")
    _write(tmp_path, "proc/stat", "cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1\n")
    _write(tmp_path, "sys/devices/gpu.0/load", "437\n")
    power = "sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon1"
    for number, name, volts, amperes in (("1", "VDD_IN", 5000, 1400), ("2", "VDD_CPU", 5000, 400)):
        _write(tmp_path, f"{power}/in{number}_label", f"{name}\n")
        _write(tmp_path, f"{power}/in{number}_input", str(volts))
        _write(tmp_path, f"{power}/curr{number}_input", str(amperes))
    for zone, degrees in enumerate(("48500", "51250", "-256000", "broken")):
        _write(tmp_path, f"sys/class/thermal/thermal_zone{zone}/temp", degrees)
    meters = Meters(tmp_path)
    _write(tmp_path, "proc/stat", "cpu  130 0 120 740 110 0 0 0 0 0\ncpu0 1\n")
    found = meters.read()
    assert found.processor == pytest.approx(0.5) and found.gpu == pytest.approx(0.437)
    assert found.watts == pytest.approx(7.0) and found.celsius == pytest.approx(51.25)
    assert found.memory_bytes % 1000 == 0 or found.memory_bytes > 1e6


def test_what_a_machine_does_not_tell_is_left_open(tmp_path: Path) -> None:
    found = Meters(tmp_path).read()
    assert found == Reading(memory_bytes=found.memory_bytes) and found.memory_bytes > 1e6


def test_this_machine_is_read() -> None:
    meters = Meters()
    sum(range(100_000))
    found = meters.read()
    assert found.memory_bytes > 1e7 and 0 <= found.processor <= 1
