"""No term drowns the answers."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.studies.distill.few_shot import balance_gradients

AT_MOST = settings(max_examples=25, deadline=None)

STRENGTHS = st.floats(0.01, 100)


@AT_MOST
@given(STRENGTHS, STRENGTHS, STRENGTHS)
def test_no_auxiliary_gradient_is_longer_than_the_answers(ce: float, first: float, second: float) -> None:
    first_part, second_part = torch.ones(3, requires_grad=True), torch.ones(2, requires_grad=True)
    terms = {
        "ce": (first_part * torch.tensor([1.0, 2.0, 2.0])).sum(),
        "kd_fkl": first_part.sum() + second_part.sum(),
        "t2v_kl": (second_part**2).sum(),
    }
    weights = {"ce": ce, "kd_fkl": first, "t2v_kl": second}
    found = balance_gradients(terms, weights, [first_part, second_part])
    assert found.norms["ce"] == pytest.approx(3 * ce, rel=1e-5) and found.factors["ce"] == 1
    assert found.norms["kd_fkl"] == pytest.approx(math.sqrt(5) * first, rel=1e-5)
    for name in terms:
        assert found.norms[name] * found.factors[name] <= found.norms["ce"] * (1 + 1e-6)
        assert found.factors[name] == 1 or found.norms[name] > found.norms["ce"]
    total = sum(found.factors[name] * weights[name] * term for name, term in terms.items())
    assert isinstance(total, torch.Tensor)
    expected = torch.autograd.grad(total, [first_part, second_part])
    for gradient, right in zip(found.gradients, expected, strict=True):
        torch.testing.assert_close(gradient, right)


def test_terms_that_are_off_or_constant_are_left_out_and_projections_do_not_count() -> None:
    weight, projection = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    terms = {"ce": weight.sum(), "off": weight.sum(), "nothing": torch.zeros(())}
    terms["v_all"] = weight[0] + 100 * projection.sum()
    found = balance_gradients(
        terms, {"ce": 1.0, "off": 0.0, "v_all": 1.0, "nothing": 1.0}, [weight], [projection]
    )
    assert set(found.norms) == {"ce", "v_all"} and found.factors["v_all"] == 1
    torch.testing.assert_close(found.gradients[1], torch.full((3,), 100.0))


def test_without_answers_nothing_is_cut_and_with_answers_known_all_is() -> None:
    weight = torch.ones(2, requires_grad=True)
    terms = {"ce": 0 * weight.sum(), "attn_ae(literal)": 5 * weight.sum()}
    assert balance_gradients(terms, {"attn_ae(literal)": 1.0}, [weight]).factors == {"attn_ae(literal)": 1.0}
    found = balance_gradients(terms, {"ce": 1.0, "attn_ae(literal)": 1.0}, [weight])
    assert found.factors["attn_ae(literal)"] == 0 and not found.gradients[0].any()
