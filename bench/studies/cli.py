"""`roomwise study`: published studies done again, each in its own module, imported when it is called."""

import typer

from core.lazy import Verb, lazy_group

VERBS = {
    "sf": Verb(
        "bench.studies.few_shot.sf:app", "The slides' attention distillation, SF0 to SF7, beside ours."
    ),
    "align-kd": Verb(
        "bench.studies.few_shot.align_kd:app", "Align-KD's ablations: paper, released code, ours."
    ),
    "edgevl": Verb("bench.studies.edgevl.cli:app", "EdgeVL: places told from RGB and depth, in integers."),
    "vlm": Verb("bench.studies.vlm.command:app", "The slides' Study 1: layers on right and wrong answers."),
    "vit": Verb("bench.studies.vit.command:app", "The slides' Study 2: attention over depth, and rollout."),
    "pruning": Verb(
        "bench.studies.pruning.cli:app", "Vision tokens set to zero, and really left out: time, answers."
    ),
    "dims": Verb("bench.studies.dims.cli:app", "Fewer numbers per vision token: accuracy, bytes, speed."),
}

app = typer.Typer(cls=lazy_group(VERBS), no_args_is_help=True, add_completion=False)


@app.callback()
def study() -> None:
    """Do a published study again on rooms, its numbers beside ours.

    Example: roomwise study sf --rooms 50 --seeds 3
    """
