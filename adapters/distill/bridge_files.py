"""Keep what was learned beside a student in one file, next to its adapter: safetensors, sizes included."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from adapters.distill.compared import Bridge
from adapters.distill.projections import MixedHeads, PointwiseHeads, PointwiseTokens
from core.errors import WeightsError
from core.files import atomic_write_bytes, storage_errors

BRIDGE_FILE = "bridge.safetensors"
_DAMAGED = "What was learned beside the adapter in {} is damaged ({}). Delete it and train again."


def save_bridge(bridge: Bridge, folder: Path) -> None:
    """Write the parts that there are; none make an empty file. Raises StorageError."""
    tensors = {
        f"{part}.{name}": values.detach().float().cpu().contiguous()
        for part, module in vars(bridge).items()
        if module is not None
        for name, values in module.state_dict().items()
    }
    atomic_write_bytes(folder / BRIDGE_FILE, save(tensors))


def load_bridge(folder: Path) -> Bridge:
    """What `save_bridge` wrote, on the CPU. Raises StorageError, and WeightsError when it is damaged."""
    path = folder / BRIDGE_FILE
    with storage_errors("read", path):
        data = path.read_bytes()
    try:
        tensors = load(data)
        parts = {name.partition(".")[0] for name in tensors}
        return Bridge(**{part: _rebuilt(part, tensors) for part in parts})
    except (SafetensorError, KeyError, TypeError, RuntimeError, ValueError) as error:
        raise WeightsError(_DAMAGED.format(path, error)) from error


def _rebuilt(part: str, tensors: dict[str, torch.Tensor]) -> Any:
    own = {name.partition(".")[2]: values for name, values in tensors.items() if name.startswith(f"{part}.")}
    kind = {"mixed": MixedHeads, "pointwise": PointwiseHeads, "width": PointwiseTokens}[part]
    ours, theirs = own["learned" if part == "mixed" else "weight"].shape
    module: nn.Module = kind(theirs, ours)
    module.load_state_dict(own)
    return module
