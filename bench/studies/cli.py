"""`roomwise study`: published studies done again, each in its own module, imported when it is called."""

import typer

from core.lazy import Verb, lazy_group

VERBS = {
    "sf": Verb("bench.studies.sf:app", "The slides' attention distillation, SF0 to SF7, beside ours."),
    "align-kd": Verb("bench.studies.align_kd:app", "Align-KD's ablations: paper, released code, ours."),
}

app = typer.Typer(cls=lazy_group(VERBS), no_args_is_help=True, add_completion=False)


@app.callback()
def study() -> None:
    """Do a published study again on rooms, its numbers beside ours.

    Example: roomwise study sf --rooms 50 --seeds 3
    """
