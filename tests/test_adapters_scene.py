"""What a camera's pairs are learnt by: views of a batch, and a course that can be gone on with."""

import numpy as np
import torch
from tiny_scenes import WIDTH, material, tiny_student

from adapters.scene.course import Course, optimiser_of, steps
from adapters.scene.distilling import Distilling
from adapters.scene.views import colour, distance, draw_crop, whole_frame
from core.ports import Rows

_SIDE = 32


def _rows(count: int, seed: int = 0) -> Rows:
    rows = np.random.default_rng(seed).standard_normal((count, WIDTH)).astype(np.float32)
    found: Rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found


def test_picture_and_depth_of_a_pair_are_cut_alike() -> None:
    frames = np.zeros((6, 40, 40, 3), np.uint8)
    depth = np.full((6, 40, 40), 3000, np.uint16)
    frames[:, 8:20, 22:34] = 255
    depth[:, 8:20, 22:34] = 1000
    look = draw_crop(6, np.random.default_rng(0))
    bright = colour(frames, look, _SIDE, None)[:, 0] > 0
    near = distance(depth, look, _SIDE)[:, 0] < 0
    assert ((bright != near).float().mean((1, 2)) < 0.06).all()
    assert (bright.float().mean((1, 2)) > 0.03).all()


def test_holes_take_no_part_in_depth() -> None:
    depth = np.full((1, 40, 40), 2000, np.uint16)
    depth[:, :, 20:] = 3000
    holed = depth.copy()
    holed[:, 5:9, 5:9] = 0
    whole = distance(depth, whole_frame(1), _SIDE)
    assert (distance(holed, whole_frame(1), _SIDE) - whole).abs().max() < 0.05


def _mean_loss(student: torch.nn.Module, loss: Distilling) -> float:
    student.eval()
    with torch.no_grad():
        return float(np.mean([loss(np.random.default_rng(seed)).item() for seed in range(100, 108)]))


def test_a_training_goes_on_as_if_it_had_not_been_interrupted() -> None:
    course = Course(steps=6, batch=4, rate=1e-3, last=1e-4)

    def trained(stop: int) -> dict[str, torch.Tensor]:
        student, seen = tiny_student("vit"), material()
        loss = Distilling(student, _SIDE, seen, 4)
        optimiser = optimiser_of(student, course, {})
        for done, _ in steps(student, loss, course, 3, optimiser):
            if done == stop:
                break
        moments = {int(key): value for key, value in optimiser.state_dict()["state"].items()}
        for _ in steps(student, loss, course, 3, optimiser_of(student, course, moments), stop):
            pass
        return student.state_dict()

    whole, halved = trained(6), trained(3)
    assert all(torch.allclose(whole[name], halved[name], atol=1e-6) for name in whole)


def test_gradients_are_cleared_unless_the_released_code_is_followed() -> None:
    held: dict[bool, float] = {}
    for faithful in (False, True):
        student, seen = tiny_student("vit"), material()
        course = Course(steps=3, batch=4, rate=0.0, last=0.0, weight_decay=0.0, code_faithful=faithful)
        modes = []
        for _ in steps(
            student, Distilling(student, _SIDE, seen, 4), course, 0, optimiser_of(student, course, {})
        ):
            modes.append(student.training)
        assert set(modes) == {not faithful}
        held[faithful] = sum(float(p.grad.abs().sum()) for p in student.parameters() if p.grad is not None)
    assert held[True] > 1.5 * held[False]
