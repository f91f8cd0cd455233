"""A plan fits its time, whatever the machine; it is the richest that does, or says what would help."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.jobs.request import recipe_for
from adapters.training.plan import LEAST_STEPS, Costs, Demand, plan

ROOM = Demand(4, 10, 3, 360, 16, 8, 30, 6)
_SMALL = Costs(0.02, 0.003, 0.0007, 0.01)
_AT_768 = Costs(1.7, 0.25, 0.023, 0.15)
_SECONDS = st.floats(0.0001, 20.0)


def test_a_small_student_gets_the_whole_recipe() -> None:
    recipe = recipe_for(360)
    planned = plan(recipe, ROOM, _SMALL, 120.0)
    assert planned.recipe == recipe and not planned.shortage
    assert (planned.extra, planned.probe) == (360, 30) and planned.seconds < 60


def test_a_large_one_gets_what_fits_and_keeps_its_steps_as_long_as_it_can() -> None:
    recipe = recipe_for(360)
    planned = plan(recipe, ROOM, _AT_768, 600.0)
    assert not planned.shortage and planned.seconds <= 600
    assert planned.recipe.variants < recipe.variants
    shorter = plan(recipe, ROOM, _AT_768, 120.0)
    assert shorter.seconds <= 120 and shorter.recipe.steps < planned.recipe.steps


@given(_SECONDS, _SECONDS, _SECONDS, _SECONDS, st.floats(1, 5000))
def test_no_plan_takes_longer_than_it_may(
    picture: float, read: float, row: float, answer: float, seconds: float
) -> None:
    planned = plan(recipe_for(360), ROOM, Costs(picture, read, row, answer), seconds)
    if planned.shortage:
        assert "adaptation.seconds" in planned.shortage
    else:
        assert planned.seconds <= seconds and planned.recipe.steps >= LEAST_STEPS


@given(st.floats(1, 5000))
def test_more_time_is_never_a_poorer_plan(seconds: float) -> None:
    less, more = (plan(recipe_for(360), ROOM, _AT_768, each) for each in (seconds, 2 * seconds))
    assert bool(more.shortage) <= bool(less.shortage)
    assert more.recipe.steps >= less.recipe.steps or more.shortage


def test_what_does_not_fit_says_how_long_it_would_take() -> None:
    planned = plan(recipe_for(360), ROOM, _AT_768, 10.0)
    needed = float(planned.shortage.split(" s at least")[0].rpartition(" ")[2])
    assert not plan(recipe_for(360), ROOM, _AT_768, needed + 1).shortage


@pytest.mark.parametrize("pairs", [1, 2])
def test_a_room_of_one_pair_has_a_plan(pairs: int) -> None:
    planned = plan(recipe_for(0), Demand(1, pairs, 0, 0, 0, 0, 0, 0), _SMALL, 60.0)
    assert planned.recipe.steps == recipe_for(0).steps
