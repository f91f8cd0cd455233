"""`roomwise ask`: arguments in, one answer out."""

import json
from pathlib import Path
from typing import Annotated

import typer

from core.config import load_config

app = typer.Typer(add_completion=False)


@app.command()
def ask(
    image: Annotated[Path, typer.Argument(help="A picture file: JPEG, PNG, ...")],
    question: Annotated[str, typer.Argument(help="What to ask about it.")],
    model: Annotated[
        str | None,
        typer.Option(
            "--model", help="A model's name or folder. Default: student.model in the configuration."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask a question about a picture; prints the answer and how sure the model is.

    Example: roomwise ask picture.jpg "What colour is the sofa?"

    Example: roomwise ask picture.jpg "How many chairs are there?" --model builtin-expert --json
    """
    from agent.ask import ask

    config = load_config()
    name = model if model is not None else config.student.model
    # By name, so that torch is not loaded to show the help.
    answer = ask(image, question, name, config)
    if as_json:
        typer.echo(json.dumps({"model": name, "answer": answer.text, "confidence": answer.confidence}))
    else:
        typer.echo(f"{answer.text or '(no words)'}  (confidence {answer.confidence:.2f})")
