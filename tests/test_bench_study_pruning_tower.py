from pathlib import Path
from typing import Any

import pytest
import tiny_models
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import photo, tiny_florence, wrapped

from bench.measure.alike import entropy
from bench.studies.pruning.maps import (
    class_scores,
    has_class_token,
    layer_wise,
    patch_scores,
    patch_wise,
    segment_scores,
    share_below,
    tower_maps,
    used_layers,
)
from core.errors import ModelError
from models.registry import load_model
from models.vlm import VisionLanguageModel


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hub")
    for family in ("llava", "smolvlm"):
        (root / family).mkdir()
        getattr(tiny_models, f"save_{family}")(root / family)
    return root


@pytest.fixture
def llava(folders: Path) -> VisionLanguageModel:
    return load_model(str(folders / "llava"))


@torch.no_grad()
def test_maps_under_fused_attention_are_those_that_eager_attention_returns(
    folders: Path, llava: VisionLanguageModel
) -> None:
    pixels = llava.prepare([photo(0), photo(1)])
    eager: Any = load_model(str(folders / "llava"), attention="eager").module
    wanted = eager.model.vision_tower(pixels, output_attentions=True).attentions
    maps = tower_maps(llava, pixels)
    assert len(maps) == len(wanted) == 3
    for ours, theirs in zip(maps, wanted, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_layer_off_the_path_is_not_used(llava: VisionLanguageModel) -> None:
    assert list(used_layers(llava)) == [0, 1]  # of three, whose last but one state is read
    assert has_class_token(llava)


def test_a_tower_of_windows_says_so() -> None:
    florence = wrapped(*tiny_florence())
    with pytest.raises(ModelError, match="patches"):
        tower_maps(florence, florence.prepare([photo(0)]))


def test_zeroing_is_the_posts() -> None:
    maps = [torch.rand(2, 3, 5, 5, generator=torch.Generator().manual_seed(layer)) for layer in range(4)]
    scores = class_scores(maps)
    assert scores.shape == (4, 2, 3, 4)
    by_hand = sum(maps[layer][1, h, 0, 1 + 2] for layer in (2, 3) for h in range(3)) / 6
    assert float(patch_scores(scores, 2)[1, 2]) == pytest.approx(float(by_hand))
    features = torch.ones(2, 4, 11)
    zeroed = patch_wise(features, torch.tensor([[0.1, 0.2, 0.3, 0.4]] * 2), 0.2)
    assert zeroed.sum(dim=2).tolist() == [[0.0, 11.0, 11.0, 11.0]] * 2
    segments = torch.zeros(2, 4, 3)
    segments[:, :, 2] = 1  # the last segment takes the rest: 3 + 3 + 5
    assert layer_wise(features, segments, 0.5).sum(dim=2).tolist() == [[5.0] * 4] * 2
    assert segment_scores(scores, 2).shape == (2, 4, 2)
    assert float(segment_scores(scores, 2)[1, 2, 0]) == pytest.approx(float(maps[2][1, :, 0, 3].mean()))


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 600), st.integers(0, 5))
def test_entropy_is_one_for_uniform_rows_and_never_more(tokens: int, seed: int) -> None:
    assert float(entropy(torch.full((tokens,), 1 / tokens))) == pytest.approx(1, abs=1e-4)
    rows = torch.rand(3, tokens, generator=torch.Generator().manual_seed(seed)) ** 4
    assert (entropy(rows) <= 1 + 1e-9).all()
    single = torch.zeros(tokens)
    single[0] = 1
    assert float(entropy(single)) == 0


def test_shares_below_on_a_known_map() -> None:
    assert share_below(torch.tensor([0.1, 0.2, 0.3, 0.4]), (0.05, 0.25, 1.0)) == [0.0, 0.5, 1.0]
