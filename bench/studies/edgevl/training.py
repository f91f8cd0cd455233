"""Every method's students, some at a time in processes of their own; each goes on from where it was left."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from rich.console import Console

from bench.measure.crew import processes
from bench.pretrain.scene.recipes import CODE_FAITHFUL, NO_TRIPLETS, RECIPE, SceneRecipe
from bench.pretrain.scene.runs import Bench, finish, folder_frames, prepare_bench, rendered_frames, waves
from bench.pretrain.scene.students import innate, swin_t, vit_s
from models.scene.student import SceneShape
from models.scene.teacher import BUILTIN, SceneTeacher, load_teacher


@dataclass(frozen=True)
class EdgeVLPlan:
    """`frames` are rendered training rooms; `data` stands in for all that is rendered; `jobs` processes share
    `threads`; `no_triplets` asks for stage 2 without contrast as well.
    """

    out: Path
    frames: Path
    classes: list[str]
    seeds: int = 3
    rooms: int = 100
    quick: bool = False
    data: Path | None = None
    teacher: str = BUILTIN
    backbone: str = "built-in"
    share: float = 1.0
    jobs: int = 2
    threads: int = 2
    quiet: bool = False
    code_faithful: bool = False
    no_triplets: bool = False
    recipe: SceneRecipe = field(default=RECIPE)

    @property
    def effective_recipe(self) -> SceneRecipe:
        """The recipe as it is carried out."""
        recipe = CODE_FAITHFUL if self.code_faithful else self.recipe
        recipe = recipe.with_method(NO_TRIPLETS) if self.no_triplets else recipe
        return recipe if self.share >= 1 else recipe.shortened(self.share)

    @property
    def runs(self) -> Path:
        """The folder of all trainings."""
        return self.out / ("runs-as-released" if self.code_faithful else "runs")

    def place(self, method: str, seed: int) -> Path:
        """The finished student of a method."""
        return self.runs / f"seed-{seed}" / method


SHAPES: Mapping[str, Callable[[int], SceneShape]] = {"built-in": innate, "swin-t": swin_t, "vit-s": vit_s}
_benches: dict[str, Bench] = {}
"""What a process has put together for its plan: read once, for all that it trains."""


def train(plan: EdgeVLPlan, teacher: SceneTeacher) -> None:
    """Train whatever is not there yet. Raises InputError, StorageError."""
    missing = [
        [(name, seed) for seed in range(plan.seeds) for name in wave if not plan.place(name, seed).is_dir()]
        for wave in waves(plan.effective_recipe)
    ]
    count = sum(len(wave) for wave in missing)
    if not count:
        return
    bench = _prepare_bench(plan, teacher)  # the teacher's rows are on disk from now on
    jobs = min(plan.jobs, count)
    if jobs == 1:
        for name, seed in (item for wave in missing for item in wave):
            finish(bench, name, seed)
        return
    del bench
    threads = max(1, plan.threads // jobs)
    with processes(jobs, partial(torch.set_num_threads, threads)) as workers:
        for wave in missing:  # a student begins with one of the wave before
            for done in [workers.submit(_finish_one, plan, name, seed) for name, seed in wave]:
                done.result()


def _finish_one(plan: EdgeVLPlan, name: str, seed: int) -> None:
    key = repr(plan)
    if key not in _benches:
        _benches[key] = _prepare_bench(plan, load_teacher(plan.teacher))
    finish(_benches[key], name, seed)


def _prepare_bench(plan: EdgeVLPlan, teacher: SceneTeacher) -> Bench:
    frames, depth = rendered_frames(plan.frames) if plan.data is None else folder_frames(plan.data / "train")
    console = Console(stderr=True, quiet=plan.quiet, soft_wrap=True)

    def print_line(line: str) -> None:
        console.print(line, highlight=False)

    shape = SHAPES[plan.backbone](teacher.width)
    return prepare_bench(frames, depth, teacher, shape, plan.effective_recipe, plan.runs, print_line)
