"""Recipes: what follows from one for another."""

from adapters.jobs.request import recipe_for


def test_an_answer_weighs_the_same_with_likelihoods_and_without() -> None:
    many = recipe_for(1)
    assert many.words_weight == 1 + many.logits_weight


def test_where_the_agent_asked_much_nothing_of_the_room_is_held_to_old_answers() -> None:
    assert recipe_for(0).general and recipe_for(0).similar
    assert recipe_for(1).anchors and not recipe_for(1).general and not recipe_for(1).similar
