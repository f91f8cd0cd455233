"""How each of the built-in pair is made: sizes, stages, rates. Rates go by step, never by the clock."""

import math
from dataclasses import dataclass, replace

from bench.pretrain.blueprint import Blueprint


@dataclass(frozen=True)
class TrainingStage:
    """One stage: `steps` of `images` pictures, each with `questions` questions; `lr` is the highest rate."""

    name: str
    steps: int
    images: int
    questions: int
    lr: float
    warm_up: int = 200
    weight_decay: float = 0.05

    def rate(self, step: int) -> float:
        """Learning rate of a step: up in a line, down along a cosine to a hundredth."""
        if step < self.warm_up:
            return self.lr * (step + 1) / self.warm_up
        progress = min(1.0, (step - self.warm_up) / max(1, self.steps - self.warm_up))
        return self.lr * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))

    def easy(self, step: int) -> bool:
        """Whether easy questions still come first."""
        return self.name == "questions" and step < self.steps / 5


@dataclass(frozen=True)
class ModelRecipe:
    """A model: its sizes, what it may see, and its stages in order."""

    name: str
    blueprint: Blueprint
    student_safe: bool
    stages: tuple[TrainingStage, ...]
    seed: int = 0
    vocab_size: int = 1500

    def stage(self, name: str) -> TrainingStage:
        """The stage of this name."""
        return next(stage for stage in self.stages if stage.name == name)

    def with_steps(self, name: str, steps: int) -> "ModelRecipe":
        """The same with another length of one stage; warm-up takes a tenth of it at most."""
        stage = self.stage(name)
        other = replace(stage, steps=steps, warm_up=min(stage.warm_up, max(1, steps // 10)))
        return replace(self, stages=tuple(other if old is stage else old for old in self.stages))


STUDENT = ModelRecipe(
    name="student",
    blueprint=Blueprint(
        image_size=144,
        patch_strides=(4, 2, 3, 1),
        window_size=6,
        vision_dims=(48, 96, 192, 256),
        vision_depths=(1, 1, 2, 1),
        d_model=160,
        encoder_layers=2,
        decoder_layers=3,
        ffn_dim=320,
        decoder_ffn_dim=640,
        max_positions=256,
    ),
    student_safe=True,
    stages=(
        TrainingStage("dense", steps=3000, images=12, questions=0, lr=1.5e-3),
        TrainingStage("questions", steps=2000, images=8, questions=12, lr=1.2e-3),
    ),
)
EXPERT = ModelRecipe(
    name="expert",
    blueprint=replace(
        STUDENT.blueprint,
        vision_dims=(48, 96, 256, 512),
        d_model=224,
        decoder_layers=4,
        ffn_dim=448,
        decoder_ffn_dim=896,
    ),
    student_safe=False,
    stages=(
        TrainingStage("dense", steps=8000, images=12, questions=0, lr=1.2e-3),
        TrainingStage("questions", steps=3000, images=8, questions=12, lr=1e-3),
        TrainingStage("joint", steps=6000, images=8, questions=12, lr=3e-4),
    ),
)
RECIPES = {recipe.name: recipe for recipe in (STUDENT, EXPERT)}
