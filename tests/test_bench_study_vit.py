"""Study 2: rollouts behave as the method says, towers from disk give their maps, the command says it all."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import photo, save_llava, save_smolvlm
from tiny_studies import save_pair
from transformers import CLIPVisionConfig, CLIPVisionModel, ViTConfig, ViTModel
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

import roomwise
from bench.studies.vit.flow import (
    CLASS,
    LITERAL,
    OWN,
    RECEIVED,
    RESIDUAL,
    WORDS,
    Attention,
    Tower,
    agreement,
    flow,
    paired_depths,
)
from bench.studies.vit.rows import OTHER, SAME, Flows
from core.errors import InputError, WeightsError
from core.lazy import run

_SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}


def _save_vit(folder: Path, layers: int) -> str:
    torch.manual_seed(layers)
    ViTModel(ViTConfig(num_hidden_layers=layers, **_SIZES)).save_pretrained(folder)
    return _save_reader(folder)


def _save_reader(folder: Path) -> str:
    square = {"height": 32, "width": 32}
    CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=square).save_pretrained(folder)
    return str(folder)


def _random(layers: int, seed: int) -> Attention:
    generator = torch.Generator().manual_seed(seed)
    maps = torch.rand(layers, 17, 17, generator=generator).pow(4)
    place = torch.arange(17)
    return Attention(maps / maps.sum(-1, keepdim=True), place == 0, place >= 1, (4, 4))


@given(st.integers(0, 50))
def test_without_the_residual_all_rows_become_alike(seed: int) -> None:
    found = flow(_random(12, seed))
    assert found.apart[LITERAL][-1] < 1e-4 < 0.1 < found.apart[OWN][-1]
    assert found.apart[RESIDUAL][-1] > found.apart[LITERAL][-1]
    assert np.allclose(found.maps[RESIDUAL].sum((1, 2)), 1)
    assert found.entropies[LITERAL][-1] > found.entropies[OWN].mean()


def test_a_network_agrees_with_itself() -> None:
    maps = flow(_random(5, 0)).maps[OWN]
    found = agreement(maps, maps)
    assert found["js"].tolist() == [0] * 5
    assert np.allclose(found["spearman"], 1) and np.allclose(found["top 20 % overlap"], 1)
    assert paired_depths(3, 5) == [0, 2, 4] and paired_depths(1, 4) == [0]


def test_another_picture_is_of_another_group() -> None:
    every = [flow(_random(3, seed)) for seed in range(6)]
    flows = Flows("a", "b", every, every, [0, 0, 1, 1, 2, 2], 0)
    assert np.allclose(flows.agreement(OWN, SAME)["spearman"], 1)
    assert flows.agreement(OWN, OTHER)["spearman"].mean() < 0.5


def test_towers_from_disk_give_the_librarys_maps(tmp_path: Path) -> None:
    folder = _save_vit(tmp_path / "vit", 3)
    seen = Tower(folder).attention(photo(1), "Why?")
    eager = ViTModel.from_pretrained(folder, attn_implementation="eager")
    with torch.no_grad():
        told = eager(Tower(folder)._prepare(photo(1)), output_attentions=True).attentions
    assert torch.allclose(seen.layers, torch.stack([one[0].mean(0) for one in told]), atol=1e-5)
    assert seen.looking.sum() == 1 and seen.cells.sum() == 16 and seen.grid == (4, 4)


def test_each_kind_of_network_is_read_by_the_rows_it_has(tmp_path: Path) -> None:
    for name, save in (("llava", save_llava), ("smolvlm", save_smolvlm)):
        (tmp_path / name).mkdir()
        save(tmp_path / name)
    CLIPVisionModel(CLIPVisionConfig(num_hidden_layers=2, **_SIZES)).save_pretrained(tmp_path / "clip")
    student, _ = save_pair(tmp_path)
    kinds = {
        str(tmp_path / "llava"): CLASS, str(tmp_path / "smolvlm"): RECEIVED,
        _save_reader(tmp_path / "clip"): CLASS, student: WORDS,
    }  # fmt: skip
    for folder, rows in kinds.items():
        tower = Tower(folder)
        assert tower.rows == rows
        found = flow(tower.attention(photo(2), "What colour is the sofa?"))
        assert all(np.allclose(one.sum((1, 2)), 1, atol=1e-4) for one in found.maps.values())
        with pytest.raises(InputError, match="fewer than"):
            tower.attention(photo(2, 2, 2), "Why?")


def test_a_folder_without_weights_is_said(tmp_path: Path) -> None:
    folder = Path(_save_vit(tmp_path / "vit", 1))
    (folder / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(WeightsError):
        Tower(str(folder))


def test_the_command_compares_two_folders_over_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for seed in range(3):
        photo(seed).save(pictures / f"{seed}.png")
    pair = ["--student", _save_vit(tmp_path / "b", 2), "--expert", _save_vit(tmp_path / "l", 4)]
    words = ["study", "vit", *pair, "--pictures", str(pictures)]
    drawn = tmp_path / "vit.svg"
    assert run(roomwise.app, "roomwise", [*words, "--json", "--picture", str(drawn)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["command"] == "study vit" and {"entropy", "js", "spearman"} <= {
        r["metric"] for r in told["rows"]
    }
    assert drawn.read_text().count("stroke-dasharray: 5.55,2.4") >= 3
    assert run(roomwise.app, "roomwise", words) == 0
    printed = capsys.readouterr().out
    assert "class token" in printed and "Not the published pair" not in printed
    assert run(roomwise.app, "roomwise", ["study", "vit", *pair, "--pictures", str(tmp_path / "l")]) == 2
