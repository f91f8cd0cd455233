import numpy as np
from PIL import Image
from tiny_models import photo

from adapters.training.material import other_exposure
from adapters.training.questions import general_questions, unlike


def test_the_same_generator_asks_the_same() -> None:
    first, second = (general_questions(30, np.random.default_rng(4)) for _ in range(2))
    assert first == second
    assert len(set(first)) > 20
    assert all("{" not in question for question in first)


def test_questions_that_ask_the_same_in_other_words_are_left_out() -> None:
    asked = ["What colour is the sofa?", "Where is the lamp?", "Is the sofa red?"]
    assert unlike(asked, ["Tell me the colour of the sofa."]) == asked[1:]
    assert unlike(asked, []) == asked


def test_another_exposure_changes_every_part_a_little_and_moves_nothing() -> None:
    picture = photo(width=64, height=64)
    rng = np.random.default_rng(0)
    shown = other_exposure(picture, rng)
    assert shown.size == picture.size and shown.mode == "RGB"
    before, after = (np.asarray(one, np.float32).mean(axis=2).ravel() for one in (picture, shown))
    assert np.corrcoef(before, after)[0, 1] > 0.9
    assert np.abs(before - after).mean() > 1
    assert other_exposure(Image.new("L", (3, 2)), rng).size == (3, 2)
