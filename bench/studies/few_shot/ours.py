"""Where the product's own training is called: what `roomwise` in a study's table stands for."""

from collections.abc import Sequence

from adapters.jobs.request import Recipe
from adapters.training.probe import probe_set
from adapters.training.train import Data, train
from agent.learning.requests import probe_folder
from core.types import Example
from models.lora import Adapter, base_of
from models.vlm import VisionLanguageModel


def make_ready(student: VisionLanguageModel) -> None:
    """Make what all rooms share, before several processes need it at once."""
    probe_set(student, base_of(student.name), probe_folder(student.name))


def trained(
    student: VisionLanguageModel,
    pairs: Sequence[Example],
    extra: Sequence[Example],
    recipe: Recipe,
    seed: int,
) -> Adapter:
    """What the product would learn from these pairs and from what the agent asked; signals, where an example
    names one, included.
    """
    probe = probe_set(student, base_of(student.name), probe_folder(student.name))
    adapter = train(student, Data(pairs, probe=probe, extra=extra), recipe, seed, _unheard, _no_time)
    assert adapter is not None  # only time's end leaves none
    return adapter


def _unheard(step: int, loss: float) -> None:
    return None


def _no_time() -> float:
    return 0.0
