"""What a chat template puts around a question, read once per model."""

import contextlib
from dataclasses import dataclass
from typing import Any

from core.errors import ModelError
from models.prompt import Prompt
from models.weights import others_files

_QUESTION, _ANSWER = "@@question@@", "@@answer@@"
_REMEDY = "Get the checkpoint's own chat_template.jinja."


@dataclass(frozen=True)
class Wording:
    """The text before a question, picture included; the text from there to the answer; what follows that."""

    before: str
    after: str
    end: str = ""

    def prompt(self, question: str) -> Prompt:
        """The prompt of a question without markers."""
        start = len(self.before)
        return Prompt(f"{self.before}{question}{self.after}", start, start + len(question))


def read_wording(name: str, processor: Any, picture: str) -> Wording:
    """The wording of a processor's chat template, its one image token replaced by `picture`.

    transformers renders templates in a sandbox. Raises ModelError for a processor without template or image
    token, and for a template that leaves out picture or question; WeightsError for one that raises.
    """
    token = getattr(processor, "image_token", None)
    if not getattr(processor, "chat_template", None):
        raise ModelError(f"{name} has no chat template. {_REMEDY}")
    asked = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": _QUESTION}]}
    with others_files(f"The chat template of {name} raises an error", _REMEDY):
        text = processor.apply_chat_template([asked], add_generation_prompt=True, tokenize=False)
    before, found, after = str(text).partition(_QUESTION)
    if not token or before.count(token) != 1 or not found:
        raise ModelError(f"The chat template of {name} leaves out the picture or the question. {_REMEDY}")
    return Wording(before.replace(token, picture), after, _end(processor, asked))


def _end(processor: Any, asked: dict[str, Any]) -> str:
    """What follows an answer in the chat; empty where the template takes none."""
    told = {"role": "assistant", "content": [{"type": "text", "text": _ANSWER}]}
    text = ""
    # A template may raise anything, and an end is known without it.
    with contextlib.suppress(Exception):
        text = str(processor.apply_chat_template([asked, told], tokenize=False))
    return text.partition(_ANSWER)[2]
