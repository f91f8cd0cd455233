"""`roomwise adapters`: list, choose and export the adapters of each room."""

import json
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer

from adapters.jobs.store import AdapterStore, Version, display_name, parse_name
from adapters.scene.adapting import BUILTIN, adapt_scene, encoder_folder, scene_request, scene_store
from adapters.scene.request import list_pairs
from core.files import state_dir
from core.lazy import say

app = typer.Typer(no_args_is_help=True, add_completion=False)

Room = Annotated[str, typer.Argument(help="The room's name; home is of all rooms.")]
Number = Annotated[int, typer.Argument(help="The adapter's number.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
OfScene = Annotated[bool, typer.Option("--scene", help="Of the scene encoder; ROOM is then a camera.")]


@app.callback()
def adapters() -> None:
    """Adapters: what the student has learnt of each room, version by version.

    Example: roomwise adapters list
    """


def _store() -> AdapterStore:
    return AdapterStore(state_dir() / "adapters")


@app.command("list")
def listed(
    room: Annotated[str | None, typer.Argument(help="One room's name; without it, all.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the adapters of every room; a star marks the one that answers.

    Example: roomwise adapters list kitchen --json
    """
    store = _store()
    rooms = store.rooms()
    rows = []
    for name in [parse_name(room, rooms)] if room is not None else rooms:
        current = store.current(name)
        rows += [
            _row(version, version == current, display_name(name, rooms)) for version in store.versions(name)
        ]
    scenes = scene_store(state_dir())
    for camera in [room] if room is not None else scenes.rooms():
        current = scenes.current(camera)
        rows += [_row(version, version == current, camera, "scene") for version in scenes.versions(camera)]
    if as_json:
        say(json.dumps({"adapters": rows}))
        return
    for row in rows:
        star = "*" if row["current"] else " "
        summary = _scores(row["scores"]) if row["kind"] == "lora" else _likeness(row["scores"])
        line = row["problem"] or f"{row['created']}  {row['pairs']} pairs  {summary}"
        label = "" if row["kind"] == "lora" else "scene encoder "
        say(f"{star} {label}{row['room']} {row['version']}  {line}")
    if not rows:
        say("No adapters yet. The student learns one after its first questions in a room.")


@app.command()
def show(room: Room, number: Number, as_json: AsJson = False) -> None:
    """Show where an adapter comes from: pairs, recipe, scores, libraries.

    Example: roomwise adapters show kitchen 2
    """
    store = _store()
    version = store.version(parse_name(room, store.rooms()), number)
    say(json.dumps(version.about, indent=None if as_json else 2))


@app.command()
def promote(room: Room, number: Number, as_json: AsJson = False) -> None:
    """Let this adapter answer in the room from now on.

    Example: roomwise adapters promote kitchen 1
    """
    store = _store()
    version = store.promote(parse_name(room, store.rooms()), number)
    _print_current(room, version, as_json)


@app.command()
def rollback(room: Room, scene: OfScene = False, as_json: AsJson = False) -> None:
    """Go back to what answered before the current adapter.

    Example: roomwise adapters rollback kitchen
    """
    if scene:
        version = scene_store(state_dir()).rollback(room)
        _print_encoder(room, version, as_json)
        return
    store = _store()
    _print_current(room, store.rollback(parse_name(room, store.rooms())), as_json)


@app.command()
def export(
    room: Room,
    number: Number,
    folder: Annotated[Path, typer.Argument(help="A new folder; peft loads it as it is.")],
    as_json: AsJson = False,
) -> None:
    """Copy an adapter to a folder, in peft's own format.

    Example: roomwise adapters export kitchen 2 ./kitchen-adapter
    """
    store = _store()
    written = store.export(parse_name(room, store.rooms()), number, folder)
    say(json.dumps({"folder": str(written)}) if as_json else str(written))


@app.command()
def scene(
    camera: Annotated[str, typer.Argument(help="A name for the camera.")],
    folder: Annotated[
        Path, typer.Argument(help="Its pictures, FILE.jpg, with depth beside: FILE.depth.png.")
    ],
    job: Annotated[
        Path | None, typer.Option("--job", help="A new folder for the job. Default: in the state.")
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="What it may take.")] = 240.0,
    as_json: AsJson = False,
) -> None:
    """Adapt the scene encoder to a camera's depth, by pictures of the same views.

    Example: roomwise adapters scene realsense ./views
    """
    pairs = list_pairs(folder)
    job_folder = job or state_dir() / "jobs" / f"scene-{uuid4().hex[:12]}"
    adapted = adapt_scene(job_folder, scene_request(state_dir(), camera, pairs, seconds=seconds))
    if as_json:
        number = None if adapted.version is None else adapted.version.number
        summary = {"camera": camera, "outcome": adapted.result.outcome, "reason": adapted.result.reason}
        say(json.dumps({**summary, "version": number}))
        return
    say(f"{adapted.result.outcome}: {adapted.result.reason}")


@app.command("scene-onnx")
def scene_onnx(
    file: Annotated[Path, typer.Argument(help="Where it goes: NAME.onnx.")],
    camera: Annotated[str, typer.Option("--camera", help="One that an encoder was adapted to.")] = "",
    signed: Annotated[
        bool, typer.Option("--signed", help="Signed activations, as TensorRT wants them; the same numbers.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the scene encoder as ONNX with 8-bit integers (extra: onnx).

    Example: roomwise adapters scene-onnx scene.onnx --signed
    """
    from models.scene.exporting import export_onnx
    from models.scene.student import load_student

    folder = encoder_folder(state_dir(), camera, BUILTIN) if camera else BUILTIN
    student = load_student(folder)
    export_onnx(student, file, signed)
    say(json.dumps({"file": str(file), "bytes": file.stat().st_size}) if as_json else str(file))


def _print_encoder(camera: str, version: Version | None, as_json: bool) -> None:
    number = None if version is None else version.number
    if as_json:
        say(json.dumps({"camera": camera, "current": number}))
        return
    encoder = "the encoder that came with the program" if number is None else f"scene encoder {number}"
    say(f"{camera}: {encoder} is in use.")


def _likeness(scores: dict[str, Any]) -> str:
    """Similarity of held-out depth to its pictures, before and with the candidate."""
    candidate, current = (scores.get(who, {}).get("hold_out", {}) for who in ("candidate", "current"))
    return (
        f"depth like its pictures {current['depth']:.2f} -> {candidate['depth']:.2f}"
        if candidate and current
        else ""
    )


def _print_current(room: str, version: Version | None, as_json: bool) -> None:
    number = None if version is None else version.number
    if as_json:
        say(json.dumps({"room": room, "current": number}))
    else:
        say(f"{room}: {'the untouched student' if number is None else f'adapter {number}'} answers.")


def _row(version: Version, current: bool, room: str, kind: str = "lora") -> dict[str, Any]:
    about = version.about
    return {
        "kind": kind,
        "room": room,
        "version": version.number,
        "current": current,
        "created": about.get("created", ""),
        "pairs": len(about.get("pairs", ())),
        "scores": about.get("scores", {}),
        "problem": version.problem,
    }


def _scores(scores: dict[str, Any]) -> str:
    """Exact match on the room's pairs and the probe set, before and with the candidate."""
    parts = []
    for kind, name in (("train", "pairs"), ("hold_out", "held out"), ("probe", "probe set")):
        candidate, current = (
            scores.get("candidate", {}).get(kind, {}),
            scores.get("current", {}).get(kind, {}),
        )
        if candidate.get("n"):
            parts.append(f"{name} {current.get('exact', 0):.0%} -> {candidate['exact']:.0%}")
    return ", ".join(parts)
