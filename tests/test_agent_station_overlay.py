"""Where student and expert look, side by side as one JPEG; the student's alone where there is no more."""

import io

import numpy as np
import pytest
from PIL import Image
from tiny_models import tiny_florence, wrapped

from agent.station.overlay import overlay
from core.errors import InputError, ModelError
from models.inside import attention

FRAME = Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8))


def _size(data: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(data)).size


def test_student_and_expert_stand_side_by_side() -> None:
    student, expert = (wrapped(*tiny_florence(seed=seed)) for seed in (0, 1))
    alone = overlay(student, FRAME, "What is it?", "a cat")
    both = overlay(student, FRAME, "What is it?", "a cat", expert)
    assert _size(alone) == (64, 48) and _size(both) == (64 + 8 + 64, 48)
    left, right = (
        np.asarray(Image.open(io.BytesIO(both)))[:, part] for part in (slice(0, 64), slice(72, 136))
    )
    assert np.abs(left.astype(int) - right).max() > 20, "two models, two maps"


def test_an_expert_without_maps_leaves_the_student(monkeypatch: pytest.MonkeyPatch) -> None:
    student, expert = (wrapped(*tiny_florence(seed=seed)) for seed in (0, 1))
    usual = attention.teacher_forced_with_maps

    def forced(model: object, *rest: object) -> object:
        if model is expert:
            raise ModelError("It gives no maps. Choose another.")
        return usual(model, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("agent.station.overlay.teacher_forced_with_maps", forced)
    assert _size(overlay(student, FRAME, "What is it?", "a cat", expert)) == (64, 48)
    with pytest.raises(InputError, match="Nothing was said"):
        overlay(student, FRAME, "What is it?", "")
