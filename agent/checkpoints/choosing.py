"""Write which model is student and which is expert into the settings' file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.config import find_config, load_config
from core.errors import InputError, UnknownModelError
from core.files import atomic_write_text, config_dir
from core.sections import FILE_NAME, variable_name
from core.settings_file import Setting, with_settings
from core.text import did_you_mean
from core.untrusted import read_bytes
from models.known import BUILTIN, HUB
from models.pins import hub_folder

ROLES = ("student", "expert")


@dataclass(frozen=True)
class Preset:
    """A pair for a kind of machine: bytes of its memory that processes can have, bytes of a weight as it is
    loaded there, and what CUDA takes of that memory for each process.
    """

    student: str
    expert: str
    memory: int
    weight_bytes: int
    cuda: int = 0
    looks: int = 1
    extra: int = 40

    @property
    def settings(self) -> dict[str, Setting]:
        """The settings that it stands for."""
        return {
            "student.model": self.student,
            "expert.model": self.expert,
            "expert.looks": self.looks,
            "expert.extra": self.extra,
            "adaptation.seconds": 600.0,
        }


_GB = 1_000_000_000
PRESETS = {
    # 16 GB, of which a desktop takes four.
    "laptop": Preset("smolvlm-256m", "internvl3-1b", 12 * _GB, 4),
    # 7.4 GiB are there, and 0.8 GB taken by a system without a desktop.
    "jetson-8gb": Preset("smolvlm-256m", "internvl3-1b", 7_200_000_000, 2, cuda=500_000_000),
    "gpu": Preset("smolvlm2-500m", "qwen2.5-vl-7b", 24 * _GB, 2, cuda=500_000_000, looks=5, extra=400),
}


@dataclass(frozen=True)
class Chosen:
    """What was written where, by dotted key. `overruled` are variables of the environment that win over it,
    `missing` models that are not on this machine.
    """

    file: Path
    settings: Mapping[str, Setting]
    overruled: tuple[str, ...]
    missing: tuple[str, ...]


def wanted_settings(name: str | None, role: str, preset: str | None) -> dict[str, Setting]:
    """The settings of a model in a role, or of a preset. Raises InputError, UnknownModelError."""
    if (name is None) == (preset is None):
        raise InputError("Give the name of a model, or a --preset.")
    if preset is None:
        return role_settings(name or "", role)
    if preset not in PRESETS:
        raise InputError(f"There is no preset {preset!r}. {did_you_mean(preset, PRESETS)}")
    return PRESETS[preset].settings


def role_settings(name: str, role: str) -> dict[str, Setting]:
    """The setting that makes a model student or expert. Raises UnknownModelError, InputError."""
    if role not in ROLES:
        raise InputError(f"Nothing can be {role!r}. Say --as student or --as expert.")
    if name in BUILTIN or name in HUB:
        if role == "student" and name in HUB and HUB[name].expert_only:
            raise InputError(f"{name} can be expert alone. Say --as expert.")
        return {f"{role}.model": name}
    folder = Path(name)
    if not (folder / "config.json").is_file():
        names = [*BUILTIN, *HUB]
        raise UnknownModelError(
            f"There is no model or folder {name!r}. {did_you_mean(name, names)} See: roomwise models list"
        )
    return {f"{role}.model": str(folder.resolve())}


def choose(settings: Mapping[str, Setting]) -> Chosen:
    """Write settings into the file that applies, or a new one of the user's own.

    Raises ConfigError for a file that is wrong as it is, or is not changed safely.
    """
    load_config()
    file = find_config()
    text = "" if file is None else read_bytes(file).decode("utf-8-sig")
    file = (file or config_dir() / FILE_NAME).resolve()  # a link stays one
    atomic_write_text(file, with_settings(text, settings))
    overruled = tuple(name for name in map(variable_name, settings) if name in os.environ)
    models = [value for key, value in settings.items() if key.endswith(".model")]
    missing = tuple(str(value) for value in models if value in HUB and hub_folder(str(value)) is None)
    return Chosen(file, settings, overruled, missing)
