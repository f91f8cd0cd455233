"""A method's adapter from a few pairs, with the expert at hand: plain fine-tuning and the method's terms.

As the published methods do it: the same pairs in every step, in their own words, with nothing to hold the
student to what it was. `adapters.training.train` is the product's; this one is what it is compared with.
Tower features and the expert's reading never change, so they are made once and given here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

from adapters.training.train import warmed_cosine
from bench.studies.distill.bridge import Bridge, new_bridge
from bench.studies.distill.computed import CodeLoss, ReadingPair, compute_term
from bench.studies.distill.reading import ModelReading, reading
from bench.studies.distill.terms import TERMS, Need, Preset
from models.lora import Adapter
from models.lora_training import attach, detach, extract
from models.signal import vocabulary
from models.vlm import VisionLanguageModel


@dataclass(frozen=True)
class BalancedGradients:
    """`gradients` float32, shaped and ordered as the parameters, zeros where no term reaches; `norms`, the
    length of each weighted term's gradient before, and `factors` in [0, 1], what it was multiplied by.
    """

    gradients: list[torch.Tensor]
    norms: dict[str, float]
    factors: dict[str, float]


def balance_gradients(
    terms: Mapping[str, torch.Tensor],
    weights: Mapping[str, float],
    parameters: Sequence[torch.Tensor],
    others: Sequence[torch.Tensor] = (),
    reference: str = "ce",
) -> BalancedGradients:
    """Gradients of the weighted terms' sum, each cut to at most the reference's length over `parameters`.

    `terms` are scalars with one graph, which stays alive; terms of weight 0 are left out, as are those that
    have no gradient. `others`, such as projections, get gradients but their lengths do not count. Without a
    reference nothing is cut; with one whose gradient is 0, all is. One backward pass a term.
    """
    trained = [*parameters, *others]
    by_term = {
        name: _gradients(weights[name] * term, trained)
        for name, term in terms.items()
        if weights.get(name, 0.0) and term.requires_grad
    }
    norms = {name: _norm(gradients[: len(parameters)]) for name, gradients in by_term.items()}
    limit = norms.get(reference, float("inf"))
    factors = {name: 1.0 if norm <= limit else limit / norm for name, norm in norms.items()}
    totals = [torch.zeros_like(parameter, dtype=torch.float32) for parameter in trained]
    for name, gradients in by_term.items():
        totals = [total + factors[name] * part for total, part in zip(totals, gradients, strict=True)]
    return BalancedGradients(totals, norms, factors)


def _gradients(loss: torch.Tensor, parameters: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    gradients = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    return [
        torch.zeros_like(parameter, dtype=torch.float32) if gradient is None else gradient.float()
        for gradient, parameter in zip(gradients, parameters, strict=True)
    ]


def _norm(gradients: Sequence[torch.Tensor]) -> float:
    """The length of all of them as one vector."""
    squares = [gradient.pow(2).sum() for gradient in gradients]
    return float(torch.stack(squares).sum().sqrt()) if squares else 0.0


@dataclass(frozen=True)
class DistillationMethod:
    """Which terms count how much, and how they are descended along.

    `balance`: no term's gradient is longer than the answers'. `drawn`: the bridge stays random, as drawn.
    `codes` are losses of autoencoders by their terms' names.
    """

    weights: Preset
    balance: bool = False
    drawn: bool = False
    codes: Mapping[str, CodeLoss] = field(default_factory=dict)


@dataclass(frozen=True)
class FewShotCourse:
    """How it is trained: LoRA on all that takes it, the projector of vision tokens included.

    Steps and rate are those with which plain fine-tuning did best on 16 rendered validation rooms: 0.556
    exact, where 20 steps at 1e-3 gave 0.550, 40 at 2e-4 0.525, 20 at 5e-4 0.531, and the untouched student
    0.506; at 2e-3 it fell below that on the first 7. The terms of the methods had no say in it.
    """

    rank: int = 8
    alpha: float = 16.0
    steps: int = 40
    rate: float = 5e-4
    beside: float = 1e-3
    """Rate of what is learned beside the student."""
    clip: float = 1.0


@dataclass(frozen=True)
class Pairs:
    """B pairs: the student's tower features [B, ...] of each one's picture, words, the expert's reading."""

    features: torch.Tensor
    questions: Sequence[str]
    answers: Sequence[str]
    teacher: ModelReading


@dataclass(frozen=True)
class Trained:
    """An adapter and what was learned beside it.

    `losses` of the last step by term, without weights; `norms`, the length of each weighted term's gradient
    over the adapter's matrices halfway through.
    """

    adapter: Adapter
    bridge: Bridge
    losses: Mapping[str, float]
    norms: Mapping[str, float]


def read(
    vlm: VisionLanguageModel, features: torch.Tensor, questions: Sequence[str], answers: Sequence[str],
    maps: bool,
) -> ModelReading:  # fmt: skip
    """One model's pass over known answers, with gradients where enabled; `features` has a row a question.

    Raises ModelError when `maps` are asked of a model that was not loaded with attention="eager".
    """
    vision = vlm.project(features)
    forced = vlm.teacher_forced(vision, questions, answers, attentions=maps)
    spans = [vlm.question_spans(question) for question in questions]
    return reading(forced, vision, spans, vocabulary(vlm.tokenizer))


def sides(student: ModelReading, teacher: ModelReading) -> tuple[int, int]:
    """The grid of canonical maps: the finer of both, so that neither model's map loses anything."""
    rows, cols = (max(pair) for pair in zip(student.grid, teacher.grid, strict=True))
    return rows, cols


def train_few(
    vlm: VisionLanguageModel, pairs: Pairs, method: DistillationMethod, course: FewShotCourse, seed: int = 0
) -> Trained:
    """Train an adapter; the model is left as it was. Same arguments, same adapter, with as many threads.

    Raises ValueError when no term counts, KeyError when an autoencoder is missing.
    """
    if not method.weights:
        raise ValueError("a method without a term has nothing to learn")
    bridge = _bridge(vlm, pairs, method, seed)
    beside = [] if method.drawn else bridge.parameters()
    parameters = attach(vlm, course.rank, course.alpha, vlm.lora_targets(), seed)
    try:
        losses, norms = _descend(vlm, pairs, method, course, bridge, (parameters, beside))
        return Trained(extract(vlm, course.rank, course.alpha), bridge, losses, norms)
    finally:
        detach(vlm)


def _bridge(vlm: VisionLanguageModel, pairs: Pairs, method: DistillationMethod, seed: int) -> Bridge:
    if not any(TERMS[name].through for name in method.weights):
        return Bridge()
    with torch.no_grad():
        ours = read(vlm, pairs.features, pairs.questions, pairs.answers, maps=True)
    bridge = new_bridge(method.weights, ours, pairs.teacher, seed)
    for part in (bridge.mixed, bridge.pointwise, bridge.width):
        if part is not None:
            part.to(vlm.device).requires_grad_(not method.drawn)
    return bridge


def _descend(
    vlm: VisionLanguageModel,
    pairs: Pairs,
    method: DistillationMethod,
    course: FewShotCourse,
    bridge: Bridge,
    learned: tuple[list[nn.Parameter], list[nn.Parameter]],
) -> tuple[dict[str, float], dict[str, float]]:
    """Losses of the last step, gradients' lengths halfway; `learned` are the adapter's and the bridge's."""
    rates = (course.rate, course.beside)
    groups = [{"params": part, "lr": rate} for part, rate in zip(learned, rates, strict=True) if part]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.0, betas=(0.9, 0.99))
    maps = any(TERMS[name].needs & {Need.MAPS} for name in method.weights)
    weights = {name: weight for name, weight in method.weights.items() if weight}
    losses: dict[str, float] = {}
    norms: dict[str, float] = {}
    for step in range(course.steps):
        for group, rate in zip(optimiser.param_groups, rates, strict=False):
            group["lr"] = rate * warmed_cosine(step, course.steps)
        ours = read(vlm, pairs.features, pairs.questions, pairs.answers, maps)
        pair = ReadingPair(ours, pairs.teacher, bridge, method.codes, sides(ours, pairs.teacher))
        terms = {name: compute_term(name, pair) for name in weights}
        optimiser.zero_grad()
        halfway = step == course.steps // 2
        lengths = _leave_gradients(terms, weights, learned, method.balance, halfway)
        norms = lengths if halfway else norms
        for part in learned:
            clip_grad_norm_(part, course.clip)
        optimiser.step()
        losses = {name: term.item() for name, term in terms.items()}
    return losses, norms


def _leave_gradients(
    terms: Mapping[str, torch.Tensor],
    weights: Mapping[str, float],
    learned: tuple[list[nn.Parameter], list[nn.Parameter]],
    balance: bool,
    measure: bool,
) -> dict[str, float]:
    """Leave the step's gradients in the parameters; returns the terms' lengths if they were measured."""
    norms: dict[str, float] = {}
    if balance or measure:
        result = balance_gradients(terms, weights, *learned)
        norms = dict.fromkeys(weights, 0.0) | result.norms
        if balance:
            for parameter, gradient in zip([*learned[0], *learned[1]], result.gradients, strict=True):
                parameter.grad = gradient.to(parameter)
            return norms
    torch.stack([weights[name] * term for name, term in terms.items()]).sum().backward()
    return norms
