"""The encoder behind the port: its exported integers are the trained ones; bad pictures are refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from tiny_scenes import depth, picture, pixels, tiny_student

from bench.pretrain.scene.students import quantise
from core.errors import InputError
from core.ports import SceneEncoder
from models.scene.encoder import by_onnxruntime, exported, load_scene_encoder
from models.scene.exporting import export_onnx
from models.scene.pixels import check_pair
from models.scene.student import load_student, save_student


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOMWISE_HOME", str(tmp_path / "home"))


def _saved(folder: Path, backbone: str = "davit", seed: int = 0) -> Path:
    student = tiny_student(backbone, seed)
    quantise(student, lambda module: module(pixels(8)))
    save_student(student, {}, folder)
    return folder


@pytest.mark.parametrize("backbone", ["davit", "swin", "vit"])
def test_onnx_computes_what_was_trained(backbone: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    folder = _saved(tmp_path / "student", backbone)
    student = load_student(folder)
    views = pixels(3)
    ours = by_onnxruntime(exported(folder), 1)(views)
    theirs = student(views).detach().numpy()
    # A value halfway between two integers may fall to either side; that is all that differs.
    assert (ours * theirs).sum(1).min() > 0.999
    assert np.abs(ours - theirs).max() < 0.05


def test_weights_in_the_file_are_integers(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(str(exported(_saved(tmp_path / "student"))))
    kinds = {one.name: one.data_type for one in model.graph.initializer}
    weights = [name for name in kinds if name.endswith(".weight") and kinds[name] == onnx.TensorProto.INT8]
    assert len(weights) > 10
    assert {one.domain for one in model.opset_import} == {""}
    export_onnx(tiny_student(), tmp_path / "float.onnx")
    plain = onnx.load(str(tmp_path / "float.onnx"))
    assert not [node for node in plain.graph.node if node.op_type == "QuantizeLinear"]


def test_signed_activations_are_the_same_numbers(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    folder = _saved(tmp_path / "student")
    export_onnx(load_student(folder), tmp_path / "signed.onnx", signed=True)
    views = pixels(3)
    ours = by_onnxruntime(tmp_path / "signed.onnx", 1)(views)
    assert (ours * by_onnxruntime(exported(folder), 1)(views)).sum(1).min() > 0.999


def test_both_ways_go_by_one_name_and_other_weights_by_another(tmp_path: Path) -> None:
    folder, other = _saved(tmp_path / "a"), _saved(tmp_path / "b", seed=1)
    encoder: SceneEncoder = load_scene_encoder(folder, integers=False)
    rows = encoder.rgb([picture(0), picture(1)])
    assert rows.dtype == np.float32 and np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert encoder.name != load_scene_encoder(other, integers=False).name
    if pytest.importorskip("onnxruntime"):
        quick = load_scene_encoder(folder)
        assert quick.name == encoder.name
        assert (quick.depth([depth(0)]) * encoder.depth([depth(0)])).sum() > 0.999


def test_depth_of_any_size_and_with_holes_is_read(tmp_path: Path) -> None:
    encoder = load_scene_encoder(_saved(tmp_path / "a"), integers=False)
    wide, small = depth(0, (64, 48)), depth(0, (32, 24))
    wide[10:20, 10:20] = 0
    rows = encoder.depth([wide, small])
    assert np.isfinite(rows).all() and rows.shape[0] == 2


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (np.zeros((40, 40), np.uint16), "empty"),
        (np.full((40, 40), 2.5, np.float32), "not uint16"),
        (np.full((40, 40), 3, np.uint16), "multiply metres by 1000"),
        (np.full((40, 40), 45_000, np.uint16), "no room"),
        (np.full((40, 40, 3), 2000, np.uint16), "shape"),
    ],
)
def test_what_cannot_be_depth_is_refused(frame: NDArray[np.uint16], said: str, tmp_path: Path) -> None:
    encoder = load_scene_encoder(_saved(tmp_path / "a"), integers=False)
    with pytest.raises(InputError, match=said):
        encoder.depth([frame])


def test_pictures_that_show_nothing_are_refused(tmp_path: Path) -> None:
    encoder = load_scene_encoder(_saved(tmp_path / "a"), integers=False)
    with pytest.raises(InputError, match="one colour"):
        encoder.rgb([Image.new("RGB", (40, 40), "grey")])
    with pytest.raises(InputError, match="mode L"):
        encoder.rgb([picture().convert("L")])


def test_a_pair_of_other_formats_is_refused() -> None:
    check_pair(picture(size=(64, 48)), depth(size=(32, 24)))
    with pytest.raises(InputError, match="align depth"):
        check_pair(picture(size=(64, 48)), depth(size=(40, 40)))


def test_the_shipped_encoder_sees_both_modalities() -> None:
    encoder = load_scene_encoder(integers=False)
    assert encoder.rgb([picture()]).shape == encoder.depth([depth()]).shape == (1, 384)
    assert torch.is_grad_enabled()
