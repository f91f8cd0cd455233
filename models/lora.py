"""Adapters: low-rank changes to some linear layers, read, written, and put into a loaded model.

On disk an adapter is what peft writes (`adapter_config.json`, `adapter_model.safetensors`), so
`PeftModel.from_pretrained` reads it, and a `version.json` that names the base it belongs to.

For answering, the change is added to the weights themselves: answering costs nothing more, and swapping
takes milliseconds. The original weights of the changed layers are kept.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from core.errors import WeightsError
from core.files import atomic_write_text, storage_errors
from models.adapter_files import CONFIG_FILE, WEIGHTS_FILE, Base, check_version, read_json
from models.registry import model_folder
from models.token_pruning import pruner
from models.vlm import Pruner, VisionLanguageModel
from models.weights import DIGEST_FILE, digest

_PREFIX = "base_model.model."
# Settings of peft under which the change would not be the plain product of two matrices.
_OTHER_KINDS = ("use_dora", "rank_pattern", "alpha_pattern", "modules_to_save", "lora_bias", "fan_in_fan_out")


@dataclass(frozen=True)
class Adapter:
    """For each changed layer its two matrices, float32: down [rank, in] and up [out, rank].

    A layer's weight [out, in] gains `scale` * up @ down. `keep_tokens` is the share of vision tokens that the
    gate found to be enough, None if it was not tested.
    """

    rank: int
    alpha: float
    matrices: Mapping[str, tuple[torch.Tensor, torch.Tensor]]
    keep_tokens: float | None = None

    @property
    def scale(self) -> float:
        """The factor of the product."""
        return self.alpha / self.rank

    def change(self, layer: str) -> torch.Tensor:
        """The change of a layer's weight, [out, in]."""
        down, up = self.matrices[layer]
        return self.scale * (up @ down)


def join(first: Adapter, second: Adapter) -> Adapter:
    """The sum of two adapters as one; ranks add up, and scales are folded into `up`."""
    layers = [*first.matrices, *(name for name in second.matrices if name not in first.matrices)]
    matrices = {}
    for layer in layers:
        parts = [_matrices_for(first, layer, second), _matrices_for(second, layer, first)]
        matrices[layer] = (torch.cat([down for down, _ in parts]), torch.cat([up for _, up in parts], dim=1))
    rank = first.rank + second.rank
    return Adapter(rank, float(rank), matrices)


def _matrices_for(adapter: Adapter, layer: str, other: Adapter) -> tuple[torch.Tensor, torch.Tensor]:
    """Its down and its scaled up; zeros in the other's shape where it does not change the layer."""
    if layer in adapter.matrices:
        down, up = adapter.matrices[layer]
        return down, adapter.scale * up
    down, up = other.matrices[layer]
    return down.new_zeros(adapter.rank, down.shape[1]), up.new_zeros(up.shape[0], adapter.rank)


def base_of(name: str) -> Base:
    """The base of a model's name or folder. Raises UnknownModelError, WeightsError."""
    folder = model_folder(name)
    digest_file = folder / DIGEST_FILE
    if digest_file.is_file():  # loading compares the weights with it
        with storage_errors("read", digest_file):
            return Base(name, digest_file.read_bytes().decode("ascii", errors="replace").strip())
    return Base(name, digest(folder))


def write_adapter(adapter: Adapter, base: Base, folder: Path) -> None:
    """Write peft's two files into an existing folder. Raises StorageError."""
    tensors = {}
    for layer, (down, up) in adapter.matrices.items():
        tensors[f"{_PREFIX}{layer}.lora_A.weight"] = down.contiguous()
        tensors[f"{_PREFIX}{layer}.lora_B.weight"] = up.contiguous()
    config = {
        "peft_type": "LORA",
        "base_model_name_or_path": base.name,
        "r": adapter.rank,
        "lora_alpha": adapter.alpha,
        "target_modules": sorted(adapter.matrices),
        "lora_dropout": 0.0,
        "bias": "none",
        "task_type": None,
        "inference_mode": True,
    }
    with storage_errors("write", folder / WEIGHTS_FILE):
        save_file(tensors, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    atomic_write_text(folder / CONFIG_FILE, json.dumps(config, indent=2) + "\n")


def read_adapter(folder: Path, base: Base) -> Adapter:
    """Read an undamaged adapter of `base`. Raises WeightsError, which names both bases when they differ."""
    version = check_version(folder, base)
    return replace(_read(folder), keep_tokens=_read_share(version.get("keep_tokens")))


def _read_share(value: object) -> float | None:
    """A share in (0, 1]; None for anything else."""
    return float(value) if isinstance(value, int | float) and 0 < value <= 1 else None


def _read(folder: Path) -> Adapter:
    config = read_json(folder / CONFIG_FILE)
    unsupported = [key for key in _OTHER_KINDS if config.get(key)]
    if config.get("peft_type") != "LORA" or unsupported:
        raise WeightsError(
            f"{folder} is no plain LoRA ({', '.join(unsupported) or 'peft_type'}). Adapt again."
        )
    try:
        tensors = load_file(folder / WEIGHTS_FILE)
        layers = sorted({name.rpartition(".lora_")[0] for name in tensors})
        matrices = {
            layer.removeprefix(_PREFIX): (
                tensors[f"{layer}.lora_A.weight"].float(),
                tensors[f"{layer}.lora_B.weight"].float(),
            )
            for layer in layers
        }
        return Adapter(int(config["r"]), float(config["lora_alpha"]), matrices)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"The adapter in {folder} is damaged ({error}). Roll back, or adapt again."
        ) from error


@dataclass(frozen=True)
class _State:
    """Changed weights by layer, and the pruner to answer with."""

    weights: dict[str, torch.Tensor]
    pruner: Pruner | None


class AdapterSlot:
    """The one place for an adapter in a loaded model. Not safe for several threads.

    A second, resting adapter may lie under it, which answers while there is no other or that is suspended.
    Each changed layer keeps its loaded, resting and adapted weights; switching moves pointers, so every
    state is restored to the bit. The pruner is switched too, where adapters choose it.
    """

    def __init__(self, vlm: VisionLanguageModel) -> None:
        self._vlm, self._module, self._name = vlm, vlm.module, vlm.name
        self._loaded: dict[str, torch.Tensor] = {}
        self._bare = _State({}, vlm.pruner)
        self._resting = self._bare
        self._active: _State | None = None

    def activate(self, adapter: Adapter | None) -> None:
        """Put an adapter in, in place of the one before; None leaves the model at rest.

        It changes the loaded weights; the resting adapter does not add to it. Raises WeightsError, and
        changes nothing, when it does not fit the model.
        """
        state = None if adapter is None else self._build_state(adapter)
        self._set_states(self._resting, state)

    def rest_on(self, adapter: Adapter | None) -> None:
        """Set the resting adapter; None for the base. Raises WeightsError as `activate` does."""
        self._set_states(self._bare if adapter is None else self._build_state(adapter), self._active)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Inside, the model is at rest. Nothing is computed or copied."""
        self._use(self._resting)
        try:
            yield
        finally:
            self._use(self._in_use())

    @contextmanager
    def bare(self) -> Iterator[None]:
        """Inside, the base answers as it was loaded."""
        self._use(self._bare)
        try:
            yield
        finally:
            self._use(self._in_use())

    def deactivate(self) -> None:
        """Leave the model at rest: without a resting adapter the base, to the bit."""
        self.activate(None)

    def _in_use(self) -> _State:
        return self._resting if self._active is None else self._active

    def _use(self, state: _State) -> None:
        for name, loaded in self._loaded.items():
            self._weight(name).data = state.weights.get(name, loaded)
        if self._vlm.adapters_choose:
            self._vlm.pruner = state.pruner

    def _set_states(self, resting: _State, active: _State | None) -> None:
        """Set both states, and keep the loaded weights of their layers alone."""
        self._use(self._bare)
        self._resting, self._active = resting, active
        changed = {**resting.weights, **(active.weights if active else {})}
        self._loaded = {name: self._weight(name).data for name in changed}
        self._use(self._in_use())

    @torch.no_grad()
    def _build_state(self, adapter: Adapter) -> _State:
        """The changed weights and the pruner of an adapter."""
        changes = {name: adapter.change(name) for name in adapter.matrices}
        for name, change in changes.items():
            self._check(name, change)
        loaded = {name: self._loaded.get(name, self._weight(name).data) for name in changes}
        weights = {name: loaded[name] + change.to(loaded[name]) for name, change in changes.items()}
        share = adapter.keep_tokens
        return _State(weights, self._bare.pruner if share is None else pruner(share))

    def _check(self, name: str, change: torch.Tensor) -> None:
        layers = dict(self._module.named_modules())
        layer = layers.get(name)
        fits = isinstance(layer, nn.Linear) and layer.weight.shape == change.shape
        if not fits or not bool(change.isfinite().all()):
            raise WeightsError(
                f"The adapter's layer {name} {tuple(change.shape)} does not fit {self._name}. Adapt again."
            )

    def _weight(self, name: str) -> torch.Tensor:
        return self._module.get_parameter(f"{name}.weight")
