"""Every model's map in one order: nothing of it is guessed from places in the sequence."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.studies.distill.reading import Block, arrange, block

AT_MOST = settings(max_examples=25, deadline=None)

VIS = torch.tensor([False, True, False, True, True, False, False])
TXT = torch.tensor([False, False, True, False, False, True, False])
MAP = torch.rand(2, 7, 7).softmax(-1)


@pytest.mark.parametrize("which", ["t2v", "v2t", "v2v", "t2t"])
def test_a_block_is_the_same_as_the_mask_over_the_unarranged_map(which: Block) -> None:
    rows, cols = (VIS if letter == "v" else TXT for letter in (which[0], which[2]))
    found = block(arrange(MAP, VIS, TXT), 3, which)
    assert found.shape == (2, int(rows.sum()), int(cols.sum()))
    mask = rows[:, None] & cols
    torch.testing.assert_close(found.flatten(1), MAP[mask.expand_as(MAP)].reshape(2, -1))
    assert int(mask.sum()) == int(rows.sum() * cols.sum())


@AT_MOST
@given(st.permutations(range(7)))
def test_where_the_tokens_stand_does_not_matter_as_long_as_their_order_is_kept(order: list[int]) -> None:
    place = torch.tensor(sorted(order, key=lambda at: (not VIS[at], not TXT[at])))
    moved = torch.cat([place[:3].sort().values, place[3:5].sort().values, place[5:]])
    torch.testing.assert_close(
        arrange(MAP[:, moved][:, :, moved], VIS[moved], TXT[moved]), arrange(MAP, VIS, TXT)
    )
