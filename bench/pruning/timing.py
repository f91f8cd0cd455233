"""Time answers of a fixed length with more and with fewer vision tokens, in turns."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bench.measure.intervals import bootstrap_percentile, ratio_of_medians
from bench.measure.report import Row, Value, measured
from models.decoding import greedy
from models.token_pruning import By, Pruning, Rule
from models.vlm import Pruner, VisionLanguageModel, VisionTokens

WARM_UPS = 3


@dataclass(frozen=True)
class ShareTimes:
    """For each share, in the same order of repeats, milliseconds [n]: of all before the first token is known,
    and of all; of all what the processor spent on it, threads added up, which other programs that want it do
    not lengthen; and how many vision tokens the language model read.
    """

    prefill: dict[float, NDArray[np.float64]]
    whole: dict[float, NDArray[np.float64]]
    processor: dict[float, NDArray[np.float64]]
    tokens: dict[float, int]


def time_answers(
    vlm: VisionLanguageModel,
    vision: VisionTokens,
    questions: Sequence[str],
    shares: Sequence[float],
    repeats: int,
    length: int,
    by: By,
    seed: int,
    on_repeat: Callable[[], None],
) -> ShareTimes:
    """Every repeat asks one question at all shares, in an order drawn anew, after some that do not count.

    An answer has `length` tokens whatever they are, so that none is shorter and thus faster. Choosing the
    tokens is part of the time.
    """
    rng = np.random.default_rng(seed)
    prefill = {share: np.empty(repeats) for share in shares}
    whole = {share: np.empty(repeats) for share in shares}
    processor = {share: np.empty(repeats) for share in shares}
    tokens = {}
    for number in range(-WARM_UPS, repeats):
        question = questions[number % len(questions)]
        for share in rng.permutation(np.array(shares)).tolist():
            pruner = None if share >= 1 else Pruning(Rule(share=share), by)
            spent = time.process_time()
            first, last = _time_tokens(vlm, vision, question, pruner, length)
            if number >= 0:
                prefill[share][number], whole[share][number] = first, last
                processor[share][number] = 1000 * (time.process_time() - spent)
        on_repeat()
    for share in shares:
        part = None if share >= 1 else Pruning(Rule(share=share), by)(vlm, vision, questions[:1])
        tokens[share] = int((part or vision).tokens.shape[1])
    return ShareTimes(prefill, whole, processor, tokens)


def _time_tokens(
    vlm: VisionLanguageModel, vision: VisionTokens, question: str, pruner: Pruner | None, length: int
) -> tuple[float, float]:
    began = time.perf_counter()
    times = []
    with torch.inference_mode(), vlm.pruned_by(pruner):
        for _ in greedy(vlm.begin(vision, [question]), (), length):
            if vlm.device.type == "cuda":
                torch.cuda.synchronize(vlm.device)
            times.append(1000 * (time.perf_counter() - began))
    return times[0], times[-1]


def timing_rows(model: str, timing: ShareTimes, seed: int) -> list[Row]:
    """Medians with 95 % intervals, and how many times faster than with all tokens: medians of the same draws.

    `share` 1 must be among them.
    """
    rows: list[Row] = []
    for share in timing.whole:
        about: dict[str, Value] = {"model": model, "share": share, "vision_tokens": timing.tokens[share]}
        series = {"language_ms": timing.whole, "prefill_ms": timing.prefill, "processor_ms": timing.processor}
        for metric, times in series.items():
            rows.append(measured(bootstrap_percentile(times[share], 50, seed=seed), metric=metric, **about))
        for metric, times in (("times_faster", timing.whole), ("times_less_work", timing.processor)):
            ratio = ratio_of_medians(times[1.0], times[share], seed=seed)
            rows.append(measured(ratio, metric=metric, **about))
    return rows
