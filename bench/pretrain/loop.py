"""Steps of one stage, with checkpoints and lines for people in between. Any step can be the last."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Protocol

import numpy as np
import torch
from rich.console import Console
from torch import nn

from bench.pretrain.common.checkpoint import TrainingProgress, save_checkpoint
from bench.pretrain.curve import LossLog
from bench.pretrain.recipes import TrainingStage

_CLIP = 1.0
_BETAS = (0.9, 0.98)
_STAGES = ("dense", "questions", "joint")


class StageTask(Protocol):
    """What a stage trains, on what, and how it is judged."""

    stage: TrainingStage

    def modules(self) -> Iterator[nn.Module]:
        """What is trained."""

    def loss(self, step: int, rng: np.random.Generator) -> torch.Tensor:
        """Loss of one batch; all chance comes from `rng`."""

    def scores(self) -> dict[str, tuple[float, int]]:
        """Values and what they are means of, on held-out rooms."""


@dataclass
class Limits:
    """When to stop, and how often to save and to judge; seconds by `clock`."""

    seconds: float = float("inf")
    save_every: float = 120.0
    score_every: float = 240.0
    line_every: float = 20.0
    clock: Callable[[], float] = time.monotonic
    stopping: bool = False
    began: float = field(default=0.0)

    def __post_init__(self) -> None:
        self.began = self.clock()

    @property
    def over(self) -> bool:
        """Whether time is up or someone asked to stop."""
        return self.stopping or self.clock() - self.began >= self.seconds


@contextmanager
def stop_on_signals(limits: Limits) -> Iterator[None]:
    """SIGTERM and Ctrl-C end the run after the step at hand, with a checkpoint."""

    def stop(number: int, frame: FrameType | None) -> None:
        limits.stopping = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass
class Loop:
    """Runs tasks on one run folder; `parts` is what checkpoints hold besides the optimiser."""

    folder: Path
    progress: TrainingProgress
    parts: dict[str, nn.Module]
    limits: Limits
    console: Console

    def run(
        self, task: StageTask, moments: dict[int, dict[str, torch.Tensor]], rescan: Callable[[], int]
    ) -> bool:
        """Train from the progress' step on; True when the stage is finished. Saves at the end in any case."""
        stage, progress = task.stage, self.progress
        optimiser, parameters = self._optimiser(task, moments)
        log = LossLog(self.folder, stage.name, progress.step)
        lined = saved = scored = self.limits.clock()
        since = progress.step
        while progress.step < stage.steps and not self.limits.over:
            if progress.step % 50 == 0:
                progress.rooms = rescan()
            self._step(task, optimiser, parameters)
            now = self.limits.clock()
            if now - lined >= self.limits.line_every:
                self._line(stage, log, (progress.step - since) / (now - lined))
                lined, since = now, progress.step
            if now - scored >= self.limits.score_every:
                self._score(task, log)
                scored = self.limits.clock()
            if now - saved >= self.limits.save_every:
                save_checkpoint(self.folder, progress, self.parts, optimiser)
                saved = self.limits.clock()
        save_checkpoint(self.folder, progress, self.parts, optimiser)
        if not self.limits.stopping:
            self._score(task, log)
        log.draw()
        return progress.step >= stage.steps

    def _optimiser(
        self, task: StageTask, moments: dict[int, dict[str, torch.Tensor]]
    ) -> tuple[torch.optim.AdamW, list[nn.Parameter]]:
        for part in self.parts.values():
            part.requires_grad_(False).eval()
        for module in task.modules():
            module.requires_grad_(True).train()
        parameters = [p for part in self.parts.values() for p in part.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": task.stage.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
        optimiser = torch.optim.AdamW(groups, lr=task.stage.lr, betas=_BETAS, fused=True)
        if moments:
            optimiser.load_state_dict(optimiser.state_dict() | {"state": moments})
        return optimiser, parameters

    def _step(self, task: StageTask, optimiser: torch.optim.AdamW, parameters: list[nn.Parameter]) -> None:
        progress, stage = self.progress, task.stage
        began = self.limits.clock()
        for group in optimiser.param_groups:
            group["lr"] = stage.rate(progress.step)
        rng = np.random.default_rng([progress.seed, _STAGES.index(stage.name), progress.step])
        loss = task.loss(progress.step, rng)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, _CLIP)
        optimiser.step()
        progress.step += 1
        progress.losses.append(loss.item())
        name = stage.name
        progress.steps[name] = progress.step
        progress.items[name] = progress.items.get(name, 0) + stage.images * max(1, stage.questions)
        progress.seconds[name] = progress.seconds.get(name, 0.0) + self.limits.clock() - began

    def _line(self, stage: TrainingStage, log: LossLog, rate: float) -> None:
        progress = self.progress
        mean = sum(progress.losses) / max(1, len(progress.losses))
        progress.losses.clear()
        log.loss(progress.step, stage.rate(progress.step), mean)
        items = rate * stage.images * max(1, stage.questions)
        unit = "questions/s" if stage.questions else "images/s"
        left = (stage.steps - progress.step) / max(rate, 1e-9) / 60
        self.console.print(
            f"{stage.name} {progress.step}/{stage.steps}  loss {mean:.3f}  {items:.0f} {unit}"
            f"  {progress.rooms} rooms  {left:.0f} min left  {log.sparkline()}",
            highlight=False,
        )

    def _score(self, task: StageTask, log: LossLog) -> None:
        for module in task.modules():
            module.eval()
        scores = task.scores()
        for module in task.modules():
            module.train()
        log.scores(self.progress.step, scores)
        summary = "  ".join(f"{name} {value:.2f}" for name, (value, _) in scores.items())
        self.console.print(f"{task.stage.name} {self.progress.step}: {summary}", highlight=False)
