"""`roomwise look`: what student and expert attend to for one question, side by side."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from core.config import load_config
from core.errors import InputError
from core.files import atomic_write_bytes
from core.lazy import say

app = typer.Typer(add_completion=False)


@app.command()
def look(
    image: Annotated[Path, typer.Argument(help="A picture file: JPEG, PNG, ...")],
    question: Annotated[str, typer.Argument(help="What to ask about it.")],
    output: Annotated[Path | None, typer.Option("--output", help="PNG to write.")] = None,
    student: Annotated[str | None, typer.Option("--student", help="Default: student.model.")] = None,
    expert: Annotated[
        str | None, typer.Option("--expert", help="A model on this machine, or none. Default: expert.model.")
    ] = None,
    layer: Annotated[
        int | None, typer.Option("--layer", min=1, help="Of the first map, from 1. Default: mean of all.")
    ] = None,
    head: Annotated[int | None, typer.Option("--head", min=1, help="The same for heads.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show where student and expert look for the words of their answers to a question about a picture.

    Maps by layer, of the answer's words and of the question's; rollout through all layers with and without
    the residual; the vision tower's own; how spread out each is, and how much of it is on the picture.

    Example: roomwise look docs/room.jpg "What colour is the sofa?" --output look.png

    Example: roomwise look photo.jpg "What is on the table?" --expert none --layer 2 --head 1 --json
    """
    if output is not None and output.suffix.lower() != ".png":
        raise InputError(f"{output} is no name for a picture of this kind. Give one that ends in .png.")
    config = load_config()
    names = [student or config.student.model, expert or config.expert.model]
    names = names[:1] if expert == "none" else names
    from agent.looking.looked import map_file
    from agent.looking.page import page, png
    from agent.looking.show import as_dict, show

    first_layer, first_head = (None if number is None else number - 1 for number in (layer, head))
    picture, models = map_file(image, question, names, first_layer, first_head, config)
    if output is not None:
        atomic_write_bytes(output, png(page(picture, question, models)))
    if as_json:
        typer.echo(json.dumps(as_dict(question, models)))
        return
    console = Console()
    show(picture, models, console)
    if output is not None:
        say(f"Written to {output}")
