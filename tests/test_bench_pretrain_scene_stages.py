"""Curation, mining and both losses: against their definitions, and that a student does learn by them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_scenes import WIDTH, material, tiny_student

from adapters.scene.course import Course, optimiser_of, steps
from adapters.scene.distilling import Distilling as Live
from adapters.scene.distilling import distance_to
from adapters.scene.views import draw_pixels
from bench.pretrain.scene.distilling import LITERAL, StageLoss, Terms, disagreement
from bench.pretrain.scene.triplets import (
    Contrasting,
    PseudoLabels,
    mine_triplets,
    pseudo_label,
    select_confident,
    triplet_loss,
)
from core.ports import Rows

_SIDE = 32


def _rows(count: int, seed: int = 0) -> Rows:
    rows = np.random.default_rng(seed).standard_normal((count, WIDTH)).astype(np.float32)
    found: Rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found


@given(st.integers(1, 60), st.floats(0.05, 1))
def test_curation_keeps_the_surest_share(count: int, share: float) -> None:
    found = pseudo_label(_rows(count), _rows(7, 1))
    kept = select_confident(found, share)
    assert abs(len(kept) - share * count) <= 1
    left = np.setdiff1d(np.arange(count), kept)
    assert not len(left) or found.confidence[kept].min() >= found.confidence[left].max()


def test_a_quota_keeps_some_of_every_label() -> None:
    labels = np.repeat(np.arange(4), 10)
    found = PseudoLabels(labels, (0.2 * labels + 0.1).astype(np.float32))
    assert set(labels[select_confident(found, 0.25)]) == {3}
    assert np.bincount(labels[select_confident(found, 0.25, per_class=True)]).tolist() == [2, 2, 2, 2]
    with pytest.raises(ValueError, match="share"):
        select_confident(found, 0)


@given(st.integers(2, 40), st.integers(1, 5), st.integers(0, 99))
def test_mined_triplets_are_semi_hard_by_unit_rows(count: int, classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, labels = _rows(count, seed), rng.integers(0, classes, count)
    found = mine_triplets(rows, labels, rng)
    to_positive = np.linalg.norm(rows[found.anchors] - rows[found.positives], axis=1)
    to_negative = np.linalg.norm(rows[found.anchors] - rows[found.negatives], axis=1)
    assert (labels[found.anchors] == labels[found.positives]).all()
    assert (labels[found.anchors] != labels[found.negatives]).all()
    assert (found.anchors != found.positives).all()
    assert (to_negative > to_positive - 1e-5).all() and (to_negative < to_positive + 0.3 + 1e-5).all()
    assert not len(found) or np.bincount(found.anchors).max() <= 3
    for anchor, near in zip(found.anchors, to_positive, strict=True):
        same = (labels == labels[anchor]) & (np.arange(count) != anchor)
        assert near <= np.linalg.norm(rows[same] - rows[anchor], axis=1).min() + 1e-4


def test_the_triplet_loss_is_its_formula_and_finite_for_equal_rows() -> None:
    anchors, positives, negatives = (torch.from_numpy(_rows(5, seed)) for seed in (0, 1, 2))
    near, far = (anchors - positives).norm(dim=1), (anchors - negatives).norm(dim=1)
    wanted = (near - far + 0.3).clamp(min=0).mean()
    assert torch.allclose(triplet_loss(anchors, positives, negatives), wanted, atol=1e-5)
    same = anchors.clone().requires_grad_()
    triplet_loss(same, anchors, negatives).backward()
    assert same.grad is not None and torch.isfinite(same.grad).all()


def test_stage_one_is_the_mean_absolute_difference_and_teachers_get_no_gradient() -> None:
    rows = torch.from_numpy(_rows(4)).requires_grad_()
    target = torch.from_numpy(_rows(4, 1)).requires_grad_()
    names = torch.from_numpy(_rows(6, 2))
    assert torch.allclose(LITERAL.loss(rows, target, names), (rows - target).abs().mean())
    Terms().loss(rows, target, names).backward()
    assert target.grad is None and rows.grad is not None
    assert distance_to(rows, rows).item() == 0
    assert abs(disagreement(rows, rows, names).item()) < 1e-6
    assert disagreement(rows, target, names).item() > 0


def _mean_loss(student: torch.nn.Module, loss: StageLoss) -> float:
    student.eval()
    with torch.no_grad():
        return float(np.mean([loss(np.random.default_rng(seed)).item() for seed in range(100, 108)]))


def test_a_student_learns_both_modalities_by_both_stages() -> None:
    student, seen = tiny_student(), material()
    names = np.eye(WIDTH, dtype=np.float32)[:5]
    course = Course(steps=40, batch=12, rate=5e-3, last=1e-4)
    both = StageLoss(student, _SIDE, seen, 12, names)
    before = _mean_loss(student, both)
    values = [value for _, value in steps(student, both, course, 0, optimiser_of(student, course, {}))]
    middle = _mean_loss(student, both)
    assert len(values) == 40 and middle < 0.7 * before
    contrast = Contrasting(student, _SIDE, seen, 12, names, anchor=0.5)
    for _ in steps(student, contrast, course, 1, optimiser_of(student, course, {})):
        pass
    assert _mean_loss(student, both) < 1.1 * middle
    rows = student(draw_pixels(seen, np.arange(24), _SIDE, np.random.default_rng(5))).detach().numpy()
    right = (rows @ names.T).argmax(1) == np.concatenate([seen.labels, seen.labels])
    assert right[:24].mean() > 0.6 and right[24:].mean() > 0.6


def test_a_camera_learns_by_the_distance_alone() -> None:
    student, seen = tiny_student(), material()
    live = Live(student, _SIDE, seen, 6)
    study = StageLoss(student, _SIDE, seen, 6, np.eye(WIDTH, dtype=np.float32), terms=LITERAL)
    assert live(np.random.default_rng(1)).item() == study(np.random.default_rng(1)).item()
