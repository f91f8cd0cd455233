from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.prompt import FLORENCE_TASKS, Prompt, plain, spell_llava, spell_smolvlm

MARKERS = ("<s>", "</s>", "<image>", *FLORENCE_TASKS)
PIECES = st.sampled_from([*MARKERS, "<", ">", "what", " ", "<im", "age>", "/s", "OCR"])


@given(st.lists(PIECES).map("".join))
def test_no_marker_survives_also_none_that_removal_puts_together(text: str) -> None:
    cleaned = plain(text, MARKERS)
    assert not any(marker in cleaned for marker in MARKERS)
    assert plain(cleaned, MARKERS) == cleaned


def test_other_words_and_signs_stay() -> None:
    assert plain("  Is the <i>sofa</i> a < b  <OCR>? ", MARKERS) == "Is the <i>sofa</i> a < b ?"
    assert plain("<im<image>age> what", MARKERS) == "<im age> what"


@pytest.mark.parametrize("spell", [spell_smolvlm, spell_llava])
def test_prompts_say_where_the_question_is(spell: Callable[[str, str, int], Prompt]) -> None:
    prompt = spell("What colour?", "<s>", 3)
    assert prompt.text[prompt.start : prompt.end] == "What colour?"
    assert prompt.text.startswith("<s>")
    assert prompt.text.count("<image>") == 3
