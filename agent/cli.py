"""`roomwise ask`: arguments in, one answer out."""

import json
from pathlib import Path
from typing import Annotated

import typer

from core.config import load_config
from core.lazy import say
from core.text import check_question
from models.images import load_image

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
    from models.registry import load_model
    from models.token_pruning import keep_tokens

    config = load_config()
    name = model if model is not None else config.student.model
    # Check the input before loading weights.
    words, picture = check_question(question), load_image(image, config.images.max_pixels)
    vlm = load_model(name, vision_tokens=config.student.vision_tokens)
    keep_tokens(vlm, config.student.keep_tokens)
    answer = vlm.answer(picture, words, config.student.max_new_tokens)
    if as_json:
        say(json.dumps({"model": name, "answer": answer.text, "confidence": answer.confidence}))
    else:
        say(f"{answer.text or '(no words)'}  (confidence {answer.confidence:.2f})")
