"""Autoencoders of both models' maps, fitted once a seed on rooms for training, never on those measured.

Maps are those of every question of a room asked of every one of its frames, both models as they were loaded.
"""

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from agent.recording.visit import VisitTurn
from bench.studies.distill.computed import ReadingPair, canonical
from bench.studies.distill.few_shot import read, sides
from bench.studies.distill.fitting import FitSettings
from bench.studies.distill.pairing import fit_transfer
from bench.studies.distill.reading import ModelReading
from bench.studies.distill.transfer import Pairing, Transfer, load_transfer, save_transfer
from bench.studies.few_shot.rooms import StudyPlan, load_pictures, model, render_turns
from core.files import atomic_write_bytes, storage_errors
from models.vlm import VisionLanguageModel

SPLIT = "train"
ROOMS = 24
Maps = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class CodeFit:
    """How codes are made comparable, of which maps, and whether they are distributions."""

    pairing: Pairing
    rolled: bool = False
    variational: bool = False


FITS = {
    "literal": CodeFit("literal"),
    "shared": CodeFit("shared"),
    "joint": CodeFit("joint"),
    "map": CodeFit("map"),
    "rollout": CodeFit("literal", rolled=True),
    "variational": CodeFit("literal", variational=True),
}
"""As the slides read, all are `literal`: two autoencoders that were trained apart."""


def room_maps(plan: StudyPlan, index: int) -> Maps:
    """Canonical maps of one room, by whose they are and whether they are rolled out: [n, K, rows, cols]."""
    turns = render_turns(plan, SPLIT, index)
    frames = list({turn.frame: turn for turn in turns}.values())
    maps: dict[str, list[torch.Tensor]] = {}
    for frame in frames:
        student, expert = (_read(model(name), frame, turns) for name in (plan.student, plan.expert))
        pair = ReadingPair(student, expert, sides=sides(student, expert))
        for rolled in (False, True):
            for who, reading in (("student", student), ("teacher", expert)):
                maps.setdefault(_key(who, rolled), []).append(canonical(reading, pair, rolled))
    counts = np.repeat(np.arange(len(frames)), len(turns)) + 1000 * index
    return {
        "images": counts.astype(np.float32),
        **{key: torch.cat(parts).cpu().numpy() for key, parts in maps.items()},
    }


def save_maps(path: Path, rooms: list[Maps]) -> None:
    """Keep the maps of all rooms in one file."""
    buffer = io.BytesIO()
    np.savez(buffer, **{key: np.concatenate([room[key] for room in rooms]) for key in rooms[0]})  # type: ignore[arg-type]  # numpy's stub takes the names for options
    atomic_write_bytes(path, buffer.getvalue())


def maps_path(plan: StudyPlan) -> Path:
    """Where the maps of all rooms are kept."""
    return plan.out / "maps.npz"


def fit_path(plan: StudyPlan, name: str, seed: int) -> Path:
    """The folder of fitted autoencoders."""
    return plan.out / "autoencoders" / f"{name}-{seed}"


def fit(plan: StudyPlan, name_and_seed: tuple[str, int]) -> None:
    """Fit these autoencoders, unless that was done before."""
    name, seed = name_and_seed
    folder = fit_path(plan, name, seed)
    if folder.is_dir():
        return
    torch.set_num_threads(1)
    settings, path = FITS[name], maps_path(plan)
    with storage_errors("read", path), np.load(path) as arrays:
        teacher, student = (
            torch.from_numpy(arrays[_key(who, settings.rolled)]) for who in ("teacher", "student")
        )
        images = torch.from_numpy(arrays["images"]).long()
    fitting = FitSettings(variational=settings.variational, seed=seed)
    save_transfer(fit_transfer(teacher, student, settings.pairing, fitting, images), folder)


@lru_cache(maxsize=64)
def load_fit(folder: Path) -> Transfer:
    """The autoencoders in a folder, read once in this process."""
    return load_transfer(folder)


@torch.no_grad()
def _read(vlm: VisionLanguageModel, frame: VisitTurn, turns: tuple[VisitTurn, ...]) -> ModelReading:
    """All questions of a room asked of one frame; what is answered does not show in the encoder's maps."""
    features = vlm.constant_features(vlm.prepare(load_pictures([frame])))
    wide = features.expand(len(turns), *features.shape[1:])
    return read(vlm, wide, [turn.question for turn in turns], [turn.answer for turn in turns], maps=True)


def _key(who: str, rolled: bool) -> str:
    return f"{who} rolled" if rolled else who
