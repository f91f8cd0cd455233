"""Large linear layers over a few rows give what torch gives, and learn as they did."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from models.few_rows import LEAST, MOST, FewRowsLinear, matmul_in_parts, use_few_rows


@settings(deadline=None)
@given(st.integers(1, MOST), st.integers(1, 40), st.integers(1, 12), st.integers(1, 6), st.integers(0, 99))
def test_parts_give_the_product(rows: int, out: int, wide: int, parts: int, seed: int) -> None:
    torch.manual_seed(seed)
    x, weight = torch.randn(rows, wide), torch.randn(out, wide)
    torch.testing.assert_close(matmul_in_parts(x, weight, min(parts, out)), x @ weight.T)


class _Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.large, self.small = nn.Linear(512, LEAST // 512 + 1), nn.Linear(4, 4)


@pytest.mark.parametrize("shape", [(1, 512), (2, 3, 512), (512,), (MOST + 1, 512)])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_layer_gives_what_it_gave(shape: tuple[int, ...], threads: int) -> None:
    torch.manual_seed(0)
    net = _Net()
    before, x = copy.deepcopy(net.large), torch.randn(shape)
    use_few_rows(net)
    assert type(net.large) is FewRowsLinear and type(net.small) is nn.Linear
    usual = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            torch.testing.assert_close(net.large(x), before(x))
    finally:
        torch.set_num_threads(usual)


def test_with_a_gradient_it_is_the_layer_it_was() -> None:
    net = _Net()
    before, x = copy.deepcopy(net.large), torch.randn(1, 512)
    use_few_rows(net)
    net.large(x).square().sum().backward()
    before(x).square().sum().backward()
    assert net.large.weight.grad is not None and before.weight.grad is not None
    assert torch.equal(net.large.weight.grad, before.weight.grad)
    assert net.state_dict().keys() == _Net().state_dict().keys()
