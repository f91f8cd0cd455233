"""`roomwise pretrain`: render rooms, then train the built-in pair on them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from core.files import cache_dir, state_dir

app = typer.Typer(no_args_is_help=True, add_completion=False)

Data = Annotated[Path | None, typer.Option("--data", help="Folder of rendered rooms. Default: in the cache.")]
RunFolder = Annotated[
    Path | None, typer.Option("--run", help="Folder of checkpoints; what is there is gone on with.")
]
Output = Annotated[
    Path | None, typer.Option("--output", help="Where the finished model goes. Default: RUN/model.")
]
Stage = Annotated[str | None, typer.Option("--stage", help="Only this one: dense, questions or joint.")]
Steps = Annotated[int | None, typer.Option("--steps", min=1, help="Length of that stage, in steps.")]
Minutes = Annotated[
    float | None, typer.Option("--minutes", min=0, help="Stop after this long, with a checkpoint.")
]
Seed = Annotated[int, typer.Option("--seed", help="Decides weights and order of the data.")]
Threads = Annotated[int, typer.Option("--threads", min=1, help="Processor threads.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")]
_STAGES = ("dense", "questions", "joint")


@app.callback()
def pretrain() -> None:
    """Train the built-in pair from nothing on rendered rooms.

    Example: roomwise pretrain render --rooms 4096 --jobs 2
    """


@app.command()
def render(
    rooms: Annotated[int, typer.Option("--rooms", min=1, help="Training rooms, in shards of 64.")] = 4096,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Processes.")] = 2,
    size: Annotated[int, typer.Option("--size", min=32, help="Side of a frame in pixels.")] = 144,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Render rooms for training and validation; what is there already is kept.

    Example: roomwise pretrain render --rooms 4096 --jobs 2
    """
    from bench.pretrain.common.rendering import plan, render_cache

    folder = _data(data)
    plans = plan(rooms)
    rendered = render_cache(folder, plans, size, jobs)
    _print_summary({"data": str(folder), "rendered_now": rendered, "shards": len(plans)}, as_json)


def _trainer(name: str, example: str) -> Callable[..., None]:
    """The command that trains one of the pair."""

    def train(
        data: Data = None,
        run: RunFolder = None,
        output: Output = None,
        stage: Stage = None,
        steps: Steps = None,
        minutes: Minutes = None,
        seed: Seed = 0,
        threads: Threads = 1,
        as_json: Json = False,
    ) -> None:
        if stage is not None:
            _check_choice("stage", stage, _STAGES)
        elif steps is not None:
            raise typer.BadParameter("--steps is the length of one stage: give --stage too.")
        from bench.pretrain.commands import PretrainOptions, pretrain

        options = PretrainOptions(
            name=name, data=_data(data), run=_run(run, name), output=output, stage=stage, steps=steps,
            minutes=minutes, seed=seed, threads=threads,
        )  # fmt: skip
        summary, stopped = pretrain(options)
        _print_summary(summary, as_json)
        if stopped:
            raise typer.Exit(130)

    train.__doc__ = f"""Train the {name}, or go on with it. Stopped at any moment, it goes on from there.

    Example: {example}
    """
    return train


app.command("student")(_trainer("student", "roomwise pretrain student --minutes 30"))
app.command("expert")(_trainer("expert", "roomwise pretrain expert --stage dense --minutes 30"))


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="student or expert.")],
    output: Output = None,
    data: Data = None,
    run: RunFolder = None,
    rooms: Annotated[int, typer.Option("--rooms", min=1, help="Validation rooms for the card.")] = 48,
    threads: Threads = 1,
    as_json: Json = False,
) -> None:
    """Write the model of a run as it is now, with its card.

    Example: roomwise pretrain export student --output models/builtin/student
    """
    from bench.pretrain.commands import PretrainOptions, export_run

    _check_choice("model", name, ("student", "expert"))
    options = PretrainOptions(name, _data(data), _run(run, name), output, threads=threads)
    _print_summary(export_run(options, rooms), as_json)


@app.command()
def scene(
    data: Data = None,
    run: RunFolder = None,
    output: Output = None,
    seed: Seed = 0,
    threads: Threads = 1,
    as_json: Json = False,
) -> None:
    """Train the scene encoder: the teacher's head, both stages. Stopped at any moment, it goes on from there.

    Example: roomwise pretrain scene --output models/builtin
    """
    from bench.pretrain.scene.commands import SceneOptions, pretrain_scene

    folder = _run(run, "scene")
    options = SceneOptions(_data(data), folder, output or folder / "model", seed, threads=threads)
    _print_summary(pretrain_scene(options), as_json)


def _check_choice(what: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise typer.BadParameter(f"There is no {what} {value!r}. Known: {', '.join(choices)}.")


def _data(data: Path | None) -> Path:
    return data if data is not None else cache_dir() / "rooms"


def _run(run: Path | None, name: str) -> Path:
    return run if run is not None else state_dir() / "pretrain" / name


def _print_summary(summary: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(summary))
        return
    for key, value in summary.items():
        typer.echo(f"{key}: {value}")
