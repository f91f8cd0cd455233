"""The state of a run as one safetensors file, replaced at once: whole at any moment, and never pickled.

Every batch is drawn from (seed, stage, step) alone, so there are no random states to keep.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from core.errors import WeightsError
from core.files import atomic_write_bytes, storage_errors

FILE = "checkpoint.safetensors"


@dataclass
class TrainingProgress:
    """How far a run has come. `steps`, `items` and `seconds` count by stage."""

    recipe: dict[str, Any]
    seed: int
    stage: str = ""
    step: int = 0
    steps: dict[str, int] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    rooms: int = 0
    losses: list[float] = field(default_factory=list)
    """Of the steps since the last line of the log."""


def named_tensors(parts: dict[str, nn.Module]) -> dict[str, torch.Tensor]:
    """Parameters and buffers, each once however often it is used."""
    tensors: dict[str, torch.Tensor] = {}
    for prefix, part in parts.items():
        for name, tensor in [*part.named_parameters(), *part.named_buffers()]:
            tensors[f"{prefix}.{name}"] = tensor.detach()
    return tensors


def save_checkpoint(
    folder: Path,
    progress: TrainingProgress,
    parts: dict[str, nn.Module],
    optimiser: torch.optim.Optimizer | None,
) -> None:
    """Replace the run's checkpoint; on a full disk the old one stays and StorageError is raised."""
    tensors = named_tensors(parts)
    for index, moments in (optimiser.state_dict()["state"] if optimiser else {}).items():
        tensors |= {f"optimiser.{index}.{name}": torch.as_tensor(value) for name, value in moments.items()}
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    atomic_write_bytes(folder / FILE, save(contiguous, metadata={"progress": json.dumps(asdict(progress))}))


def read_progress(folder: Path) -> TrainingProgress | None:
    """How far the run in this folder has come; None when it has not begun. Raises WeightsError."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with storage_errors("read", path), safe_open(path, framework="pt") as file:
            return TrainingProgress(**json.loads(file.metadata()["progress"]))
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path) from error


def load_tensors(folder: Path, parts: dict[str, nn.Module]) -> dict[int, dict[str, torch.Tensor]]:
    """Put the checkpoint's weights into `parts`; returns the optimiser's state by parameter."""
    path = folder / FILE
    state: dict[int, dict[str, torch.Tensor]] = {}
    with storage_errors("read", path), safe_open(path, framework="pt") as file, torch.no_grad():
        stored = set(file.keys())
        for name, tensor in named_tensors(parts).items():
            if name not in stored or file.get_tensor(name).shape != tensor.shape:
                raise _damaged(path)
            tensor.copy_(file.get_tensor(name))
        for name in sorted(stored):
            kind, _, key = name.partition(".")
            if kind == "optimiser":
                index, _, moment = key.partition(".")
                state.setdefault(int(index), {})[moment] = file.get_tensor(name)
    return state


def _damaged(path: Path) -> WeightsError:
    return WeightsError(f"{path} is damaged or of another model. Move its folder away to begin again.")
