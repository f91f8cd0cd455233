"""`roomwise bench steps`: a step of training with fused attention and with its products one by one.

The same rows, adapter and precision for both, taking turns; the loss is computed, nothing is updated.
"""

import time
from typing import Annotated

import numpy as np
import torch
import typer
from PIL import Image

from adapters.training.questions import general_questions
from bench.measure.intervals import bootstrap_percentile, bootstrap_ratio
from bench.measure.options import Json, Student, Threads
from bench.measure.report import Report, Row, emit, measured
from models.lora_training import attach
from models.loss import answer_cross_entropy
from models.precision import bfloat16_if_fast
from models.registry import load_model
from models.vlm import VisionLanguageModel

_ANSWER = "a room"
_RANK, _ALPHA = 8, 16.0
_WARM_UPS = 2

app = typer.Typer(add_completion=False)


@app.command()
def steps(
    student: Student = "builtin-student",
    rows: Annotated[int, typer.Option("--rows", min=1, help="Questions in a step.")] = 40,
    repeats: Annotated[int, typer.Option("--repeats", min=2, help="Timings of each.")] = 20,
    threads: Threads = 1,
    seed: Annotated[int, typer.Option("--seed", help="Of questions and intervals.")] = 0,
    as_json: Json = False,
) -> None:
    """Time steps of training, forward and backward, with each kind of attention.

    Example: roomwise bench steps --rows 40 --threads 1
    """
    torch.set_num_threads(threads)
    timers = {kind: _Step(load_model(student, attention=kind), rows, seed) for kind in ("eager", "sdpa")}
    for timer in timers.values():
        for _ in range(_WARM_UPS):
            timer.milliseconds()
    times = {kind: list[float]() for kind in timers}
    for _ in range(repeats):
        for kind, timer in timers.items():
            times[kind].append(timer.milliseconds())
    identity: Row = {"rows": rows, "threads": threads, "precision": timers["eager"].precision}
    result = [
        identity | measured(bootstrap_percentile(values, 50, seed=seed), metric="ms", method=kind)
        for kind, values in times.items()
    ]
    ratio = bootstrap_ratio(times["sdpa"], times["eager"], seed=seed)
    result.append(identity | measured(ratio, metric="times_faster", method="eager"))
    emit(Report("bench steps", seed, result), json=as_json)


class _Step:
    """A batch over one picture, with LoRA around all layers that an adapter may have."""

    def __init__(self, vlm: VisionLanguageModel, rows: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        picture = Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
        with torch.no_grad():
            features = vlm.constant_features(vlm.prepare([picture]))
        self._vlm, self._features = vlm, features.expand(rows, *features.shape[1:])
        texts = general_questions(rows, rng)
        self._questions = [texts[place % len(texts)] for place in range(rows)]
        self._parameters = attach(vlm, _RANK, _ALPHA, vlm.lora_targets(), seed)
        self.precision = ""

    def milliseconds(self) -> float:
        """How long one step takes."""
        began = time.perf_counter()
        with bfloat16_if_fast(self._vlm.device):
            vision = self._vlm.project(self._features)
            forced = self._vlm.teacher_forced(vision, self._questions, [_ANSWER] * len(self._questions))
            loss = answer_cross_entropy(forced.logits, forced.labels)
        torch.autograd.grad(loss, self._parameters)
        if forced.logits.is_cuda:
            torch.cuda.synchronize()
        self.precision = str(forced.logits.dtype).removeprefix("torch.")
        return 1000 * (time.perf_counter() - began)
