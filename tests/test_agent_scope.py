"""When an adapter answers, and when the student answers without it."""

from hypothesis import given
from hypothesis import strategies as st

from agent.turns.student import in_scope
from core.sections import RouterConfig
from core.types import Asker, Pair
from memory.recall import Hit

_SETTINGS = RouterConfig()


def _hit(name: str, question: float | None, view: float | None, asker: Asker = "person") -> Hit:
    pair = Pair(name, "den", "?", "!", "f", "expert", "e", "now", asker=asker)
    return Hit(pair, 0.0, question, view)


def test_a_question_like_one_that_was_taught_of_a_view_like_it_is_the_adapters() -> None:
    assert in_scope([_hit("a", 0.8, 0.5)], {"a"}, _SETTINGS)
    assert in_scope([_hit("a", 0.8, None)], {"a"}, _SETTINGS)


def test_another_question_another_view_or_what_was_not_taught_is_not() -> None:
    assert not in_scope([_hit("a", 0.7, 0.5)], {"a"}, _SETTINGS)
    assert not in_scope([_hit("a", 0.8, 0.4)], {"a"}, _SETTINGS)
    assert not in_scope([_hit("a", 0.8, 0.5)], {"b"}, _SETTINGS)
    assert not in_scope([_hit("a", 0.99, 0.5, "agent")], {"a"}, _SETTINGS)
    assert not in_scope([], {"a"}, _SETTINGS)


def test_of_a_view_that_was_taught_thoroughly_anything_is() -> None:
    hits = [_hit(str(number), 0.1, 0.7, "agent") for number in range(20)]
    assert in_scope(hits, {hit.pair.id for hit in hits}, _SETTINGS)
    assert not in_scope(hits[1:], {hit.pair.id for hit in hits}, _SETTINGS)


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), max_size=30))
def test_what_was_never_taught_changes_nothing(likenesses: list[tuple[float, float]]) -> None:
    hits = [_hit(str(number), *two) for number, two in enumerate(likenesses)]
    assert not in_scope(hits, set(), _SETTINGS)
