"""What was asked for, and where what comes of it is kept."""

from dataclasses import dataclass, field
from pathlib import Path

from bench.pretrain.scene.recipes import CODE_FAITHFUL, NO_TRIPLETS, RECIPE, SceneRecipe
from models.scene.teacher import BUILTIN


@dataclass(frozen=True)
class EdgeVLPlan:
    """What was asked for. `frames` are rendered training rooms; `data` stands in for all that is rendered.

    `jobs` processes render and train, each with its share of `threads`. `no_triplets` asks for a row of
    stage 2 without contrast beside the published ones.
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
