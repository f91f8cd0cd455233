"""What is left of tokens, maps, answers and time at each width."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from bench.measure.alike import linear_cka
from bench.measure.intervals import bootstrap_mean, bootstrap_percentile, paired_difference, ratio_of_medians
from bench.measure.report import Row, Value, measured
from bench.pair.models import PicturedQuestion, by_picture
from bench.studies.dims.reducers import retained
from bench.studies.dims.ways import Way
from core.scoring import exact_match, nls
from models.decoding import greedy
from models.vlm import VisionLanguageModel, VisionTokens

WHOLE = "all"
_LONGEST = 12
_TIMED, _LENGTH, _WARM_UPS = 16, 8, 3
"""Questions in a timed pass, and tokens of its answers."""
_HALF = 2
"""Bytes of a number as it would be sent or kept."""
_TOKENS = 20_000

Texts = Mapping[tuple[str, int], Sequence[str]]


@torch.inference_mode()
def answers(
    vlm: VisionLanguageModel,
    reduced: Sequence[Way],
    pictured: Sequence[PicturedQuestion],
    on_picture: Callable[[], None],
) -> tuple[Texts, VisionTokens]:
    """What each way says to every question, all numbers under (WHOLE, D); and the pictures' tokens."""
    pictures = by_picture(pictured)
    vision = vlm.encode_images([picture for picture, _ in pictures])
    channels = int(vision.tokens.shape[2])
    all_ways = [Way(WHOLE, channels, vlm, None), *reduced]
    texts = {(way.method, way.width): [""] * len(pictured) for way in all_ways}
    for number, (_, places) in enumerate(pictures):
        questions = [pictured[place].question.text for place in places]
        for way in all_ways:
            replies = way.vlm.answer_many(way.reduced(vision.select([number])), questions, _LONGEST)
            for place, answer in zip(places, replies, strict=True):
                texts[way.method, way.width][place] = answer.text
        on_picture()
    return texts, vision


def answer_rows(model: str, texts: Texts, pictured: Sequence[PicturedQuestion], seed: int) -> Iterator[Row]:
    """Exact match and NLS, and the difference from all numbers on the same questions; over rooms."""
    rooms = [question.room for question in pictured]
    truth = [question.question.answer for question in pictured]
    right = {key: np.array(list(map(exact_match, correct, truth))) for key, correct in texts.items()}
    right_whole = next(correct for (method, _), correct in right.items() if method == WHOLE)
    for (method, width), correct in right.items():
        about: dict[str, Value] = {"model": model, "method": method, "width": width}
        yield measured(bootstrap_mean(correct, rooms, seed=seed), metric="exact", **about)
        near = list(map(nls, texts[method, width], truth))
        yield measured(bootstrap_mean(near, rooms, seed=seed), metric="nls", **about)
        if method != WHOLE:
            lost = paired_difference(correct, right_whole, rooms, seed=seed)
            yield measured(lost, metric="exact difference", **about)


@torch.no_grad()
def token_rows(
    model: str, reduced: Sequence[Way], vision: VisionTokens, questions: Sequence[str], seed: int
) -> Iterator[Row]:
    """Bytes a token; of reducers also the variance retained, CKA to the whole, and how far the first layer's
    attention moves: KL in nats of the question's words' rows, intervals over pictures.
    """
    first = int(vision.mean_token)
    tokens = vision.tokens[:, first:].flatten(0, 1).float()[:_TOKENS]
    before = _first_layer_maps(reduced[0].vlm, vision, questions)
    yield {
        "model": model, "method": WHOLE, "width": tokens.shape[1], "metric": "bytes_per_token",
        "mean": _HALF * tokens.shape[1],
    }  # fmt: skip
    for way in reduced:
        about: dict[str, Value] = {"model": model, "method": way.method, "width": way.width}
        if way.reducer is None:
            continue
        yield {**about, "metric": "bytes_per_token", "mean": _HALF * way.width}
        yield {**about, "metric": "retained", "mean": retained(way.reducer, tokens)}
        lifted = way.reducer.there_and_back(tokens)
        yield {**about, "metric": "cka", "mean": linear_cka(tokens.cpu(), lifted.cpu())}
        now = _first_layer_maps(way.vlm, way.reduced(vision), questions)
        divergences = [
            float(torch.nn.functional.kl_div(now_row.log(), before_row, reduction="sum") / len(before_row))
            for now_row, before_row in zip(now, before, strict=True)
        ]
        yield measured(bootstrap_mean(divergences, seed=seed), metric="map_kl", **about)


def _first_layer_maps(
    vlm: VisionLanguageModel, vision: VisionTokens, questions: Sequence[str]
) -> list[torch.Tensor]:
    """Of each picture and its question, rows [words, N] that sum to 1."""
    first_layer = vlm.first_layer_attention(vision, questions)
    maps = [rows[words] for rows, words in zip(first_layer.rows, first_layer.words, strict=True)]
    return [(rows / rows.sum(dim=1, keepdim=True)).clamp(min=1e-8) for rows in maps]


@torch.inference_mode()
def seconds(
    vlm: VisionLanguageModel,
    reduced: Sequence[Way],
    vision: VisionTokens,
    questions: Sequence[str],
    repeats: int,
    seed: int,
) -> dict[tuple[str, int], NDArray[np.float64]]:
    """Milliseconds [repeats] of reading `_TIMED` questions and answering in as many tokens each, in turns."""
    channels = int(vision.tokens.shape[2])
    all_ways = [Way(WHOLE, channels, vlm, None), *reduced]
    part = vision.select([number % len(vision) for number in range(_TIMED)])
    texts = [questions[number % len(questions)] for number in range(_TIMED)]
    times = {(way.method, way.width): np.empty(repeats) for way in all_ways}
    rng = np.random.default_rng(seed)
    for number in range(-_WARM_UPS, repeats):
        for place in rng.permutation(len(all_ways)).tolist():
            way = all_ways[place]
            began = time.perf_counter()
            for _ in greedy(way.vlm.begin(way.reduced(part), texts), (), _LENGTH):
                pass
            if number >= 0:
                times[way.method, way.width][number] = 1000 * (time.perf_counter() - began)
    return times


def second_rows(model: str, times: Mapping[tuple[str, int], NDArray[np.float64]], seed: int) -> Iterator[Row]:
    """Medians, and how many times faster than with all numbers: medians of the same draws of repeats."""
    whole_times = next(milliseconds for (method, _), milliseconds in times.items() if method == WHOLE)
    for (method, width), milliseconds in times.items():
        about: dict[str, Value] = {"model": model, "method": method, "width": width}
        yield measured(bootstrap_percentile(milliseconds, 50, seed=seed), metric="language_ms", **about)
        yield measured(ratio_of_medians(whole_times, milliseconds, seed=seed), metric="times_faster", **about)
