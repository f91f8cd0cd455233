import json
import shutil
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from tiny_models import photo, save_llava, tiny_florence

from bench.pretrain.blueprint import save_model
from core.errors import ModelError, UnknownModelError, WeightsError
from models import registry
from models.registry import load_model, model_folder, model_names


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_model(*tiny_florence(), folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def test_a_saved_model_answers_as_before(saved: Path) -> None:
    model, processor = cast("Any", tiny_florence())
    vlm = load_model(str(saved))
    assert vlm.family == "florence2"
    assert not vlm.module.training
    inputs = processor(text="What colour?", images=photo(), return_tensors="pt")
    expected = model.generate(**inputs, max_new_tokens=8)[0].tolist()
    assert list(vlm.answer(photo(), "What colour?", 8).token_ids) == expected[1:]
    assert load_model(str(saved), dtype=torch.bfloat16).module.dtype == torch.bfloat16


def test_an_unknown_name_lists_the_nearest() -> None:
    with pytest.raises(UnknownModelError, match="builtin-student"):
        load_model("builtin-studnet")
    with pytest.raises(UnknownModelError, match=r"Known|Did you mean"):
        load_model("../no/such/\x1b[31mfolder")


@pytest.mark.parametrize("name", model_names())
def test_every_name_is_a_folder_or_says_how_to_get_it(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(registry, "_BUILTIN_FOLDER", tmp_path)
    with pytest.raises(WeightsError, match=r"roomwise pretrain|roomwise models pull"):
        model_folder(name)


def test_a_truncated_weights_file_is_damaged(folder: Path) -> None:
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    for length in (0, 7, 100, len(whole) - 1):
        weights.write_bytes(whole[:length])
        with pytest.raises(WeightsError, match="damaged"):
            load_model(str(folder))


@pytest.mark.parametrize("position", [0, 8, 20, -1, -5000])
def test_a_changed_byte_is_damaged(folder: Path, position: int) -> None:
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[position] ^= 0x41
    weights.write_bytes(content)
    with pytest.raises(WeightsError, match=r"damaged|another base"):
        load_model(str(folder))


def test_weights_of_another_size_are_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["decoder_ffn_dim"] *= 2
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="do not fit"):
        load_model(str(folder))


def test_weights_with_other_layers_are_refused(folder: Path) -> None:
    for layers in (1, 3):
        config = json.loads((folder / "config.json").read_text())
        config["text_config"]["decoder_layers"] = layers
        (folder / "config.json").write_text(json.dumps(config))
        with pytest.raises(WeightsError, match="another base"):
            load_model(str(folder))


def test_weights_of_another_family_are_refused(folder: Path, tmp_path: Path) -> None:
    save_llava(tmp_path)
    shutil.copy(tmp_path / "model.safetensors", folder)
    (folder / "weights.sha256").unlink()
    with pytest.raises(WeightsError, match="another base"):
        load_model(str(folder))


def test_pickled_weights_are_not_read(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(WeightsError, match="pickled"):
        load_model(str(folder))


@pytest.mark.parametrize("name", ["tokenizer.json", "processor_config.json", "config.json"])
@pytest.mark.parametrize("content", [None, "", "{}", "[1]", "{"])
def test_missing_and_broken_companions_are_told(folder: Path, name: str, content: str | None) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)
    with pytest.raises(ModelError, match=r"again|Give a folder|Supported types"):
        load_model(str(folder))


def test_code_beside_the_weights_is_never_run(folder: Path) -> None:
    (folder / "evil.py").write_text("raise SystemExit('ran')")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModel": "evil.Model", "AutoProcessor": "evil.Processor"}
    (folder / "config.json").write_text(json.dumps(config))
    load_model(str(folder)).answer(photo(), "What?", 2)
