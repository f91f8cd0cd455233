"""Scene students of every backbone: rows of length 1, saved and loaded, damage named."""

from pathlib import Path

import pytest
import torch
from tiny_scenes import SHAPES, WIDTH, pixels, tiny_student

from bench.pretrain.scene.students import innate, new_student, swin_t, vit_s
from core.errors import WeightsError
from models.scene.student import SceneStudent, load_student, save_student


@pytest.mark.parametrize("backbone", list(SHAPES))
def test_rows_have_length_one_and_survive_the_disk(backbone: str, tmp_path: Path) -> None:
    student = tiny_student(backbone)
    rows = student(pixels())
    assert rows.shape == (4, WIDTH)
    assert torch.allclose(rows.norm(dim=1), torch.ones(4), atol=1e-5)
    save_student(student, {"seed": 0}, tmp_path / "student")
    assert torch.allclose(load_student(tmp_path / "student")(pixels()), rows, atol=5e-3)


def test_a_seed_decides_every_weight_and_leaves_chance_alone() -> None:
    state = torch.get_rng_state()
    first, same, other = (new_student(SHAPES["vit"], seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["project.weight"], other["project.weight"])


def test_the_built_in_one_begins_with_the_students_tower() -> None:
    first, second = new_student(innate(WIDTH), 0), new_student(innate(WIDTH), 1)
    ours, theirs = first.backbone.state_dict(), second.backbone.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert first.backbone(pixels(1, 96)).last_hidden_state.shape == (1, 256, 6, 6)


def test_swin_t_and_vit_s_have_their_published_sizes() -> None:
    with torch.device("meta"):
        swin, vit = (
            sum(parameter.numel() for parameter in SceneStudent(shape(512)).parameters())
            for shape in (swin_t, vit_s)
        )
    assert 27e6 < swin < 29e6
    assert 21e6 < vit < 23e6


def test_damage_and_other_models_are_named(tmp_path: Path) -> None:
    save_student(tiny_student(), {}, tmp_path / "one")
    weights = tmp_path / "one" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    with pytest.raises(WeightsError, match="damaged"):
        load_student(tmp_path / "one")
    (tmp_path / "one" / "config.json").write_text('{"model_type": "florence2"}')
    with pytest.raises(WeightsError, match="no scene encoder"):
        load_student(tmp_path / "one")
