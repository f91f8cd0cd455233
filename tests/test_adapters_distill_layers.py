"""Layers are paired as the literature does, for any depths."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.distill.layers import paired_layers, spread_slots

AT_MOST = settings(max_examples=25, deadline=None)


def test_six_of_twelve_are_every_second() -> None:
    assert paired_layers(6, 12) == [(0, 1), (1, 3), (2, 5), (3, 7), (4, 9), (5, 11)]
    assert paired_layers(2, 2) == [(0, 0), (1, 1)]
    assert spread_slots(12, 6) == [1, 3, 5, 7, 9, 11]
    with pytest.raises(ValueError, match="paired"):
        paired_layers(0, 3)


@AT_MOST
@given(st.integers(1, 40), st.integers(1, 40))
def test_pairs_go_up_and_end_at_both_last_layers(ours: int, theirs: int) -> None:
    pairs = paired_layers(ours, theirs)
    taught = [layer for _, layer in pairs]
    assert pairs[-1] == (ours - 1, theirs - 1) and taught == sorted(taught) and taught[0] >= 0
    if theirs >= ours:
        assert len(set(taught)) == ours
