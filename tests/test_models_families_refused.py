"""Checkpoints that cannot be student or expert are refused in one line that says what to do."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_families import save_fast_vlm, save_lfm2_vl, save_qwen2_5_vl
from tiny_memory import jpeg
from tiny_models import photo
from transformers.utils.import_utils import is_timm_available, is_torchvision_available

from core.errors import MissingDependencyError, ModelError, RoomwiseError, WeightsError
from core.lazy import run
from core.sections import VISION_TOKENS
from models.chat_processors import load_image_processor
from models.registry import load_model
from roomwise import app

_TEMPLATES = {
    "leaves out": "{% for m in messages %}{{ m['content'][1]['text'] }}{% endfor %}",
    "raises an error": "{{ raise_exception('text only') }}",
    "raises": "{{ messages[0]['content']['text']['none'] }}",
    "has no chat template": None,
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "qwen"
    folder.mkdir()
    save_qwen2_5_vl(folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def refusal(folder: Path, kind: type[RoomwiseError] = ModelError) -> str:
    with pytest.raises(kind) as refused:
        load_model(str(folder))
    assert refused.value.exit_code == 2
    assert len(str(refused.value).splitlines()) == 1
    return str(refused.value)


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize("kind", ["bert", "clip", "git", "moondream1", "qwen2"])
def test_what_is_neither_student_nor_expert(folder: Path, kind: str) -> None:
    change(folder / "config.json", model_type=kind)
    assert "neither a student nor an expert" in refusal(folder)


@pytest.mark.parametrize("said", list(_TEMPLATES))
def test_a_chat_template_that_raises_leaves_out_or_is_missing(folder: Path, said: str) -> None:
    template, path = _TEMPLATES[said], folder / "chat_template.jinja"
    path.unlink() if template is None else path.write_text(template)
    message = refusal(folder)
    assert said in message and "chat_template.jinja" in message


def test_a_processor_without_image_tokens(folder: Path) -> None:
    change(folder / "config.json", image_token_id=5)
    assert "no image tokens" in refusal(folder)


@pytest.mark.parametrize("name", ["CLIPProcessor", "NoProcessor", "Wav2Vec2Processor"])
def test_a_processor_of_another_kind(folder: Path, name: str) -> None:
    change(folder / "processor_config.json", processor_class=name)
    assert "rocessor" in refusal(folder)


@pytest.mark.parametrize("kind", [torch.int8, torch.float8_e4m3fn])
def test_quantised_weights(folder: Path, kind: torch.dtype) -> None:
    path = folder / "model.safetensors"
    save_file({name: value.to(kind) for name, value in load_file(path).items()}, path)
    assert "float32, float16 or bfloat16" in refusal(folder, WeightsError)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats_are_converted(folder: Path, kind: torch.dtype) -> None:
    path = folder / "model.safetensors"
    save_file({name: value.to(kind) for name, value in load_file(path).items()}, path, {"format": "pt"})
    vlm: Any = load_model(str(folder), vision_tokens=16)
    assert vlm.module.dtype == torch.float32
    assert vlm.answer(photo(), "What?", 2).token_ids
    half = load_model(str(folder), vision_tokens=16, dtype=torch.bfloat16)
    assert half.answer(photo(), "What?", 2).token_ids


@pytest.mark.skipif(is_torchvision_available(), reason="torchvision is here")
def test_what_torchvision_alone_reads(tmp_path: Path) -> None:
    save_lfm2_vl(tmp_path)
    with pytest.raises(MissingDependencyError, match="pip install torchvision"):
        load_image_processor("tiny", tmp_path)


@pytest.mark.skipif(is_timm_available(), reason="timm is here")
def test_a_tower_that_needs_timm(tmp_path: Path) -> None:
    save_fast_vlm(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    change(
        tmp_path / "config.json",
        vision_config={"model_type": "timm_wrapper", "architecture": "fastvit_mci3", "hidden_size": 32},
        text_config=config["text_config"],
    )
    assert "pip install timm" in refusal(tmp_path, MissingDependencyError)


def test_the_command_says_so_in_a_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "chat_template.jinja").unlink()
    (tmp_path / "frame.jpg").write_bytes(jpeg(0))
    words = ["ask", str(tmp_path / "frame.jpg"), "What?", "--model", str(folder)]
    assert run(app, "roomwise", words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "has no chat template" in line


@pytest.mark.parametrize("most", [16, 20, 25, VISION_TOKENS])
def test_a_picture_has_no_more_vision_tokens_than_are_allowed(saved: Path, most: int) -> None:
    vlm = load_model(str(saved), vision_tokens=most)
    vision = vlm.encode_images([photo(0, 640, 40), photo(1, 30, 500)])
    assert vision.total == int(most**0.5) ** 2 <= most
