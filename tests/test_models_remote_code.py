"""No code of a checkpoint is ever run: not on asking, not on "y", whatever file of it names some."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_families import save_qwen2_5_vl
from tiny_models import tiny_florence

from bench.pretrain.blueprint import save_model

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(path for package in ROOT.glob("*/__init__.py") for path in package.parent.rglob("*.py"))
EVIL = """
from pathlib import Path
Path({marker!r}).write_text("ran")
class Evil:
    pass
"""
LOAD = """
import sys
sys.path.insert(0, {root!r})
from PIL import Image
from core.errors import RoomwiseError
from models.registry import load_model
try:
    vlm = load_model({folder!r})
    vlm.answer(vlm.encode_images([Image.new("RGB", (32, 32))]), "What is it?", 4)
except RoomwiseError as error:
    print("refused:", error)
"""
_READERS = {"AutoProcessor": "evil.Evil", "AutoImageProcessor": "evil.Evil"}
# A type that transformers does not have leaves the checkpoint's own as the only way.
_UNKNOWN = {"auto_map": _READERS, "image_processor_type": "EvilImageProcessor"}
AUTO_MAPS: dict[str, dict[str, Any]] = {
    "config.json": {"auto_map": {"AutoConfig": "evil.Evil", "AutoModelForImageTextToText": "evil.Evil"}},
    "tokenizer_config.json": {
        "auto_map": {"AutoTokenizer": ["evil.Evil", "evil.Evil"]}, "tokenizer_class": "EvilTokenizer",
    },
    "processor_config.json": {"auto_map": _READERS, "image_processor": _UNKNOWN},
    "preprocessor_config.json": _UNKNOWN,
    "generation_config.json": {"custom_generate": "evil", "auto_map": {"AutoGenerationConfig": "evil.Evil"}},
}  # fmt: skip


def _calls_without_refusal(path: Path) -> list[int]:
    """Lines that read a checkpoint without saying that its code is not to be trusted."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "from_pretrained"
        and not any(
            keyword.arg == "trust_remote_code"
            and isinstance(keyword.value, ast.Constant)
            and keyword.value.value is False
            for keyword in node.keywords
        )
    ]


def test_every_reader_of_checkpoints_refuses_their_code() -> None:
    assert len(SOURCES) > 300
    assert not {str(path): lines for path in SOURCES if (lines := _calls_without_refusal(path))}


@pytest.mark.parametrize("file", [*AUTO_MAPS, "custom_generate", "all"])
def test_code_in_a_checkpoint_stays_there_whatever_is_answered(file: str, tmp_path: Path) -> None:
    save_model(*tiny_florence(), tmp_path / "model", torch.float32)
    _check_harmless(tmp_path, file)


@pytest.mark.parametrize("file", ["processor_config.json", "all"])
def test_so_does_that_of_a_chat_model(file: str, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    save_qwen2_5_vl(tmp_path / "model")
    _check_harmless(tmp_path, file)


def _check_harmless(root: Path, file: str) -> None:
    """Load and ask the model below `root` with code named in a file of it."""
    folder, marker = root / "model", root / "marker"
    (folder / "evil.py").write_text(EVIL.format(marker=str(marker)))
    for name, extra in AUTO_MAPS.items():
        if file in (name, "all"):
            path = folder / name
            about = json.loads(path.read_text()) if path.is_file() else {}
            path.write_text(json.dumps({**about, **extra}))
            if name == "preprocessor_config.json":  # read only where the newer file is not there
                (folder / "processor_config.json").unlink(missing_ok=True)
    if file in ("custom_generate", "all"):
        (folder / "custom_generate").mkdir()
        (folder / "custom_generate" / "generate.py").write_text(EVIL.format(marker=str(marker)))
    script = LOAD.format(root=str(ROOT), folder=str(folder))
    done = subprocess.run(
        [sys.executable, "-c", script], input="y\n" * 20, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert not marker.exists() and "[y/N]" not in done.stdout + done.stderr
