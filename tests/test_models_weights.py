from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from core.errors import WeightsError
from models.weights import check_files, digest

TENSORS = {"b": torch.arange(6).reshape(2, 3), "a": torch.ones(4, dtype=torch.bfloat16)}


def test_the_digest_is_of_the_tensors_however_they_are_stored(tmp_path: Path) -> None:
    for name in ("one", "two", "other"):
        (tmp_path / name).mkdir()
    save_file(TENSORS, tmp_path / "one/model.safetensors")
    save_file({"b": TENSORS["b"]}, tmp_path / "two/part-1.safetensors", metadata={"format": "pt"})
    save_file({"a": TENSORS["a"]}, tmp_path / "two/part-2.safetensors")
    index = '{"weight_map": {"b": "part-1.safetensors", "a": "part-2.safetensors"}}'
    (tmp_path / "two/model.safetensors.index.json").write_text(index)
    save_file({**TENSORS, "b": TENSORS["b"].reshape(3, 2)}, tmp_path / "other/model.safetensors")
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    assert digest(tmp_path / "one") != digest(tmp_path / "other")


def test_a_missing_part_is_named_and_no_file_outside_the_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../../etc/passwd"}}')
    with pytest.raises(WeightsError, match="lacks passwd"):
        check_files(tmp_path)


def test_an_empty_folder_lacks_its_weights(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"lacks model\.safetensors"):
        check_files(tmp_path)
