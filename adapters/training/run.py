"""One job from request to verdict: judge the current adapter, train, judge the candidate, decide.

Held-out pairs judge a trial that has not seen them, and then join the training, since people ask about them
too.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from adapters.jobs.gate import ModelScores, Verdict, decide, fewest_tokens
from adapters.jobs.job import CANDIDATE, Cancelled, ProgressLog, cancelled
from adapters.jobs.judge import Judge, Score
from adapters.jobs.request import Outcome, Request, Result
from adapters.jobs.version import write_version
from adapters.training.costs import measure
from adapters.training.lessons import Data
from adapters.training.plan import Demand, TrainingPlan, plan
from adapters.training.probe import probe_set
from adapters.training.train import train_upon
from core.files import atomic_directory
from core.types import Example
from models.lora import Adapter, AdapterSlot, base_of, read_adapter, write_adapter
from models.lora_training import weakened
from models.precision import attention_to_train
from models.prefix_model import PrefixModel
from models.registry import load_model
from models.token_pruning import keep_tokens, pruner
from models.vlm import VisionLanguageModel

_SHARES = (0.75, 0.5, 0.25)
"""Shares of vision tokens to try with "auto"."""


def run(folder: Path, request: Request) -> Result:
    """Run the job in this process, with the threads it may use. Raises Cancelled and RoomwiseError."""
    torch.set_num_threads(request.limits.threads)
    return TrainingRun(folder, request).run()


def load_learner(request: Request) -> VisionLanguageModel:
    """The student to train, with attention maps if the pairs have some to learn from."""
    examples = (*request.train, *request.hold_out, *request.extra)
    whole = request.recipe.targets != "later"  # else nothing is learnt from maps
    maps = whole and request.recipe.attention_weight > 0 and any(example.signal for example in examples)
    return load_model(request.base, attention=attention_to_train(maps), vision_tokens=request.vision_tokens)


class TrainingRun:
    """One run of a request; `run` is its only verb."""

    def __init__(self, folder: Path, request: Request) -> None:
        self._started = time.monotonic()
        self._folder, self._request = folder, request
        self._log = ProgressLog(folder)
        self._log.say("loading")
        self._base = base_of(request.base)
        self._current = None if request.current is None else read_adapter(request.current, self._base)
        self._parent = None if request.parent is None else read_adapter(request.parent, self._base)
        self._vlm = load_learner(request)
        keep_tokens(self._vlm, request.keep_tokens)
        self._slot = AdapterSlot(self._vlm)
        # Before any adapter is in, since a missing probe set is answered now.
        probe = request.probe
        self._probe = [] if probe is None else probe_set(self._vlm, self._base, probe)
        self._pairs = (*request.train, *request.hold_out)
        self._steps = 0
        self._trial = Score()
        self._keep_tokens: float | None = None
        self._judging_seconds = 0.0

    def run(self) -> Result:
        """Train and judge; leaves candidate/ in the folder. Raises Cancelled and RoomwiseError."""
        planned = self._plan()
        if planned.shortage:
            return self._result(Verdict(False, planned.shortage), {})
        request = self._request = replace(
            self._request, recipe=planned.recipe, extra=self._sample(self._request.extra, planned.extra)
        )
        self._probe = self._sample(self._probe, planned.probe)
        self._open_judges()
        current = ModelScores(
            self._judge("current", self._current, self._all_pairs),
            self._judge("current", self._current, self._held_out),
            self._judge("current", self._current, self._general),
        )
        adapter = self._train()
        if adapter is None or self._trial.n < len(request.hold_out):
            return self._result(Verdict(False, "Its time was up before there was anything to judge."), {})
        adapter = replace(adapter, keep_tokens=self._keep_tokens)
        candidate = ModelScores(
            self._judge("candidate", adapter, self._all_pairs),
            self._trial,
            self._judge("candidate", adapter, self._general),
        )
        verdict = decide(candidate, current, request.limits)
        scores = {"current": asdict(current), "candidate": asdict(candidate)}
        self._write(adapter, scores)
        return self._result(verdict, scores)

    def _plan(self) -> TrainingPlan:
        """What fits the time that is left, by what it costs here."""
        request = self._request
        costs = measure(self._vlm, request.recipe, self._pairs)
        pictures = [example.image for example in (*self._pairs, *request.extra)]
        demand = Demand(
            len(set(pictures)), len(self._pairs), len(request.hold_out), len(request.extra),
            len(request.replay), len({example.image for example in request.replay}),
            len(self._probe), len({example.image for example in self._probe}),
        )  # fmt: skip
        planned = plan(request.recipe, demand, costs, request.limits.seconds, self._elapsed())
        self._log.say(
            "planned", text=planned.shortage or planned.told, steps=planned.recipe.steps,
            seconds=round(planned.seconds, 1),
        )  # fmt: skip
        return planned

    def _sample(self, examples: Sequence[Example], count: int) -> list[Example]:
        """So many of them, of every picture alike as far as chance has it, in their order."""
        if count >= len(examples):
            return list(examples)
        chosen = np.random.default_rng(self._request.seed).permutation(len(examples))[:count]
        return [examples[index] for index in sorted(chosen)]

    def _open_judges(self) -> None:
        """Read what is judged; kept where no adapter changes what is read."""
        later = self._reads_alike()
        self._all_pairs = Judge(self._vlm, self._pairs, later)
        self._held_out = Judge(self._vlm, self._request.hold_out, later)
        self._general = Judge(self._vlm, self._probe, later)

    def _reads_alike(self) -> bool:
        if self._request.recipe.targets != "later" or not isinstance(self._vlm, PrefixModel):
            return False
        layers = set(self._vlm.later_targets())
        return all(
            adapter is None or layers.issuperset(adapter.matrices)
            for adapter in (self._current, self._parent)
        )

    def _train(self) -> Adapter | None:
        """Train on all pairs, within the time that judging leaves, and judge the trial on the way."""
        self._slot.deactivate()
        request, start = self._request, self._elapsed()
        # Pairs, held-out pairs and probe set are still to be judged.
        available = max(1e-9, request.limits.seconds - start - 2 * self._judging_seconds)

        def log_step(step: int, loss: float) -> None:
            self._steps = step
            seconds = round(self._elapsed(), 2)
            self._log.say(
                "training", step=step, steps=request.recipe.steps, loss=round(loss, 4), seconds=seconds
            )

        def time_used() -> float:
            self._check_cancelled()
            return (self._elapsed() - start) / available

        def on_trial() -> None:
            with weakened(self._vlm, request.recipe.shrink):
                self._trial = self._score("trial", self._held_out)
                if request.keep_tokens == "auto":
                    self._keep_tokens = self._smallest_share()

        data = Data(request.train, request.replay, self._probe, request.hold_out, request.extra)
        return train_upon(
            self._vlm, self._parent, data, request.recipe, request.seed, log_step, time_used, on_trial,
            self._folder / "prefixes",
        )  # fmt: skip

    def _smallest_share(self) -> float:
        """The smallest share of vision tokens that costs the trial nothing on held-out pairs."""
        scores = {1.0: (self._trial, self._score("trial", self._general))}
        for share in _SHARES:
            with self._vlm.pruned_by(pruner(share)):
                pairs = self._score("trial", self._held_out)
                scores[share] = pairs, self._score("trial", self._general)
        return fewest_tokens(scores)

    def _judge(self, who: str, adapter: Adapter | None, judge: Judge) -> Score:
        self._slot.activate(adapter)
        return self._score(who, judge)

    def _score(self, who: str, judge: Judge) -> Score:
        self._check_cancelled()
        self._log.say("judging", who=who, questions=len(judge), seconds=round(self._elapsed(), 2))
        start = time.monotonic()
        score = judge.score()
        self._judging_seconds = max(self._judging_seconds, time.monotonic() - start)
        return score

    def _write(self, adapter: Adapter, scores: dict[str, Any]) -> None:
        with atomic_directory(self._folder / CANDIDATE, replace=True) as folder:
            write_adapter(adapter, self._base, folder)
            write_version(
                folder, self._base, self._request, scores, self._steps, self._elapsed(), self._keep_tokens
            )

    def _result(self, verdict: Verdict, scores: dict[str, Any]) -> Result:
        outcome: Outcome = "promote" if verdict.promote else "reject"
        return Result(outcome, verdict.reason, round(self._elapsed(), 3), self._steps, scores)

    def _check_cancelled(self) -> None:
        if cancelled(self._folder):
            raise Cancelled

    def _elapsed(self) -> float:
        return time.monotonic() - self._started
