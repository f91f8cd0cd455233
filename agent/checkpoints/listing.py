"""Every model by name: whether it is here, what it weighs, what it needs, what it can be."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import WeightsError
from models.footprint import LEAST_ROWS, Footprint, footprint, to_answer, to_learn
from models.known import BUILTIN, HUB
from models.registry import model_folder

FLOAT, HALF = 4, 2
"""Bytes of a weight on a processor, and on a GPU."""
_BYTES = 1_000_000


@dataclass(frozen=True)
class ModelEntry:
    """A model. Bytes: `size` of its weights (in half precision where they are not here), `answer` and `learn`
    of the processes that do so here, None where unknown. `revision`: the commit that is here.
    """

    name: str
    here: bool
    size: int
    licence: str
    answer: int
    learn: int | None
    student: bool
    expert: bool = True
    maps: bool = True
    revision: str = ""


def listing(weight_bytes: int) -> Iterator[ModelEntry]:
    """All known models, those that come with the program first; weights are loaded as `weight_bytes` each."""
    for name in BUILTIN:
        yield _builtin(name)
    for name in HUB:
        yield _of_hub(name, weight_bytes)


def _builtin(name: str) -> ModelEntry:
    folder = _folder(name)
    size = _size(folder) if folder else 0
    return ModelEntry(
        name, folder is not None, size, "apache-2.0", to_answer(size),
        _learn(footprint(folder)) if folder else None, student=True,
    )  # fmt: skip


def _of_hub(name: str, weight_bytes: int) -> ModelEntry:
    model, folder = HUB[name], _folder(name)
    weights = model.millions * _BYTES * weight_bytes
    learning = None if model.expert_only else to_learn(weights, model.shape)
    return ModelEntry(
        name, folder is not None, _size(folder) if folder else model.millions * _BYTES * HALF, model.licence,
        to_answer(weights), _learn(learning), student=not model.expert_only,
        revision=folder.name if folder else "",
    )  # fmt: skip


def _learn(needs: Footprint | None) -> int | None:
    return None if needs is None else needs.of(LEAST_ROWS)


def _folder(name: str) -> Path | None:
    try:
        return model_folder(name)
    except WeightsError:
        return None


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))
