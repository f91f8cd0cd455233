"""Seconds per answer of one length: features set to zero as the post has it, and tokens really left out."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL.Image import Image

from bench.measure.intervals import bootstrap_mean, bootstrap_ratio
from bench.measure.report import Row, Value, measured
from bench.studies.pruning.maps import (
    class_scores,
    layer_wise,
    patch_scores,
    patch_wise,
    segment_scores,
    tower_maps,
    used_layers,
)
from bench.studies.pruning.published import CHOSEN, LAYER_WISE, PATCH_WISE, PROMPTS, SECONDS, SOURCE, TOKENS
from models.decoding import greedy
from models.token_pruning import Pruning, Rule
from models.vlm import VisionLanguageModel, VisionTokens

METHODS = ("none", "layer-wise", "patch-wise", "half left out")
_WARM_UPS = 3


@dataclass(frozen=True)
class TimedAnswer:
    """One answer: by which method, to which prompt about which picture and when; `said` are its tokens."""

    method: str
    prompt: int
    picture: int
    repeat: int
    seconds: float
    token_ids: tuple[int, ...]


@torch.inference_mode()
def time_methods(
    vlm: VisionLanguageModel, pictures: Sequence[Image], length: int, repeats: int, seed: int,
    on_answer: Callable[[], None],
) -> tuple[list[TimedAnswer], dict[str, float]]:  # fmt: skip
    """All answers, methods in an order drawn anew each time, after warm-ups; and the share that each drops.

    The choice of what to zero is made beforehand, as in the post; that of what to leave out is timed.
    """
    vision_by_method, shares = _zeroed_vision(vlm, pictures)
    rng = np.random.default_rng(seed)
    answers = []
    for repeat in range(-_WARM_UPS, repeats):
        for picture in range(len(pictures)):
            for prompt, text in enumerate(PROMPTS):
                for method in rng.permutation(METHODS).tolist():
                    began = time.perf_counter()
                    pruner = Pruning(Rule(share=0.5)) if method == "half left out" else None
                    with vlm.pruned_by(pruner):
                        steps = vlm.begin(vision_by_method[method].select([picture]), [text])
                        token_ids = tuple(ids[0] for ids, _ in greedy(steps, (), length))
                    if repeat >= 0:
                        seconds = time.perf_counter() - began
                        answers.append(TimedAnswer(method, prompt, picture, repeat, seconds, token_ids))
                on_answer()
            if repeat < 0:  # a warm-up needs one picture
                break
    return answers, shares


def _zeroed_vision(
    vlm: VisionLanguageModel, pictures: Sequence[Image]
) -> tuple[dict[str, VisionTokens], dict[str, float]]:
    """Vision tokens by method, and which share of features each set to zero or leaves out."""
    pixels = vlm.prepare(pictures)
    features = vlm.constant_features(pixels)
    maps = tower_maps(vlm, pixels)
    scores = class_scores([maps[layer] for layer in used_layers(vlm)])
    threshold = CHOSEN * TOKENS / (features.shape[1] + 1)
    by_patch, by_layer = patch_scores(scores, PATCH_WISE), segment_scores(scores, LAYER_WISE)
    whole = vlm.project(features)
    vision_by_method = {
        "none": whole,
        "layer-wise": replace(whole, tokens=vlm.project(layer_wise(features, by_layer, threshold)).tokens),
        "patch-wise": replace(whole, tokens=vlm.project(patch_wise(features, by_patch, threshold)).tokens),
        "half left out": whole,
    }
    shares = {
        "none": 0.0,
        "layer-wise": float((by_layer < threshold).float().mean()),
        "patch-wise": float((by_patch < threshold).float().mean()),
        "half left out": 0.5,
    }
    return vision_by_method, shares


def seconds_rows(
    model: str, answers: Sequence[TimedAnswer], shares: dict[str, float], seed: int
) -> Iterator[Row]:
    """Seconds per answer by method and prompt, the ratio to none over the same answers, how many are the same
    words; intervals over pairs of picture and repeat.
    """
    by_method = {method: [answer for answer in answers if answer.method == method] for method in METHODS}
    none = by_method["none"]
    for method, answers in by_method.items():
        about: dict[str, Value] = {"model": model, "method": method, "dropped": shares[method]}
        for prompt in (None, *range(len(PROMPTS))):
            seconds = [answer.seconds for answer in answers if prompt in (None, answer.prompt)]
            name = "all" if prompt is None else PROMPTS[prompt]
            yield measured(bootstrap_mean(seconds, seed=seed), metric="seconds", prompt=name, **about)
        order = {(answer.prompt, answer.picture, answer.repeat): answer for answer in answers}
        pairs = [(order[answer.prompt, answer.picture, answer.repeat], answer) for answer in none]
        groups = [f"{answer.picture} {answer.repeat}" for answer in none]
        ratio = bootstrap_ratio(
            [a.seconds for a, _ in pairs], [b.seconds for _, b in pairs], groups, seed=seed
        )
        yield measured(ratio, metric="ratio", prompt="all", **about)
        same = bootstrap_mean([a.token_ids == b.token_ids for a, b in pairs], groups, seed=seed)
        yield measured(same, metric="same words", prompt="all", **about)
    for method, total in SECONDS.items():
        published = total / SECONDS["none"]
        yield {
            "model": "llava-7b", "method": f"{method}, published: {SOURCE}", "metric": "ratio",
            "prompt": "all", "mean": published,
        }  # fmt: skip
