"""`roomwise bench latency`: from picture and question to words, against plain `generate()`.

Both sides hold the same weights in this process and take turns, in an order that alternates, so that
whatever else the machine does hits both. The other side is what a user would write instead:
`from_pretrained`, the processor, `generate`, `batch_decode`, all with their defaults, greedy.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from bench.measure.intervals import bootstrap_percentile, exactly, ratio_of_medians
from bench.measure.options import Json
from bench.measure.report import Report, Row, Value, emit, measured
from core.config import load_config
from core.errors import ModelError
from core.scoring import exact_match
from models.images import load_image
from models.registry import load_model, model_folder, no_progress_bars
from models.vlm import VisionLanguageModel

QUESTIONS = (
    "What colour is the sofa?",
    "How many chairs are there?",
    "What is on the table?",
    "Is there a lamp in the room?",
    "Which is nearer, the bed or the shelf?",
    "What is the rug made of?",
)
_WARM_UPS = 3

Answerer = Callable[[Image.Image, str], str]

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class LatencyPairs:
    """Milliseconds of each pair of answers [n], and the share of pairs that gave the same answer."""

    ours: NDArray[np.float64]
    plain: NDArray[np.float64]
    same: float


@app.command()
def latency(
    model: Annotated[
        str | None, typer.Option("--model", help="A model's name or folder. Default: student.model.")
    ] = None,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Pairs of answers to time.")] = 60,
    image: Annotated[Path | None, typer.Option("--image", help="A picture; default: a made-up one.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="For the picture and the intervals.")] = 0,
    as_json: Json = False,
) -> None:
    """Time an answer, image included, and the same answer by plain generate().

    A ratio below 1 means that ours is faster. Medians, with 95 % bootstrap intervals over the pairs.

    Example: roomwise bench latency --json
    """
    config = load_config()
    name = model if model is not None else config.student.model
    picture = made_up_picture(seed) if image is None else load_image(image, config.images.max_pixels)
    limit = config.student.max_new_tokens
    ours = load_model(name)
    timing = measure(answerer(ours, limit), plain_answerer(ours, limit), picture, QUESTIONS, repeats)
    emit(Report("bench latency", seed, rows(name, timing, seed)), json=as_json)


def made_up_picture(seed: int) -> Image.Image:
    """A camera's frame, 640 x 480, of coloured patches. What it shows does not change how long it takes."""
    patches = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(patches).resize((640, 480), Image.Resampling.BICUBIC)


def answerer(vlm: VisionLanguageModel, max_new_tokens: int) -> Answerer:
    """Our way."""
    return lambda picture, question: vlm.answer(picture, question, max_new_tokens).text


def plain_answerer(vlm: VisionLanguageModel, max_new_tokens: int) -> Answerer:
    """What a user would write instead, on weights loaded from the same folder.

    Raises ModelError for families whose processors need an optional library or a chat template.
    """
    if vlm.family != "florence2":
        raise ModelError(f"{vlm.name} is a {vlm.family} model. Choose one of the Florence-2 family.")
    folder = model_folder(vlm.name)
    with no_progress_bars():
        model: Any = AutoModelForImageTextToText.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    model.to(vlm.device)
    processor: Any = AutoProcessor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)

    def answer(picture: Image.Image, question: str) -> str:
        inputs = processor(text=question, images=picture, return_tensors="pt").to(vlm.device, model.dtype)
        ids = model.generate(**inputs, max_new_tokens=max_new_tokens, do_sample=False, num_beams=1)
        return str(processor.batch_decode(ids, skip_special_tokens=True)[0]).strip()

    return answer


def measure(
    ours: Answerer, plain: Answerer, picture: Image.Image, questions: Sequence[str], repeats: int
) -> LatencyPairs:
    """Time `repeats` pairs, going round the questions; who is first alternates."""
    for question in questions[:_WARM_UPS]:
        ours(picture, question), plain(picture, question)
    times = np.empty((repeats, 2))
    same = 0
    for pair in range(repeats):
        question = questions[pair % len(questions)]
        # Not in step with the questions: each question is seen in both orders.
        first = (pair // len(questions)) % 2 ^ pair % 2
        answers = {}
        for side in (first, 1 - first):
            began = time.perf_counter()
            answers[side] = (ours, plain)[side](picture, question)
            times[pair, side] = 1000 * (time.perf_counter() - began)
        same += exact_match(answers[0], answers[1])
    return LatencyPairs(times[:, 0], times[:, 1], same / repeats)


def rows(name: str, timing: LatencyPairs, seed: int) -> list[Row]:
    """Median and 95th percentile of both sides in ms, their ratio of medians, and how often they agreed."""
    result: list[Row] = []
    for method, times in (("roomwise", timing.ours), ("generate", timing.plain)):
        for percentile in (50, 95):
            interval = bootstrap_percentile(times, percentile, seed=seed)
            identity = {"model": name, "method": method, "statistic": f"p{percentile}"}
            result.append(measured(interval, metric="latency_ms", **identity))
    threads = torch.get_num_threads()
    shared: dict[str, Value] = {"model": name, "method": "roomwise / generate", "threads": threads}
    ratio = ratio_of_medians(timing.ours, timing.plain, seed=seed)
    result.append(measured(ratio, metric="ratio", statistic="p50", **shared))
    return [*result, measured(exactly(timing.same, len(timing.ours)), metric="same_answer", **shared)]
