import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.scoring import anls, exact_match, levenshtein, nls, normalise

texts = st.text(max_size=30)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The red Sofa.", "red sofa"),
        ("twenty-one books", "21 books"),
        ("Seventy two", "72"),
        ("thirty ten", "30 10"),
        ("twenty zero", "20 0"),
        ("1.5 metres", "1.5 metres"),
        ("it's blue!", "its blue"),
        ("a", "a"),
        ("", ""),
        ("on_the table", "on table"),
    ],
)
def test_normalise(text: str, expected: str) -> None:
    assert normalise(text) == expected


@given(texts)
def test_normalise_is_idempotent(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


def test_exact_match_is_about_meaning_not_spelling() -> None:
    assert exact_match("Two.", "2") and exact_match("the sofa", "Sofa")
    assert not exact_match("yes", "no") and not exact_match("", "no")


@given(texts, texts, texts)
def test_levenshtein_is_a_metric(a: str, b: str, c: str) -> None:
    assert levenshtein(a, b) == levenshtein(b, a)
    assert (levenshtein(a, b) == 0) == (a == b)
    assert levenshtein(a, c) <= levenshtein(a, b) + levenshtein(b, c)
    assert abs(len(a) - len(b)) <= levenshtein(a, b) <= max(len(a), len(b))


def test_levenshtein_of_a_known_pair() -> None:
    assert levenshtein("kitten", "sitting") == 3


def test_nls_is_one_minus_the_share_of_edits() -> None:
    assert nls("Kitten", "sitting") == pytest.approx(1 - 3 / 7)
    assert nls("", "") == 1.0 and nls("", "sofa") == 0.0 and nls("sofa", "SOFA ") == 1.0


def test_anls_takes_the_best_reference_and_cuts_below_the_threshold() -> None:
    assert anls("red", ["blue", "Red"]) == 1.0
    assert anls("red", ["blue", "grey"]) == 0.0
    assert anls("ab", ["ax"]) == 0.0  # a distance of exactly one half does not count
    assert anls("abc", ["abx"]) == pytest.approx(2 / 3)
    assert anls("red", []) == 0.0


@given(texts, st.lists(texts, max_size=4))
def test_anls_never_exceeds_nls(prediction: str, references: list[str]) -> None:
    best = max((nls(prediction, reference) for reference in references), default=0.0)
    assert 0.0 <= anls(prediction, references) <= best <= 1.0
