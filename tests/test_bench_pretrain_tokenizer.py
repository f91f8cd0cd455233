import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import TEXTS

from bench.pretrain.vocabulary import SMALLEST_VOCABULARY, SPECIAL_TOKENS, train_tokenizer

TOKENIZER = train_tokenizer(TEXTS, vocab_size=300)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_spells_any_text(text: str) -> None:
    ids = TOKENIZER(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    spelled = str(TOKENIZER.decode(ids, clean_up_tokenization_spaces=False))
    expected = _lower(text)
    assert spelled.removeprefix(" ") == expected.removeprefix(" ")


def _lower(text: str) -> str:
    # One character at a time, as the normaliser does: "Σ" at a word's end has no special form.
    return "".join(character.lower() for character in unicodedata.normalize("NFC", text))


def test_special_tokens_have_the_ids_that_florence_takes_for_granted() -> None:
    assert TOKENIZER.convert_tokens_to_ids(list(SPECIAL_TOKENS)) == list(range(len(SPECIAL_TOKENS)))
    assert TOKENIZER.bos_token_id == 0
    assert TOKENIZER.pad_token_id == 1
    assert TOKENIZER.eos_token_id == 2
    assert TOKENIZER.image_token_id == 5


def test_same_texts_give_the_same_tokenizer() -> None:
    again = train_tokenizer(list(TEXTS), vocab_size=300)
    assert again.backend_tokenizer.to_str() == TOKENIZER.backend_tokenizer.to_str()


def test_a_word_is_the_same_token_alone_and_inside_a_sentence() -> None:
    alone = TOKENIZER("sofa", add_special_tokens=False)["input_ids"]
    inside = TOKENIZER("the sofa", add_special_tokens=False)["input_ids"]
    assert inside[-len(alone) :] == alone


def test_vocabulary_has_room_for_all_bytes() -> None:
    with pytest.raises(ValueError, match="bytes"):
        train_tokenizer(TEXTS, SMALLEST_VOCABULARY - 1)
    assert len(train_tokenizer([], SMALLEST_VOCABULARY)) == SMALLEST_VOCABULARY
