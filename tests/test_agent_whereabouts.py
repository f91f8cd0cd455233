"""Which room this is: the decision, and what follows from one view after another."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_places import CALIBRATION, Colours, sight

from agent.whereabouts.recognition import (
    FILE,
    STAY,
    LikelihoodRatio,
    decide,
    is_dark,
    likenesses,
    posterior,
    read_calibrations,
    write_calibrations,
)
from agent.whereabouts.whereabouts import Whereabouts, fresh_name
from core.errors import WeightsError
from core.events import Failed, RoomEntered, RoomRecognised
from memory.gallery import RoomViews
from memory.store import Memory

RED, BLUE, GREEN, DARK = (200, 30, 30), (30, 30, 200), (30, 200, 30), (4, 4, 4)
SHELF = RoomViews(("den", "den", "hall"), np.eye(3, dtype=np.float32))


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory.open(tmp_path) as opened:
        yield opened


def _whereabouts(memory: Memory, **more: Any) -> Whereabouts:
    return Whereabouts(memory.gallery, Colours(), {"rgb": CALIBRATION, "depth": CALIBRATION}, **more)


def _taught(memory: Memory, **rooms: tuple[int, int, int]) -> None:
    for room, colour in rooms.items():
        _whereabouts(memory, told=True).look(sight(colour, depth=1000 + 8 * colour[2]), room)


def test_likeness_is_the_mean_over_views_of_that_to_the_likest() -> None:
    views = np.array([[1, 0, 0], [0, 0.6, 0.8]], np.float32)
    found = likenesses(views, SHELF)
    assert {room: enrolled for room, (_, enrolled) in found.items()} == {"den": 2, "hall": 1}
    assert found["den"][0] == pytest.approx(0.8) and found["hall"][0] == pytest.approx(0.4)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=6), st.integers(1, 4), st.booleans())
def test_probabilities_of_all_rooms_and_of_none_add_up(values: list[float], seen: int, here: bool) -> None:
    found = {str(number): (value, 1) for number, value in enumerate(values)}
    rooms, unknown = posterior(found, seen, CALIBRATION.curve, "0" if here else None)
    assert math.isclose(sum(rooms.values()) + unknown, 1) and min(*rooms.values(), unknown) >= 0


def test_who_is_in_a_room_is_believed_to_be_there_still() -> None:
    found = {"den": (0.5, 1), "hall": (0.5, 1)}
    level = LikelihoodRatio(0.0, 0.0, 0.0, 0.0, 0.0)
    rooms, unknown = posterior(found, 1, level, "den")
    assert rooms["den"] == pytest.approx(STAY) and rooms["hall"] == pytest.approx(unknown)
    assert posterior(found, 1, level, None)[1] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("view", "what", "room"),
    [((1, 0, 0), "known", "den"), ((0, 0, 1), "known", "hall"), ((-1, 0, 0), "new", "den")],
)
def test_a_view_is_of_a_known_room_or_of_none(view: tuple[int, ...], what: str, room: str) -> None:
    verdict = decide(np.array([view], np.float32), SHELF, CALIBRATION, None)
    assert verdict.what == what and (what == "new" or verdict.room == room)


def test_between_the_thresholds_nothing_is_said() -> None:
    view = np.array([[0.5, 0, math.sqrt(0.75)]], np.float32)
    certain = replace(CALIBRATION, known=1.0, new=1.0)
    assert decide(view, SHELF, certain, None).what == "unsure"


def test_a_room_is_greeted_by_its_name(memory: Memory) -> None:
    _taught(memory, den=RED, hall=BLUE)
    move = _whereabouts(memory, unsettled=True).look(sight(BLUE, 5), "room")
    assert move.room == "hall" and move.moved and not move.new
    (greeting,) = move.events
    assert isinstance(greeting, RoomRecognised) and greeting.room == "hall" and greeting.probability > 0.9


def test_a_room_that_is_not_known_is_begun(memory: Memory) -> None:
    _taught(memory, den=RED)
    where = _whereabouts(memory, unsettled=True)
    move = where.look(sight(GREEN), "room")
    assert move.room == "room" and where.settled
    assert [type(event) for event in move.events] == [RoomEntered]
    assert memory.gallery.counts()["room"]["rgb"] == 1


def test_a_room_that_is_new_is_said_to_be_of_a_kind(memory: Memory) -> None:
    _taught(memory, den=RED)
    asked = _whereabouts(memory, unsettled=True, kinds=lambda sight: "kitchen")
    (event,) = asked.look(sight(BLUE), "room").events
    assert isinstance(event, RoomEntered) and event.new and event.kind == "kitchen"
    for seed in range(4):
        move = asked.look(sight(GREEN, seed), "room")
        if move.new:
            break
    assert move.new and move.kind == "kitchen"


def test_a_kind_that_cannot_be_told_keeps_nobody_out(memory: Memory) -> None:
    def broken(sight: object) -> str:
        raise WeightsError("The scene encoder is damaged.")

    events = _whereabouts(memory, unsettled=True, kinds=broken).look(sight(BLUE), "room").events
    failed, entered = events
    assert isinstance(failed, Failed) and "damaged" in failed.error
    assert isinstance(entered, RoomEntered) and entered.kind == ""


def test_the_room_changes_there_and_back_and_its_views_gather(memory: Memory) -> None:
    where = _whereabouts(memory, unsettled=True)
    assert where.look(sight(RED), "room").room == "room"
    there = where.look(sight(BLUE), "room")
    assert there.room == "room-2" and there.new and not there.moved
    back = where.look(sight(RED, 3), "room-2")
    assert back.room == "room" and not back.new
    assert set(memory.gallery.counts()) == {"room", "room-2"}


def test_what_a_person_says_holds(memory: Memory) -> None:
    _taught(memory, den=RED)
    where = _whereabouts(memory, told=True)
    assert where.look(sight(RED, 2), "hall").room == "hall"
    assert memory.gallery.counts()["hall"]["rgb"] == 1


def test_in_the_dark_a_room_is_known_by_distances_alone(memory: Memory) -> None:
    _taught(memory, den=RED, hall=BLUE)
    where = _whereabouts(memory, unsettled=True)
    (greeting,) = where.look(sight(DARK, depth=1000 + 8 * BLUE[2]), "room").events
    assert isinstance(greeting, RoomRecognised) and (greeting.room, greeting.kind) == ("hall", "depth")


@pytest.mark.parametrize("depth", [None, 0])
def test_in_the_dark_without_distances_nothing_is_told_and_nothing_kept(
    memory: Memory, depth: int | None
) -> None:
    _taught(memory, den=RED)
    before = memory.gallery.counts()
    where = _whereabouts(memory, unsettled=True)
    assert where.look(sight(DARK, depth=depth), "room").room == "room" and not where.settled
    assert memory.gallery.counts() == before


def test_distances_alone_begin_no_room_beside_one_that_has_none(memory: Memory) -> None:
    where = _whereabouts(memory, unsettled=True)
    where.look(sight(RED), "room")
    _taught(memory, hall=BLUE)
    assert where.look(sight(DARK, depth=400), "room").room == "room"


def test_names_of_new_rooms_are_free() -> None:
    assert fresh_name(()) == "room" and fresh_name({"den"}) == "room"
    assert fresh_name({"room", "room-2", "room-4"}) == "room-3"


def test_dark_is_what_shows_no_colours() -> None:
    assert is_dark(0.01) and not is_dark(0.3)


def test_a_calibration_comes_back_and_is_its_encoders_alone(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    write_calibrations("colours", {"rgb": CALIBRATION}, path)
    assert read_calibrations("colours", path) == {"rgb": CALIBRATION}
    assert not read_calibrations("another", path)
    path.write_text("{}")
    with pytest.raises(WeightsError, match="bench recognition --fit"):
        read_calibrations("colours", path)


def test_the_committed_calibration_says_what_it_was_measured_to_do() -> None:
    name = next(iter(json.loads(FILE.read_text())["encoders"]))
    for calibration in read_calibrations(name).values():
        assert calibration.about["known_right"] >= 0.95 and calibration.about["new_right"] >= 0.95
        assert calibration.curve.slope > 0 and 0.5 <= min(calibration.known, calibration.new) <= 1
