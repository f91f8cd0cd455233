import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.audio_inventions import Draft, echoes, objection, repeats, strip_notes

CLEAR = Draft("What colour is the sofa?", 0.05, -0.2, 1.0)
WORDS = st.lists(st.sampled_from("a b c d e".split()), max_size=12)


def _objection(text: str, no_speech: float = 0.05, logprob: float = -0.2, above: float = 30.0) -> str:
    return objection(Draft(text, no_speech, logprob, 1.0), above, 0.9)


def test_a_clear_question_is_kept() -> None:
    assert objection(CLEAR, 30.0, 0.95) == ""
    assert objection(CLEAR, 8.0, 0.3) == ""


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        (Draft("you", 0.95, -0.4, 0.3), "no speech"),
        (Draft("What is it?", 0.7, -1.2, 0.3), "no speech"),
        (Draft("What is it?", 0.1, -1.2, 0.3), "not clear"),
        (Draft("la " * 50, 0.1, -0.2, 9.0), "over and over"),
        (Draft("no no no no no no", 0.1, -0.2, 1.0), "over and over"),
        (Draft("  ", 0.1, -0.2, 1.0), "no words"),
        (Draft("[MUSIC] (wind) ♪ *sighs* ...", 0.1, -0.2, 1.0), "no words"),
    ],
)
def test_what_whisper_doubts_or_repeats_is_not_heard(draft: Draft, reason: str) -> None:
    assert reason in objection(draft, 30.0, 0.95)


@pytest.mark.parametrize(
    "text", ["Thank you.", "Thanks for watching!", " you", "I\u2019ll see you in the next video."]
)
def test_well_known_inventions_count_only_where_hardly_anything_was_heard(text: str) -> None:
    assert "too quiet" in _objection(text, above=5.0)
    assert "too quiet" in objection(Draft(text, 0.05, -0.2, 1.0), 30.0, 0.3)
    assert _objection(text, above=30.0) == ""


def test_an_echo_of_the_hint_counts_only_where_hardly_anything_was_heard() -> None:
    echo = Draft("Where is it?", 0.05, -0.2, 1.0, echo=True)
    assert "too quiet" in objection(echo, 5.0, 0.95) and "too quiet" in objection(echo, 30.0, 0.3)
    assert objection(echo, 30.0, 0.95) == ""


@given(WORDS, WORDS.filter(bool), WORDS)
def test_words_of_the_hint_in_their_order_are_an_echo(
    before: list[str], said: list[str], after: list[str]
) -> None:
    hint = " ".join([*before, *said, *after])
    assert echoes(f" {' '.join(said).upper()}?", hint)
    assert not echoes(" ".join([*said, "x"]), hint) and not echoes(" ".join(said)[:-1] + "xa", hint)
    assert not echoes("...", hint) and not echoes(" ".join(said), "")


def test_a_question_with_a_polite_word_in_it_is_kept() -> None:
    assert _objection("Thank you, and what is on the table?", above=5.0) == ""


@given(st.text(max_size=80))
def test_what_is_spoken_has_no_controls_and_stays(text: str) -> None:
    words = strip_notes(text)
    assert words == " ".join(words.split()) and words.isprintable() == all(c.isprintable() for c in words)
    assert "\x1b" not in words and "\n" not in words


@given(WORDS, st.lists(st.sampled_from("xyz"), min_size=1, max_size=6, unique=True), st.integers(6, 9), WORDS)
def test_groups_that_are_said_over_and_over_are_found(
    before: list[str], group: list[str], times: int, after: list[str]
) -> None:
    assert repeats([*before, *(group * times), *after])


@given(st.lists(st.integers(), unique=True, max_size=30), st.integers(1, 3))
def test_words_said_a_few_times_are_no_repeats(numbers: list[int], times: int) -> None:
    assert not repeats([str(number) for number in numbers for _ in range(times)])
