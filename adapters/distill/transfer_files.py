"""Keep fitted autoencoders in a folder: the numbers as safetensors, what they are as JSON.

The one place beside these pure functions that reads and writes. What was damaged is named, not computed with.
"""

import json
from pathlib import Path
from typing import Any, get_args

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from adapters.distill.autoencoder import Autoencoder
from adapters.distill.scaling import Form, Scale
from adapters.distill.transfer import Calibration, Pairing, Transfer
from core.errors import WeightsError
from core.files import atomic_directory, sha256_file, storage_errors

_FORMAT = "roomwise-attention-transfer-1"
_ABOUT, _WEIGHTS = "transfer.json", "transfer.safetensors"
_DAMAGED = "The autoencoders in {} are damaged ({}). Delete the folder and fit them again."


def save_transfer(transfer: Transfer, folder: Path) -> None:
    """Write a fitted transfer to a new folder, whole or not at all. Raises StorageError when it exists."""
    tensors = {
        name: values.detach().cpu().contiguous()
        for name, values in transfer.state_dict().items()
        if not (transfer.pairing == "shared" and name.startswith("student."))  # the same one twice
    }
    with atomic_directory(folder) as new:
        (new / _WEIGHTS).write_bytes(save(tensors))
        about = {
            "format": _FORMAT,
            "pairing": transfer.pairing,
            "shape": list(transfer.teacher.shape),
            "width": transfer.teacher.width,
            "variational": transfer.teacher.variational,
            "form": transfer.form,
            "sha256": sha256_file(new / _WEIGHTS),
        }
        (new / _ABOUT).write_text(json.dumps(about, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def load_transfer(folder: Path) -> Transfer:
    """What `save_transfer` wrote, on the CPU. Raises StorageError, and WeightsError when it is damaged."""
    with storage_errors("read", folder):
        raw, data = (folder / _ABOUT).read_bytes(), (folder / _WEIGHTS).read_bytes()
    try:
        about = json.loads(raw)
        if about["format"] != _FORMAT:
            raise ValueError(f"its format is {about['format']!r}")
        if about["sha256"] != sha256_file(folder / _WEIGHTS):
            raise ValueError("the weights are not those that were written")
        return _rebuilt(about, load(data))
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise WeightsError(_DAMAGED.format(folder, error)) from error


def transfer_name(folder: Path) -> str:
    """The SHA-256 of a kept transfer's weights, by which two machines know that they have the same one."""
    return sha256_file(folder / _WEIGHTS)


def _rebuilt(about: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Transfer:
    pairing: Pairing = about["pairing"]
    if pairing not in get_args(Pairing):
        raise ValueError(f"no pairing {pairing!r}")
    form: Form = about["form"]
    if form not in get_args(Form):
        raise ValueError(f"no form {form!r}")
    channels, rows, cols = (int(size) for size in about["shape"])
    pair = [_autoencoder(about, (channels, rows, cols), "teacher", tensors)]
    pair.append(pair[0] if pairing == "shared" else _autoencoder(about, pair[0].shape, "student", tensors))
    scale = Scale(tensors["mean"], tensors["spread"])
    calibration = Calibration(**{name: tensors[name] for name in Calibration.__dataclass_fields__})
    return Transfer(pairing, (pair[0], pair[1]), form, scale, calibration)


def _autoencoder(
    about: dict[str, Any], shape: tuple[int, int, int], whose: str, tensors: dict[str, torch.Tensor]
) -> Autoencoder:
    autoencoder = Autoencoder(*shape, int(about["width"]), bool(about["variational"]))
    prefix = f"{whose}."
    autoencoder.load_state_dict({
        name.removeprefix(prefix): values for name, values in tensors.items() if name.startswith(prefix)
    })
    return autoencoder
