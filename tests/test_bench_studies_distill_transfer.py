"""The transfer loss reaches the student's maps and nothing else, whatever the two models' shapes are."""

import pytest
import torch
from tiny_maps import blurred, looks, untrained
from tiny_models import QUESTIONS, photo, tiny_florence, wrapped

from adapters.training.codes import heat_maps, paired_layers
from bench.studies.distill.transfer import Pairing, transfer_loss
from models.inside.attention import rollouts
from models.lora_training import attach

TO = (8, 8)


def attention(
    layers: int, heads: int, cells: int, words: int, seed: int = 0
) -> tuple[list[torch.Tensor], list[torch.Tensor], torch.Tensor, torch.Tensor]:
    """Causal maps of two examples, the scores behind them, and where picture and text are."""
    size = cells + words
    generator = torch.Generator().manual_seed(seed)
    scores = [
        torch.randn(2, heads, size, size, generator=generator).requires_grad_(True) for _ in range(layers)
    ]
    later = torch.ones(size, size).triu(1).bool()
    vis = (torch.arange(size) < cells).expand(2, -1)
    return scores, [one.masked_fill(later, -torch.inf).softmax(-1) for one in scores], vis, ~vis


def reached(scores: list[torch.Tensor]) -> list[int]:
    return [layer for layer, one in enumerate(scores) if one.grad is not None and bool(one.grad.any())]


@pytest.mark.parametrize("rolled", [False, True])
def test_models_of_other_layers_heads_grids_and_words_have_codes_of_one_shape(rolled: bool) -> None:
    _, deep, vis, txt = attention(layers=12, heads=4, cells=1 + 6 * 6, words=5)
    slots = [layer for _, layer in paired_layers(3, 12)]
    shown = rollouts(deep) if rolled else deep
    theirs = heat_maps([shown[slot] for slot in slots], vis, txt, (6, 6), True, TO)
    scores, shallow, ours_vis, ours_txt = attention(layers=6, heads=3, cells=4 * 5, words=3, seed=1)
    slots = [layer for _, layer in paired_layers(3, 6)]
    shown = rollouts(shallow) if rolled else shallow
    ours = heat_maps([shown[slot] for slot in slots], ours_vis, ours_txt, (4, 5), False, TO)
    transfer = untrained((3, *TO))
    code = transfer.teacher_code(theirs)
    assert code.shape == transfer.student_code(ours).shape == (2, 3)
    transfer_loss(transfer, ours, code).backward()
    assert reached(scores) == (list(range(6)) if rolled else slots)


def test_the_published_mask_gives_a_causal_student_exactly_nothing_to_learn() -> None:
    # Released code masks picture rows and text columns: those rows come first and cannot see the text.
    scores, maps, vis, txt = attention(layers=2, heads=2, cells=9, words=4)
    transfer = untrained((2, *TO))
    code = transfer.teacher_code(looks(2, seed=0))
    swapped = heat_maps(maps, vis=txt, txt=vis, grid=(2, 2), mean_token=False, to=TO)
    assert not swapped.any()
    transfer_loss(transfer, swapped, code).backward()
    assert all(one.grad is not None and not one.grad.any() for one in scores)
    right = heat_maps([one.softmax(-1) for one in scores], vis, txt, (3, 3), False, TO)
    transfer_loss(transfer, right, code).backward()
    assert reached(scores) == [0, 1]


@pytest.mark.parametrize("pairing", ["literal", "shared", "joint", "map"])
def test_gradients_go_through_frozen_encoders_to_the_students_maps_alone(pairing: Pairing) -> None:
    transfer = untrained(pairing=pairing).train()
    ours = looks(4, seed=0).requires_grad_(True)
    theirs = looks(4, seed=1).requires_grad_(True)
    transfer_loss(transfer, ours, transfer.teacher_code(theirs)).backward()
    assert ours.grad is not None and bool(ours.grad.any())
    assert theirs.grad is None
    assert all(part.grad is None and not part.requires_grad for part in transfer.parameters())


@pytest.mark.parametrize("variational", [False, True])
def test_equal_codes_cost_nothing_and_nothing_costs_nothing(variational: bool) -> None:
    transfer, maps = untrained(variational=variational), looks(4, seed=0).requires_grad_(True)
    code = transfer.teacher_code(maps)
    assert transfer_loss(transfer, maps, code).item() == pytest.approx(0, abs=1e-6)
    empty = transfer_loss(transfer, maps[:0], code[:0])
    empty.backward()
    assert empty.item() == 0 and maps.grad is not None and not maps.grad.any()


@pytest.mark.parametrize("pairing", ["shared", "map"])
def test_half_precision_maps_are_compared_in_single(pairing: Pairing) -> None:
    transfer, maps = untrained(pairing=pairing), looks(4, seed=0)
    loss = transfer_loss(transfer, blurred(maps).half(), transfer.teacher_code(maps.half()))
    assert loss.dtype == torch.float32
    exact = transfer_loss(transfer, blurred(maps), transfer.teacher_code(maps))
    torch.testing.assert_close(loss, exact, rtol=0.02, atol=0)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(transfer_loss(transfer, blurred(maps), transfer.teacher_code(maps)), exact)


def test_the_literal_loss_is_the_plain_mean_square_and_the_others_count_in_variances() -> None:
    ours, theirs = blurred(looks(4, seed=0)), looks(4, seed=0)
    pairings: tuple[Pairing, ...] = ("literal", "shared")
    for pairing in pairings:
        transfer = untrained(pairing=pairing)
        squares = (transfer.student_code(ours) - transfer.teacher_code(theirs)) ** 2
        expected = squares if pairing == "literal" else squares / (transfer.variance + 1e-4)
        torch.testing.assert_close(
            transfer_loss(transfer, ours, transfer.teacher_code(theirs)), expected.mean()
        )


def test_a_students_lora_learns_in_the_layers_that_are_compared_and_before() -> None:
    eager = wrapped(*tiny_florence(attention="eager"))
    attach(eager, 2, 4.0, eager.lora_targets(), seed=0)
    with torch.no_grad():
        for name, part in eager.module.named_parameters():
            if "lora_B" in name:
                part.normal_(std=0.1)
    forced = eager.teacher_forced(eager.encode_images([photo()]), QUESTIONS[:1], ["red"], attentions=True)
    ours = heat_maps(forced.attentions[:1], forced.vis, forced.txt, (3, 3), True, TO)
    transfer = untrained((1, *TO))
    transfer_loss(transfer, ours, transfer.teacher_code(looks(1, 0, channels=1))).backward()
    found = {
        name.split(".lora_")[0]
        for name, part in eager.module.named_parameters()
        if part.grad is not None and bool(part.grad.any())
    }
    first = "model.language_model.encoder.layers.0.self_attn."
    assert found == {f"{first}q_proj", f"{first}k_proj"}
