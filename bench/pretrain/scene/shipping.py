"""The trained encoder as it is committed: integers, the stage-1 student beside it for comparison, a card."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.pretrain.scene.runs import PTQ, Bench
from core.files import atomic_write_text
from models.scene.quantise import pack
from models.scene.student import load_student, save_student

SHIPPED = {"stage2-int8": "scene-encoder", "stage1": "scene-stage1"}
"""Methods that are committed, and their folders' names."""
RANGES = "ranges.json"


def ship(bench: Bench, seed: int, scores: Mapping[str, Mapping[str, float]], folder: Path) -> None:
    """Write the encoder and the stage-1 student of a seed below `folder`, replacing what is there.

    Beside the latter go the ranges of its activations: with them it can be quantised after training, without
    the frames that were looked at for them.
    """
    for method, name in SHIPPED.items():
        student = load_student(bench.place(method, seed))
        config = json.loads((bench.place(method, seed) / "config.json").read_text(encoding="utf-8"))
        save_student(student, config["about"], folder / name)
        atomic_write_text(
            folder / name / "README.md", card(name, method, config["about"], student, scores[method])
        )
    quantised = pack(load_student(bench.place(PTQ, seed)))
    ranges = {key: float(value) for key, value in quantised.items() if key.endswith(".amax")}
    atomic_write_text(folder / SHIPPED["stage1"] / RANGES, json.dumps(ranges, indent=1) + "\n")


def card(name: str, method: str, about: Mapping[str, Any], student: Any, scores: Mapping[str, float]) -> str:
    """The model card."""
    size = sum(parameter.numel() for parameter in student.parameters()) / 1e6
    lines = [f"| {key} | {value:.2f} |" for key, value in scores.items()]
    return "\n".join([
        "---", "license: apache-2.0", "pipeline_tag: image-feature-extraction", "---",
        f"# Roomwise built-in {name}",
        "",
        f"{size:.1f} M parameters, the built-in student's vision tower at {student.shape.side} x "
        f"{student.shape.side} pixels and a linear layer to {student.shape.width} numbers. It says what kind "
        "of place a picture or a depth frame shows, by likeness to a sentence about it (all-MiniLM-L6-v2).",
        "",
        f"Method {method}: {about.get('steps')} steps, {float(about.get('seconds', 0)) / 60:.0f} min, seed "
        f"{about.get('seed')}, of frames of rooms rendered by this project and what the built-in teacher "
        "says of them; no other picture and no label.",
        "",
        "Share of views of rendered validation rooms that get the right one of ScanNet's 21 names:",
        "",
        "| | accuracy |", "|---|---|", *lines,
        "",
        "To train it again: `roomwise pretrain render`, then `roomwise pretrain scene`.",
        "It was never shown a photograph of a real room. Licence: Apache-2.0.",
        "",
    ])  # fmt: skip
