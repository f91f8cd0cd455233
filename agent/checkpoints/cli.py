"""`roomwise models`: list them, fetch them, try them, choose them."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.lazy import confirm, say

if TYPE_CHECKING:
    from agent.checkpoints.choosing import Chosen
    from agent.checkpoints.listing import ModelEntry
    from agent.checkpoints.trying import Trial, Tried

app = typer.Typer(no_args_is_help=True, add_completion=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_GIGABYTE = 1e9


@app.callback()
def models() -> None:
    """Models: what there is, what each needs, and which two are student and expert.

    Example: roomwise models list
    """


@app.command("list")
def listed(
    half: Annotated[
        bool, typer.Option("--half", help="Memory with weights of two bytes, as on a GPU. Default: four.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List all models: whether they are here, size, licence, memory to answer and to learn, what they can be.

    Sizes of models that are not here are about, in half precision; memory is what one process is estimated to
    take, learning with four pairs in a step.

    Example: roomwise models list --half
    """
    from agent.checkpoints.listing import FLOAT, HALF, listing

    entries = list(listing(HALF if half else FLOAT))
    if as_json:
        say(
            json.dumps({
                "schema": 1,
                "command": "models list",
                "models": [asdict(entry) for entry in entries],
            })
        )
        return
    say(f"  {'':22} {'size':>7} {'answers':>8} {'learns':>8}  {'can be':16} licence")
    for entry in entries:
        say(_line(entry))
    say("* is here; GB. To fetch one: roomwise models pull NAME")


@app.command()
def pull(
    name: Annotated[str, typer.Argument(help="One that roomwise models list names.")],
    revision: Annotated[
        str | None,
        typer.Option("--revision", help="Default: the commit that was fetched before, else main's newest."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fetch a model from the hub: one commit, safetensors and settings alone, every byte checked.

    What was fetched answers to the name from then on. HF_ENDPOINT names another hub, HF_HOME another folder.

    Example: roomwise models pull smolvlm-256m --yes
    """
    from agent.checkpoints.pull import check_online, fetch, known_name, look_up
    from core.config import load_config

    known_name(name)
    check_online(load_config())
    wanted = look_up(name, revision)
    size = f"{wanted.size / _GIGABYTE:.2f} GB in {len(wanted.files)} files"
    confirm(f"Fetch {wanted.repo} at {wanted.commit[:12]}: {size}, licence {wanted.licence}. Go on?", yes)
    folder = fetch(wanted, lambda file: say(f"  {file.name}  {file.size / 1e6:,.1f} MB", err=True))
    if as_json:
        about = {"name": name, "repo": wanted.repo, "commit": wanted.commit, "licence": wanted.licence}
        say(json.dumps({**about, "bytes": wanted.size, "folder": str(folder)}))
        return
    say(f"{name} is here. Try it: roomwise models check {name}")


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="A model's name, or a folder in the hub's layout.")],
    as_json: AsJson = False,
) -> None:
    """Try a model here: answer, stream, show where it looks, learn one step, hand its adapter to peft.

    Nothing is changed. Says what the model can be on this machine and what that took, and ends with 1 when it
    can be nothing.

    Example: roomwise models check builtin-student
    """
    from agent.checkpoints.trying import try_model
    from core.config import load_config

    vision_tokens = load_config().student.vision_tokens
    tried = try_model(name, vision_tokens, (lambda step: None) if as_json else _say_step)
    if as_json:
        verdict = {"student": tried.student, "expert": tried.expert, "learns": tried.learns}
        say(json.dumps({"schema": 1, "command": "models check", **asdict(tried), **verdict}))
    else:
        _say_verdict(tried)
    if not tried.expert:
        raise typer.Exit(1)


@app.command()
def use(
    name: Annotated[str | None, typer.Argument(help="A model's name, or a folder.")] = None,
    role: Annotated[str, typer.Option("--as", help="student or expert.")] = "student",
    preset: Annotated[
        str | None, typer.Option("--preset", help="A pair for a machine instead: laptop, jetson-8gb, gpu.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a model student or expert in the settings' file; its other lines and comments stay.

    Example: roomwise models use smolvlm-256m --as student

    Example: roomwise models use --preset laptop
    """
    from agent.checkpoints.choosing import choose, wanted_settings

    chosen = choose(wanted_settings(name, role, preset))
    if as_json:
        about = {"file": str(chosen.file), "settings": dict(chosen.settings)}
        say(json.dumps({**about, "overruled": chosen.overruled, "missing": chosen.missing}))
        return
    _say_chosen(chosen)


def _line(entry: "ModelEntry") -> str:
    star = "*" if entry.here else " "
    size = f"{'' if entry.here else '~'}{entry.size / _GIGABYTE:.2f}"
    learns = "-" if entry.learn is None else f"{entry.learn / _GIGABYTE:.1f}"
    can = "student, expert" if entry.student else "expert"
    answers = f"{entry.answer / _GIGABYTE:.1f}"
    return f"{star} {entry.name:22} {size:>7} {answers:>8} {learns:>8}  {can:16} {entry.licence}"


def _say_step(step: "Trial") -> None:
    say(f"  {step.name:6} {'ok' if step.works else 'FAILS':6} {step.seconds:7.2f} s  {step.told}")


def _say_verdict(tried: "Tried") -> None:
    roles = [role for role, can in (("student", tried.student), ("expert", tried.expert)) if can]
    say(f"{tried.family}, {tried.dtype} on {tried.device}: {tried.vision_tokens} vision tokens of a picture")
    gpu = f", and {tried.gpu_bytes / _GIGABYTE:.2f} GB of the GPU's" if tried.gpu_bytes else ""
    say(f"It took {tried.peak_bytes / _GIGABYTE:.2f} GB of memory at its peak{gpu}.")
    if tried.learns and tried.learn_bytes is not None:
        say(f"Learning is estimated to take {tried.learn_bytes / _GIGABYTE:.1f} GB, four pairs in a step.")
    can = " and ".join(roles) or "neither student nor expert"
    say(f"It can be {can} here. It {'can' if tried.learns else 'cannot'} learn.")
    for role in roles:
        say(f"  roomwise models use {tried.name} --as {role}")


def _say_chosen(chosen: "Chosen") -> None:
    for key, value in chosen.settings.items():
        say(f"{key} = {_toml(value)}")
    say(f"Written to {chosen.file}.")
    for variable in chosen.overruled:
        say(f"{variable} is set in the environment, and wins over the file. Unset it.")
    for name in chosen.missing:
        say(f"{name} is not here yet: roomwise models pull {name}")


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
