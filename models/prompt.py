"""Spell a question for each family. Pure, no tensors.

A user's words are data: markers in them that a model would obey (`<image>`, `<OCR>`, `</s>`) are removed
first, so that a transcript cannot steer a model.
"""

from collections.abc import Iterable
from dataclasses import dataclass

FLORENCE_TASKS = tuple(
    f"<{task}>"
    for task in "OCR OCR_WITH_REGION CAPTION DETAILED_CAPTION MORE_DETAILED_CAPTION OD DENSE_REGION_CAPTION "
    "CAPTION_TO_PHRASE_GROUNDING REFERRING_EXPRESSION_SEGMENTATION REGION_TO_SEGMENTATION "
    "OPEN_VOCABULARY_DETECTION REGION_TO_CATEGORY REGION_TO_DESCRIPTION REGION_TO_OCR REGION_PROPOSAL".split()
)
"""Words that the Florence-2 processor replaces by sentences, or refuses beside others."""


@dataclass(frozen=True)
class Prompt:
    """The text a decoder-only model reads, and where in it the user's own words stand."""

    text: str
    start: int
    """Index of the question's first character in `text`."""
    end: int
    """Index after its last character."""


def plain(question: str, markers: Iterable[str]) -> str:
    """The question without markers, even those that removing others creates; white space collapsed."""
    ordered = sorted((marker for marker in markers if marker.strip()), key=len, reverse=True)
    previous = None
    while previous != question:
        previous = question
        for marker in ordered:
            question = question.replace(marker, " ")
    return " ".join(question.split())


def spell_smolvlm(question: str, bos: str, image_tokens: int) -> Prompt:
    """SmolVLM's and Idefics3's chat with one picture that is not cut into tiles.

    Source: the chat template and `_prompt_single_image` of transformers' SmolVLM processor.
    """
    around = "<fake_token_around_image>"
    picture = f"{around}<global-img>{'<image>' * image_tokens}{around}"
    return _between(f"{bos}User:{picture}", question, "<end_of_utterance>\nAssistant:")


def spell_llava(question: str, bos: str, image_tokens: int) -> Prompt:
    """LLaVA-1.5's chat in the Vicuna spelling of its model cards."""
    return _between(f"{bos}USER: {'<image>' * image_tokens}\n", question, " ASSISTANT:")


def _between(before: str, question: str, after: str) -> Prompt:
    return Prompt(f"{before}{question}{after}", start=len(before), end=len(before) + len(question))
