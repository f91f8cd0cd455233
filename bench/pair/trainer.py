"""The baseline of `roomwise bench size`: peft around the model, transformers' Trainer around both."""

import time
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments

from adapters.jobs.request import Request
from core.types import Example
from models.images import load_image
from models.loss import answer_cross_entropy
from models.precision import bfloat16_if_fast
from models.prefix_model import PrefixModel
from models.registry import load_model
from models.vlm import VisionLanguageModel

_MAX_PIXELS = 50_000_000
_AT_ONCE = 4


def seconds_of_rows(request: Request, rows: int) -> list[float]:
    """Seconds a row of training, one number a step of four rows, the first step left out."""
    vlm = load_model(request.base)
    targets = vlm.later_targets() if isinstance(vlm, PrefixModel) else vlm.lora_targets()
    config = LoraConfig(
        r=request.recipe.rank, lora_alpha=int(request.recipe.alpha), target_modules=targets, lora_dropout=0.0
    )
    adapted = get_peft_model(vlm.module, config)  # it changes the module's own layers
    examples = [*request.train, *request.hold_out, *request.extra][: rows + _AT_ONCE]
    clock = _Clock()
    with TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=str(Path(folder)), per_device_train_batch_size=_AT_ONCE,
            max_steps=len(examples) // _AT_ONCE,
            save_strategy="no", report_to=[], remove_unused_columns=False, disable_tqdm=True, use_cpu=True,
            learning_rate=request.recipe.rate,
        )  # fmt: skip
        trainer = Trainer(
            model=_Whole(vlm, adapted, clock), args=arguments, train_dataset=_Rows(examples),
            data_collator=lambda examples: {"examples": examples},
        )  # fmt: skip
        trainer.train()
    return [(later - earlier) / _AT_ONCE for earlier, later in pairwise(clock.times[1:])]


class _Clock:
    def __init__(self) -> None:
        self.times: list[float] = []

    def tick(self) -> None:
        self.times.append(time.perf_counter())


class _Rows(Dataset[Example]):
    def __init__(self, examples: list[Example]) -> None:
        self._examples = examples

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> Example:
        return self._examples[index]


class _Whole(nn.Module):
    """Picture and question through the whole model, as anybody would train it."""

    def __init__(self, vlm: VisionLanguageModel, adapted: nn.Module, clock: _Clock) -> None:
        super().__init__()
        self.adapted, self._vlm, self._clock = adapted, vlm, clock

    def forward(self, examples: list[Example]) -> dict[str, torch.Tensor]:
        """The loss of some examples. The clock ticks when they come."""
        self._clock.tick()
        with bfloat16_if_fast(self._vlm.device):
            pixels = self._vlm.prepare([load_image(each.image, _MAX_PIXELS) for each in examples])
            forced = self._vlm.teacher_forced(
                self._vlm.encode_pixels(pixels),
                [each.question for each in examples],
                [each.answer for each in examples],
            )
        return {"loss": answer_cross_entropy(forced.logits, forced.labels)}
