"""Divergences of outputs are what their names say, count labelled places alone, and are float32."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.studies.distill.align import code_outputs
from bench.studies.distill.plain import forward_divergence, reverse_divergence

AT_MOST = settings(max_examples=25, deadline=None)

LABELS = torch.tensor([[3, 4, -100], [5, -100, -100]])


@AT_MOST
@given(st.integers(0, 99), st.sampled_from([torch.float32, torch.bfloat16]))
def test_masked_places_have_no_gradient_and_equals_are_nothing_apart(seed: int, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(seed)
    ours, theirs = torch.randn(2, 2, 3, 7, generator=generator).to(dtype)
    for divergence in (forward_divergence, reverse_divergence):
        logits = ours.clone().requires_grad_()
        found = divergence(logits, theirs.requires_grad_(), LABELS)
        found.backward()
        assert found.dtype == torch.float32 and found > 0 and theirs.grad is None
        assert logits.grad is not None and not logits.grad[LABELS == -100].any()
        assert bool(logits.grad[LABELS != -100].any())
        assert divergence(theirs, theirs, LABELS).item() == pytest.approx(0, abs=1e-6)
        assert divergence(logits, theirs, torch.full_like(LABELS, -100)).item() == 0


def test_forward_covers_and_reverse_seeks_a_mode() -> None:
    two_modes = torch.tensor([[[0.48, 0.04, 0.48]]]).log()
    one, both = torch.tensor([[[0.9, 0.05, 0.05]]]).log(), torch.tensor([[[0.2, 0.6, 0.2]]]).log()
    label = torch.zeros(1, 1, dtype=torch.int64)
    assert forward_divergence(both, two_modes, label) < forward_divergence(one, two_modes, label)
    assert reverse_divergence(one, two_modes, label) < reverse_divergence(both, two_modes, label)
    assert reverse_divergence(one, two_modes, label).item() == pytest.approx(
        forward_divergence(two_modes, one, label).item()
    )


def test_other_vocabularies_are_refused() -> None:
    ours, theirs = torch.randn(2, 2, 3, 7)
    with pytest.raises(ValueError, match="compared"):
        forward_divergence(ours, theirs[..., :6], LABELS)


def test_a_token_that_is_ruled_out_gives_no_not_a_number() -> None:
    theirs = torch.tensor([[[0.0, 1.0, -torch.inf]]])
    ours = torch.zeros(1, 1, 3, requires_grad=True)
    found = forward_divergence(ours, theirs, torch.zeros(1, 1, dtype=torch.int64))
    found.backward()
    assert found.isfinite() and ours.grad is not None and bool(ours.grad.isfinite().all())


def test_released_code_counts_padding_and_loses_what_is_unlikely() -> None:
    ours, theirs = torch.randn(2, 2, 3, 7)
    logits = ours.requires_grad_()
    found = code_outputs(logits, theirs)
    expected = -(theirs.softmax(-1) * logits.log_softmax(-1)).sum(-1).mean()
    torch.testing.assert_close(found, expected, atol=1e-2, rtol=0)
    found.backward()
    assert logits.grad is not None and bool(logits.grad[LABELS == -100].any())
    assert torch.tensor([0.0, 20.0]).softmax(-1, dtype=torch.float16)[0] == 0
