"""Try what a model is needed for: answer, stream, show where it looks, learn, hand over its adapter.

Nothing is changed but memory: pictures come with the program, and files go to a folder that is deleted.
"""

import contextlib
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from peft import PeftModel

import adapters.training
from adapters.jobs.request import Recipe
from adapters.training.costs import measure
from agent.machine.meters import peak_memory
from core.errors import ModelError, RoomwiseError
from core.text import strip_controls
from core.types import Example
from models.adapter_files import Base
from models.footprint import LEAST_ROWS, footprint
from models.images import load_image
from models.inside.attention import attention_maps, teacher_forced_with_maps
from models.lora import Adapter, AdapterSlot, write_adapter
from models.lora_training import attach, detach, extract
from models.registry import load_model, model_folder
from models.vlm import VisionLanguageModel

_QUESTIONS = {
    "What colour is the sofa?": "red",
    "How many chairs are there?": "two",
    "What is this?": "a room",
}
_PICTURES = Path(adapters.training.__file__ or "").parent / "pictures"
_LONGEST = 8
_MAX_PIXELS = 50_000_000
_RANK, _LAYERS = 4, 8
_STRENGTH = 0.1
"""Of random adapters: enough to be told from what half precision rounds off."""
_ALIKE = 0.25
"""Share of its change of the logits in which two ways of computing it may differ."""


@dataclass
class Trial:
    """One thing that was tried: how it went, in words, and the seconds it took."""

    name: str
    works: bool
    told: str
    seconds: float


@dataclass
class Tried:
    """A model and everything that was tried with it. `vision_tokens` of a picture; `peak_bytes` of this
    process, and on a GPU of what torch held there; `learn_bytes` that learning is estimated to take, None if
    unknown.
    """

    name: str
    family: str
    device: str
    dtype: str
    vision_tokens: int = 0
    peak_bytes: int = 0
    gpu_bytes: int = 0
    learn_bytes: int | None = None
    steps: list[Trial] = field(default_factory=list)

    def works(self, *names: str) -> bool:
        """Whether all of these steps went well."""
        return all(step.works for step in self.steps if step.name in names)

    @property
    def student(self) -> bool:
        """It answers piece by piece, and an adapter teaches it."""
        return self.works("ask", "stream") and self.learns

    @property
    def expert(self) -> bool:
        """It answers. Where it gives maps too, it teaches where to look."""
        return self.works("ask")

    @property
    def learns(self) -> bool:
        """A step of training there and back, and an adapter that peft opens."""
        return self.works("train", "peft")


def try_model(name: str, vision_tokens: int, then: Callable[[Trial], None] = lambda step: None) -> Tried:
    """Load a model and try everything; `then` is called after each step.

    Raises what `models.registry.load_model` does; after that no failure ends it.
    """
    began = time.perf_counter()
    vlm = load_model(name, vision_tokens=vision_tokens)
    tried = Tried(name, vlm.family, str(vlm.device), str(vlm.dtype).removeprefix("torch."))
    millions = sum(weight.numel() for weight in vlm.module.parameters()) / 1e6
    loaded = Trial("load", True, f"{millions:,.1f} M parameters", time.perf_counter() - began)
    tried.steps.append(loaded)
    then(loaded)
    trials = {"ask": _ask, "stream": _stream, "maps": _maps, "train": _train, "peft": _peft}
    for title, trial in trials.items():
        tried.steps.append(_tried(title, trial, vlm))
        then(tried.steps[-1])
    with contextlib.suppress(RoomwiseError):
        tried.vision_tokens = vlm.encode_images([load_image(_picture(), _MAX_PIXELS)]).total
    needs = footprint(model_folder(name), vision_tokens)
    tried.learn_bytes = None if needs is None else needs.of(LEAST_ROWS)
    tried.peak_bytes = peak_memory()
    tried.gpu_bytes = torch.cuda.max_memory_allocated() if vlm.device.type == "cuda" else 0
    return tried


def _tried(title: str, trial: Callable[[VisionLanguageModel], str], vlm: VisionLanguageModel) -> Trial:
    began = time.perf_counter()
    try:
        works, told = True, trial(vlm)
    except (
        RoomwiseError,
        RuntimeError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        MemoryError,
    ) as error:
        works, told = False, next(iter(str(error).splitlines()), type(error).__name__)
    return Trial(title, works, strip_controls(told)[:200], time.perf_counter() - began)


def _picture(number: int = 0) -> Path:
    return _PICTURES / f"{number}.jpg"


def _ask(vlm: VisionLanguageModel) -> str:
    answer = vlm.answer(load_image(_picture(), _MAX_PIXELS), next(iter(_QUESTIONS)), _LONGEST)
    return f'says "{answer.text}"'


def _stream(vlm: VisionLanguageModel) -> str:
    picture, question = load_image(_picture(), _MAX_PIXELS), next(iter(_QUESTIONS))
    pieces = list(vlm.stream(picture, question, _LONGEST))
    whole = vlm.answer(picture, question, _LONGEST).text
    if strip_controls("".join(pieces)) != strip_controls(whole):
        raise ModelError("The pieces are not the answer. Get the model again, or choose another.")
    return f"{len(pieces)} pieces"


def _maps(vlm: VisionLanguageModel) -> str:
    vision = vlm.encode_images([load_image(_picture(), _MAX_PIXELS)])
    question, answer = next(iter(_QUESTIONS.items()))
    maps = attention_maps(teacher_forced_with_maps(vlm, vision, question, answer), vision, "answer")
    if maps is None or not bool(maps.cells.isfinite().all()):
        raise ModelError("There are no maps for the answer's words. Choose another model.")
    return f"{maps.cells.shape[0]} layers of {vision.rows} x {vision.cols} cells"


def _train(vlm: VisionLanguageModel) -> str:
    rows = [
        Example(str(number), question, answer, _picture(number))
        for number, (question, answer) in enumerate(_QUESTIONS.items())
    ]
    costs = measure(vlm, Recipe(targets="later"), rows)
    return f"{costs.row:.3f} s a pair there and back, {costs.picture:.3f} s a picture"


def _peft(vlm: VisionLanguageModel) -> str:
    """An adapter of small random numbers changes answers here as it does in plain peft."""
    targets = vlm.lora_targets()
    # Changed weights are kept beside the loaded ones; of a large model's layers a few say enough.
    adapter = _shaken(vlm, targets[:_LAYERS])
    slot = AdapterSlot(vlm)
    before = _logits(vlm)
    slot.activate(adapter)
    ours = _logits(vlm)
    slot.deactivate()
    module = vlm.module
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about models that it does not know
        write_adapter(adapter, Base(vlm.name, ""), Path(folder))
        wrapped = PeftModel.from_pretrained(module, folder, trust_remote_code=False)
        try:
            theirs = _logits(vlm)
        finally:
            vlm.module = wrapped.unload()
    change, apart = (float((ours - other).abs().max()) for other in (before, theirs))
    if not apart < _ALIKE * change:
        raise ModelError("Plain peft computes something else with the adapter. Choose another model.")
    return f"{len(targets)} layers take an adapter, and peft opens it"


def _shaken(vlm: VisionLanguageModel, targets: list[str]) -> Adapter:
    attach(vlm, _RANK, float(_RANK), targets, 0)
    try:
        fresh = extract(vlm, _RANK, float(_RANK))
    finally:
        detach(vlm)
    generator = torch.Generator().manual_seed(0)
    matrices = {
        name: (down, torch.randn(up.shape, generator=generator) * _STRENGTH)
        for name, (down, up) in fresh.matrices.items()
    }
    return Adapter(_RANK, float(_RANK), matrices)


def _logits(vlm: VisionLanguageModel) -> torch.Tensor:
    vision = vlm.encode_images([load_image(_picture(), _MAX_PIXELS)])
    question, answer = next(iter(_QUESTIONS.items()))
    with torch.inference_mode():
        return vlm.teacher_forced(vision, [question], [answer]).logits.float()
