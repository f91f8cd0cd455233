"""Maps are those of the library where it has any, and what the module computes with where it has none."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny_models
import torch
from PIL import Image
from tiny_models import QUESTIONS, photo, tiny_florence, wrapped

from core.errors import InputError
from models.inside.attention import (
    attention_maps,
    check_size,
    mapping,
    restore_pruned,
    teacher_forced_with_maps,
)
from models.inside.towers import cls_map, received, recording_maps, tower_of
from models.loss import IGNORED
from models.registry import load_model
from models.vlm import VisionLanguageModel

_ANSWER = "on the table"
_PICTURE = photo(3)


@pytest.fixture(scope="module", params=["florence", "smolvlm", "llava"])
def vlm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> VisionLanguageModel:
    if request.param == "florence":
        return wrapped(*tiny_florence())
    folder = tmp_path_factory.mktemp(str(request.param))
    getattr(tiny_models, f"save_{request.param}")(folder)
    return load_model(str(folder))


def test_a_model_that_serves_gives_maps_for_a_moment(vlm: VisionLanguageModel) -> None:
    module: Any = vlm.module
    vision = vlm.encode_images([_PICTURE])
    forced = teacher_forced_with_maps(vlm, vision, QUESTIONS[0], _ANSWER)
    assert module.config._attn_implementation == "sdpa"
    plain = vlm.teacher_forced(vision, [QUESTIONS[0]], [_ANSWER])
    assert torch.allclose(forced.logits, plain.logits, atol=1e-4)
    assert all(torch.allclose(one.sum(-1), torch.ones(()), atol=1e-5) for one in forced.attentions)


def test_looks_are_means_over_the_rows_that_look(vlm: VisionLanguageModel) -> None:
    vision = vlm.encode_images([_PICTURE])
    forced = teacher_forced_with_maps(vlm, vision, QUESTIONS[1], _ANSWER)
    first = int(vision.mean_token)
    asked = attention_maps(forced, vision, "question")
    assert asked is not None and asked.cells.shape[2:] == (vision.rows, vision.cols)
    by_hand = forced.attentions[-1][0][:, forced.txt[0]][..., forced.vis[0]].mean(1)[:, first:]
    assert torch.allclose(asked.cells[-1].flatten(1), by_hand, atol=1e-6)
    assert bool((asked.mass <= 1 + 1e-5).all()) and bool((asked.entropy <= 1 + 1e-5).all())
    told = attention_maps(forced, vision, "answer")
    assert told is not None
    if forced.cross_attentions:
        rows = forced.cross_attentions[0][0][:, forced.labels[0] != IGNORED]
    else:  # a word is written at the place before its own
        places = forced.ans[0].nonzero()[:, 0] - 1
        rows = forced.attentions[0][0][:, places]
    assert torch.allclose(told.cells[0].flatten(1), rows[..., forced.vis[0]].mean(1)[:, first:], atol=1e-6)
    assert told.select().sum().item() == pytest.approx(1) == told.select(0, 1).sum().item()


def test_a_layer_or_head_that_is_not_there_is_said(vlm: VisionLanguageModel) -> None:
    vision = vlm.encode_images([_PICTURE])
    looks = attention_maps(teacher_forced_with_maps(vlm, vision, QUESTIONS[0], _ANSWER), vision, "question")
    assert looks is not None
    with pytest.raises(InputError, match=f"no layer 9. Choose one from 1 to {len(looks.cells)}"):
        looks.select(8)
    with pytest.raises(InputError, match="no head 9"):
        looks.select(None, 8)


def test_tokens_that_were_left_out_are_worth_nothing() -> None:
    model = wrapped(*tiny_florence())
    vision = model.encode_images([_PICTURE])
    forced = teacher_forced_with_maps(model, vision, QUESTIONS[0], _ANSWER)
    kept = replace(forced, kept=torch.tensor([[0, 3, 5, -1]]))
    assert restore_pruned(torch.tensor([1.0, 2.0, 3.0]), kept, vision).tolist() == [
        1,
        0,
        0,
        2,
        0,
        3,
        0,
        0,
        0,
        0,
    ]


def test_a_model_without_maps_is_said() -> None:
    model = wrapped(*tiny_florence())
    with pytest.raises(InputError, match="gives no maps"), mapping(model):
        model.module.set_attn_implementation("sdpa")  # type: ignore[operator]
        model.teacher_forced(model.encode_images([_PICTURE]), ["Why?"], ["x"], attentions=True)


def test_a_picture_smaller_than_the_grid_is_said(vlm: VisionLanguageModel) -> None:
    vision = vlm.encode_images([_PICTURE])
    check_size(_PICTURE, vision, "it")
    with pytest.raises(InputError, match="1 x 9 pixels, fewer than"):
        check_size(Image.new("RGB", (1, 9)), vision, "it")


@pytest.mark.parametrize("family", ["smolvlm", "llava"])
def test_a_towers_maps_are_the_librarys(family: str, tmp_path: Path) -> None:
    getattr(tiny_models, f"save_{family}")(tmp_path)
    fused, slow = load_model(str(tmp_path)), load_model(str(tmp_path), attention="eager")
    tower, same = tower_of(fused), tower_of(slow)
    assert tower is not None and same is not None
    pixels = fused.prepare([_PICTURE])
    with torch.no_grad(), recording_maps(tower) as heard:
        fused.features(pixels)
    with torch.no_grad():
        told = same(pixel_values=pixels, output_attentions=True).attentions
    assert len(heard) == len(told)
    for ours, theirs in zip(heard, told, strict=True):
        assert ours.kind == "tokens" and torch.allclose(ours.attention, theirs, atol=1e-5)
    grid = (4, 4)
    seen, columns = cls_map(heard[-1], grid), received(heard[-1], grid)
    assert columns is not None and columns.shape == (1, *grid)
    if family == "smolvlm":  # its tower has no class token
        assert seen is None
        assert columns.mean().item() == pytest.approx(1)
    else:
        assert seen is not None and torch.equal(seen[0, 1].flatten(), heard[-1].attention[0, 1, 0, 1:])


def test_windows_and_channels_are_what_davit_computes_with() -> None:
    """The map times the values, projected, is the module's own output."""
    model: Any = wrapped(*tiny_florence())
    block = model.module.model.vision_tower.blocks[0][0]
    window, channel = block.spatial_block.window_attn, block.channel_block.channel_attn
    side, width = 2 * window.window_size, window.dim
    pixels = torch.randn(1, side, side, width, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), recording_maps(block) as heard:
        expected = window(pixels)
        tokens = pixels.flatten(1, 2)
        mixed = channel(tokens)
    windows, channels = heard
    assert (windows.kind, channels.kind) == ("windows", "channels")
    own = window.window_size
    cut = pixels.view(1, 2, own, 2, own, width).permute(0, 1, 3, 2, 4, 5).reshape(4, own * own, width)
    values = window.qkv(cut).view(4, own * own, 3, window.num_heads, -1)[:, :, 2].transpose(1, 2)
    made = window.proj((windows.attention @ values).transpose(1, 2).flatten(2))
    laid = made.view(1, 2, 2, own, own, width).permute(0, 1, 3, 2, 4, 5).reshape(1, side * side, width)
    assert torch.allclose(laid, expected, atol=1e-5)
    values = channel.qkv(tokens).view(1, side * side, 3, channel.groups, -1)[:, :, 2].permute(0, 2, 3, 1)
    made = (channels.attention @ values).permute(0, 3, 1, 2).flatten(2)
    assert torch.allclose(channel.proj(made), mixed, atol=1e-5)
    laid_out = received(windows, windows.grid)
    assert laid_out is not None and laid_out.shape == (1, side, side)
    assert laid_out[0, :own, :own].mean().item() == pytest.approx(1)
    assert received(channels, (1, 1)) is None
