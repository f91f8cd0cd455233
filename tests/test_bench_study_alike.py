"""Layers are those that the library tells of; distances keep to their bounds."""

from typing import Any

import numpy as np
import pytest
import tiny_models
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import QUESTIONS, photo, tiny_florence, wrapped

from bench.measure.alike import (
    entropy,
    jensen_shannon,
    linear_cka,
    pca2_mse,
    procrustes_mse,
    rsa,
    spearman,
    top_overlap,
)
from bench.studies.vlm.states import read_states, tower_states
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


def test_states_are_those_that_the_library_tells(vlm: VisionLanguageModel) -> None:
    vision, tower = tower_states(vlm, vlm.prepare([_PICTURE]))
    assert tower and all(one.ndim == 3 for one in tower)
    forced, picture, words = read_states(vlm, vision, QUESTIONS[1], _ANSWER)
    assert len(picture) == len(words) == 2  # layers of every tiny model
    assert picture[0].shape[:2] == (vision.rows, vision.cols)
    assert len(words[0]) == int(forced.txt.sum())
    assert not torch.equal(words[0], words[1])


_FEATURES = st.integers(0, 2**16).map(
    lambda seed: np.random.default_rng(seed).normal(size=(7 + seed % 9, 3 + seed % 8))
)


@given(_FEATURES, st.floats(0.1, 10))
@settings(max_examples=30, deadline=None)
def test_what_is_rotated_and_scaled_is_alike(features: Any, scale: float) -> None:
    width = features.shape[1]
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(width, width)))
    turned = scale * features @ turn + 3
    assert linear_cka(features, turned) == pytest.approx(1, abs=1e-9)
    assert procrustes_mse(features, turned) == pytest.approx(0, abs=1e-9)
    assert rsa(features, scale * features) == pytest.approx(1)


@given(_FEATURES, st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_distances_keep_to_their_bounds(features: Any, seed: int) -> None:
    other = np.random.default_rng(seed).normal(size=(len(features), 5))
    assert 0 <= linear_cka(features, other) <= 1 + 1e-9
    assert -1e-9 <= procrustes_mse(features, other) <= pca2_mse(features, other) + 1e-9 <= 4 + 1e-6
    centred = [one - one.mean(0) for one in (features, other)]
    top = np.linalg.norm(centred[1].T @ centred[0]) ** 2
    below = np.prod([np.linalg.norm(one.T @ one) for one in centred])
    assert linear_cka(features, other) == pytest.approx(top / below)


def test_maps_are_compared_as_shares() -> None:
    flat, peak, corner = np.ones((2, 3)), np.eye(1, 6).reshape(2, 3), np.eye(1, 6, 5).reshape(2, 3)
    assert jensen_shannon(flat, 7 * flat) == 0
    assert jensen_shannon(peak, corner) == pytest.approx(1)
    assert entropy(flat) == pytest.approx(1) and entropy(peak) == pytest.approx(0, abs=1e-9)
    assert spearman([1, 2, 3], [10, 20, 90]) == pytest.approx(1) and spearman([1, 1], [1, 2]) == 0
    assert top_overlap(range(10), range(10)) == 1 and top_overlap(range(10), range(10, 0, -1)) == 0
