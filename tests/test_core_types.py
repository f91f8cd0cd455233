import pytest

from core.types import Answer


def test_an_answer_is_consistent() -> None:
    assert Answer("red", (5, 2), (-0.1, -0.2), 0.8).text == "red"
    with pytest.raises(ValueError, match="2 tokens but 1"):
        Answer("red", (5, 2), (-0.1,), 0.8)
    with pytest.raises(ValueError, match="outside"):
        Answer("red", (), (), 1.2)
