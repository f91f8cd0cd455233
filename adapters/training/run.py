"""One job from request to verdict: judge what is there, train, judge again, decide.

Pairs that are held out judge a trial on the way, which has not seen them; then they join, since in use they
are asked about too.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from adapters.jobs.gate import ModelScores, Verdict, decide, fewest_tokens
from adapters.jobs.job import CANDIDATE, Cancelled, ProgressLog, cancelled
from adapters.jobs.judge import Score, judge
from adapters.jobs.request import Outcome, Request, Result
from adapters.jobs.version import write_version
from adapters.training.parent import train_upon
from adapters.training.probe import probe_set
from adapters.training.train import Data
from core.files import atomic_directory
from core.types import Example
from models.lora import Adapter, AdapterSlot, base_of, read_adapter, write_adapter
from models.lora_training import weakened
from models.precision import attention_to_train
from models.registry import load_model
from models.token_pruning import keep_tokens, pruner
from models.vlm import VisionLanguageModel

_SHARES = (0.75, 0.5, 0.25)
"""Of vision tokens, tried where a room may choose."""


def run(folder: Path, request: Request) -> Result:
    """Run the job in this process, with the threads it may use. Raises Cancelled and RoomwiseError."""
    torch.set_num_threads(request.limits.threads)
    return TrainingRun(folder, request).run()


def load_learner(request: Request) -> VisionLanguageModel:
    """The student to train, which shows where it looks if the pairs say where the expert looked."""
    every = (*request.train, *request.hold_out, *request.extra)
    maps = request.recipe.attention_weight > 0 and any(example.signal for example in every)
    return load_model(request.base, attention=attention_to_train(maps))


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
        # Before any adapter is in, since a probe set that is missing is answered now.
        probe = request.probe
        self._probe = [] if probe is None else probe_set(self._vlm, self._base, probe)
        self._pairs = (*request.train, *request.hold_out)
        self._steps = 0
        self._tried = Score()
        self._kept: float | None = None
        self._judging = 0.0

    def run(self) -> Result:
        """Train and judge; leaves candidate/ in the folder. Raises Cancelled and RoomwiseError."""
        request = self._request
        current = ModelScores(
            self._judged("current", self._current, self._pairs),
            self._judged("current", self._current, request.hold_out),
            self._judged("current", self._current, self._probe),
        )
        adapter = self._trained()
        if adapter is None or self._tried.n < len(request.hold_out):
            return self._result(Verdict(False, "Its time was up before there was anything to judge."), {})
        adapter = replace(adapter, keep_tokens=self._kept)
        candidate = ModelScores(
            self._judged("candidate", adapter, self._pairs),
            self._tried,
            self._judged("candidate", adapter, self._probe),
        )
        verdict = decide(candidate, current, request.limits)
        scores = {"current": asdict(current), "candidate": asdict(candidate)}
        self._write(adapter, scores)
        return self._result(verdict, scores)

    def _trained(self) -> Adapter | None:
        """An adapter for all pairs, within the time that judging leaves; on the way the trial is judged."""
        self._slot.deactivate()
        request, began = self._request, self._passed()
        # The pairs, the held-out ones and the probe set are still to be judged.
        left = max(1e-9, request.limits.seconds - began - 2 * self._judging)

        def said(step: int, loss: float) -> None:
            self._steps = step
            seconds = round(self._passed(), 2)
            self._log.say(
                "training", step=step, steps=request.recipe.steps, loss=round(loss, 4), seconds=seconds
            )

        def used() -> float:
            self._check_cancelled()
            return (self._passed() - began) / left

        def on_trial() -> None:
            with weakened(self._vlm, request.recipe.shrink):
                self._tried = self._scored("trial", request.hold_out)
                if request.keep_tokens == "auto":
                    self._kept = self._enough()

        data = Data(request.train, request.replay, self._probe, request.hold_out, request.extra)
        return train_upon(self._vlm, self._parent, data, request.recipe, request.seed, said, used, on_trial)

    def _enough(self) -> float:
        """The share of vision tokens that the model as it is does as well with, on pairs it has not seen."""
        judged = {1.0: (self._tried, self._scored("trial", self._probe))}
        for share in _SHARES:
            with self._vlm.pruned_by(pruner(share)):
                pairs = self._scored("trial", self._request.hold_out)
                judged[share] = pairs, self._scored("trial", self._probe)
        return fewest_tokens(judged)

    def _judged(self, who: str, adapter: Adapter | None, examples: Sequence[Example]) -> Score:
        self._slot.activate(adapter)
        return self._scored(who, examples)

    def _scored(self, who: str, examples: Sequence[Example]) -> Score:
        self._check_cancelled()
        self._log.say("judging", who=who, questions=len(examples), seconds=round(self._passed(), 2))
        begun = time.monotonic()
        score = judge(self._vlm, examples)
        self._judging = max(self._judging, time.monotonic() - begun)
        return score

    def _write(self, adapter: Adapter, scores: dict[str, Any]) -> None:
        with atomic_directory(self._folder / CANDIDATE, replace=True) as folder:
            write_adapter(adapter, self._base, folder)
            write_version(folder, self._base, self._request, scores, self._steps, self._passed(), self._kept)

    def _result(self, verdict: Verdict, scores: dict[str, Any]) -> Result:
        outcome: Outcome = "promote" if verdict.promote else "reject"
        return Result(outcome, verdict.reason, round(self._passed(), 3), self._steps, scores)

    def _check_cancelled(self) -> None:
        if cancelled(self._folder):
            raise Cancelled

    def _passed(self) -> float:
        return time.monotonic() - self._started
