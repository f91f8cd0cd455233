import errno
import json
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
import torch
from tiny_models import TEXTS, TINY, photo, tiny_florence
from transformers import AutoProcessor, Florence2ForConditionalGeneration, Florence2Processor

from bench.pretrain import blueprint as under_test
from bench.pretrain.blueprint import Blueprint, new_model, save_model
from bench.pretrain.vocabulary import train_tokenizer
from core.errors import StorageError

TOKENIZER = train_tokenizer(TEXTS, vocab_size=280)


@pytest.mark.parametrize(
    ("image_size", "strides", "window", "side"),
    [
        (144, (4, 2, 2, 1), 9, 9),
        (144, (4, 2, 3, 1), 6, 6),
        (144, (4, 2, 2, 2), 5, 5),
        (50, (4, 2, 1, 1), 7, 7),
    ],
)
def test_vision_tokens_are_as_the_blueprint_says(
    image_size: int, strides: tuple[int, int, int, int], window: int, side: int
) -> None:
    plan = replace(TINY, image_size=image_size, patch_strides=strides, window_size=window)
    model = new_model(plan, TOKENIZER, seed=0)
    with torch.no_grad():
        tokens = model.get_image_features(torch.zeros(1, 3, image_size, image_size)).pooler_output
    assert plan.grids[-1] == side
    assert tokens.shape == (1, plan.vision_tokens, plan.d_model)


def test_heads_are_chosen_so_that_they_divide_any_width() -> None:
    plan = Blueprint(48, (24, 40, 96, 100), (1, 1, 1, 1), 70, 1, 1, window_size=3)
    new_model(plan, TOKENIZER, seed=0)


def test_blueprint_survives_json() -> None:
    assert Blueprint.from_dict(json.loads(json.dumps(TINY.to_dict()))) == TINY


def test_a_seed_fixes_every_weight_and_the_global_random_state_is_left_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, again, other = (new_model(TINY, TOKENIZER, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_half_precision_folder_loads_with_plain_transformers_as_float32(tmp_path: Path) -> None:
    model, processor = tiny_florence()
    save_model(model, processor, tmp_path / "saved", torch.float16)
    loaded = Florence2ForConditionalGeneration.from_pretrained(tmp_path / "saved")
    assert loaded.dtype == torch.float32
    assert model.dtype == torch.float32, "saving must not touch the model"
    for name, value in model.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value, rtol=1e-3, atol=1e-4)
    for reader in (AutoProcessor, Florence2Processor):
        read = reader.from_pretrained(tmp_path / "saved")(
            text="What colour?", images=photo(), return_tensors="pt"
        )
        made = processor(text="What colour?", images=photo(), return_tensors="pt")
        assert torch.equal(read["pixel_values"], made["pixel_values"])
        assert torch.equal(read["input_ids"], made["input_ids"])


def test_saving_the_same_model_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    model, processor = tiny_florence()
    for name in ("one", "two"):
        save_model(model, processor, tmp_path / name)
    for file in sorted((tmp_path / "one").iterdir()):
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name


def test_a_full_disk_leaves_the_old_folder_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, processor = tiny_florence()
    save_model(model, processor, tmp_path / "saved")
    before = {file.name: file.read_bytes() for file in (tmp_path / "saved").iterdir()}

    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(under_test, "atomic_write_text", full)
    with pytest.raises(StorageError, match="full"):
        save_model(model, processor, tmp_path / "saved")
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]
    assert {file.name: file.read_bytes() for file in (tmp_path / "saved").iterdir()} == before


def test_vision_tokens_start_with_places_of_their_own_scale() -> None:
    fresh = new_model(TINY, train_tokenizer(TEXTS, 400), seed=0)
    grid, width = TINY.grids[-1], TINY.d_model
    places = fresh.model.language_model.encoder.embed_positions.weight[3 : 3 + grid**2].detach()
    assert 0.3 < places.std() < 0.8
    cells = places.view(grid, grid, width)
    half = width - width // 2
    assert torch.equal(cells[:, :1, :half].expand(-1, grid, -1), cells[..., :half])  # first the row
    assert torch.equal(cells[:1, :, half:].expand(grid, -1, -1), cells[..., half:])  # then the column
    columns = fresh.model.multi_modal_projector.image_position_embed.column_embeddings.weight[:grid].detach()
    assert torch.cdist(columns, columns).fill_diagonal_(9).min() > 0.3
