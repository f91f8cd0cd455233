"""How each method of the study is trained: what it sees, from what it begins, how long."""

from dataclasses import dataclass, field, replace
from typing import Literal

from adapters.scene.course import Course
from bench.pretrain.scene.distilling import LITERAL, Sees, Terms

Aim = Literal["distil", "contrast"]


@dataclass(frozen=True)
class SceneTraining:
    """One training. `after` is the method it begins with; else the built-in student's tower. `terms` replace
    those of the recipe. A share `floating` of a later course goes by before its integers begin: ranges of
    activations are worth finding once weights have nearly settled (Jacob et al., CVPR 2018, section 3.1).
    """

    name: str
    course: Course
    sees: Sees = "both"
    aim: Aim = "distil"
    after: str = ""
    floating: float = 0.0
    terms: Terms | None = None

    @property
    def integers_from(self) -> int:
        """The step before which nothing is quantised: none of a method that comes after no other."""
        return round(self.floating * self.course.steps) if self.after else self.course.steps


@dataclass(frozen=True)
class SceneRecipe:
    """All trainings of the study, and which frames they see.

    EdgeVL's rates are for 120 epochs of students that have seen ImageNet; these are for some minutes of a
    processor. `stage1_share` and `stage2_share` are kept of each label's frames, the teacher's surest.
    """

    methods: tuple[SceneTraining, ...]
    stage1_share: float = 0.5
    stage2_share: float = 0.5
    terms: Terms = field(default_factory=lambda: Terms(names=0.0))
    """Of stage 1: the distance of rows alone, as EdgeVL has it. What scenes are taken for is stage 2's."""
    per_class: bool = True
    """Whether the share is one of each label's frames, not of all."""
    anchor: float = 1.0
    """Times `Terms()`, the distance and what scenes are taken for, beside the triplets'."""
    probed: int = 1500
    """Frames on which the last layer learns alone, and"""
    probing: int = 400
    """its steps, before everything else does."""
    calibration: int = 64
    """Frames by which ranges of activations are found."""

    def method(self, name: str) -> SceneTraining:
        """The method of this name."""
        return next(method for method in self.methods if method.name == name)

    def with_method(self, method: SceneTraining) -> "SceneRecipe":
        """The same, and one method more."""
        return replace(self, methods=(*self.methods, method))

    def shortened(self, share: float) -> "SceneRecipe":
        """The same with that share of every course's steps, for trying out."""
        short = [
            replace(method, course=replace(method.course, steps=max(2, round(share * method.course.steps))))
            for method in self.methods
        ]
        probing, probed = (max(2, round(share * count)) for count in (self.probing, self.probed))
        return replace(self, methods=tuple(short), probing=probing, probed=max(8, probed))


_STAGE1 = Course(steps=1500, batch=12, rate=2.5e-4, last=1e-5)
_STAGE2 = Course(steps=1000, batch=16, rate=2e-4, last=5e-6)

RECIPE = SceneRecipe((
    SceneTraining("stage1", _STAGE1),
    SceneTraining("stage2-int8", _STAGE2, aim="contrast", after="stage1", floating=0.8),
    SceneTraining("stage1-qat", _STAGE2, after="stage1", floating=0.8),
    SceneTraining("rgb-only", _STAGE1, sees="rgb"),
    SceneTraining("depth-only", _STAGE1, sees="depth"),
))

NO_TRIPLETS = SceneTraining("stage2-no-triplets", _STAGE2, after="stage1", floating=0.8, terms=Terms())
"""Stage 2 with its anchor alone: tells what contrast adds. EdgeVL has no such row."""

_AS_RELEASED = Course(steps=40, batch=16, rate=1e-6, last=5e-7, code_faithful=True)
CODE_FAITHFUL = SceneRecipe(
    tuple(
        replace(method, course=_AS_RELEASED, floating=0.0) if method.aim == "contrast" else method
        for method in RECIPE.methods
    ),
    stage1_share=0.25, stage2_share=0.25, per_class=False, terms=LITERAL, anchor=0.0, probing=0,
)  # fmt: skip
"""What EdgeVL's paper and released code do where ours differs, for the study alone: the surest quarter of all
frames, the distance of rows alone, a stage 2 that holds on to nothing, never clears its gradients and hardly
moves."""
