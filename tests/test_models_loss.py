import pytest
import torch
from tiny_models import photo, tiny_florence, wrapped

from models.loss import IGNORED, answer_cross_entropy


def test_equals_the_models_own_loss() -> None:
    # On transformers before 5.13 this fails: there the labels are shifted twice.
    model, processor = tiny_florence()
    inputs = processor(
        text=["What colour?", "How many chairs?"],
        images=[photo(1), photo(2)],
        return_tensors="pt",
        padding=True,
    )
    labels = torch.tensor([[290, 2, IGNORED], [270, 280, 2]])
    own = model(**inputs, labels=labels)
    torch.testing.assert_close(answer_cross_entropy(own.logits, labels), own.loss)


def test_teacher_forced_logits_give_the_models_own_loss() -> None:
    model, processor = tiny_florence()
    vlm = wrapped(model, processor)
    forced = vlm.teacher_forced(vlm.encode_images([photo()]), ["What colour?"], ["red sofa"])
    inputs = processor(text="What colour?", images=photo(), return_tensors="pt")
    own = model(**inputs, labels=forced.labels)
    torch.testing.assert_close(answer_cross_entropy(forced.logits, forced.labels), own.loss)


def test_masked_positions_have_no_gradient_and_do_not_count() -> None:
    logits = torch.randn(2, 3, 7, requires_grad=True)
    labels = torch.tensor([[1, 2, IGNORED], [3, IGNORED, IGNORED]])
    answer_cross_entropy(logits, labels).backward()
    assert logits.grad is not None
    assert not logits.grad[labels == IGNORED].any()
    assert logits.grad[labels != IGNORED].abs().sum() > 0
    alone = answer_cross_entropy(logits[:1, :2], labels[:1, :2])
    both = answer_cross_entropy(logits[:1], labels[:1])
    torch.testing.assert_close(alone, both)


def test_without_labels_the_loss_is_zero_and_half_precision_is_computed_in_single() -> None:
    labels = torch.full((1, 2), IGNORED)
    assert answer_cross_entropy(torch.randn(1, 2, 5), labels).item() == 0
    logits = torch.randn(1, 2, 5)
    exact = answer_cross_entropy(logits, labels.clamp(min=0))
    halved = answer_cross_entropy(logits.bfloat16(), labels.clamp(min=0))
    assert halved.dtype == torch.float32
    assert halved.item() == pytest.approx(exact.item(), rel=0.02)
