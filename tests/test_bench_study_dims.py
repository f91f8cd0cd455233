from io import BytesIO

import pytest
from tiny_models import QUESTIONS, photo, tiny_florence, wrapped

from bench.pair.models import PicturedQuestion
from bench.rooms.questions.draft import Question
from bench.studies.dims.cli import paragraph
from bench.studies.dims.measure import WHOLE, answer_rows, answers, second_rows, seconds, token_rows
from bench.studies.dims.ways import LINEAR, SLICED, lessons, render_room, ways
from models.florence import Florence


@pytest.fixture(scope="module")
def vlm() -> Florence:
    return wrapped(*tiny_florence())


def asked() -> list[PicturedQuestion]:
    return [
        PicturedQuestion(
            room, 0, _jpeg(room), Question(text, "red", "colour", (1,), 0, "f", "colour", "k", {}), False
        )
        for room in range(4)
        for text in QUESTIONS
    ]


def _jpeg(seed: int) -> bytes:
    buffer = BytesIO()
    photo(seed).save(buffer, "JPEG")
    return buffer.getvalue()


def test_a_study_from_fitting_to_its_paragraph(vlm: Florence) -> None:
    rooms = [
        ([photo(4 * room + view) for view in range(4)], [[(text, "red") for text in QUESTIONS]] * 4)
        for room in range(2)
    ]
    material = lessons(vlm, rooms)
    assert len(material.questions) == 24 and max(material.pictures) == 7
    steps: list[int] = []
    made = ways(vlm, material, (32, 8), 2, 0, lambda: steps.append(1))
    assert {(way.method, way.width) for way in made} == {(m, w) for m in (*LINEAR, SLICED) for w in (32, 8)}
    assert len(steps) == 2 * 3

    said, vision = answers(vlm, made, asked(), lambda: None)
    assert said["pca", 32] == said["random", 32] == said[SLICED, 32] == said[WHOLE, 32]
    rows = list(answer_rows("tiny", said, asked(), 0))
    same = [
        r for r in rows if r["metric"] == "exact difference" and r["method"] == "pca" and r["width"] == 32
    ]
    assert [row["mean"] for row in same] == [0]

    questions = [QUESTIONS[0]] * len(vision)
    told = {(row["method"], row["width"], row["metric"]): row for row in
            token_rows("tiny", made, vision, questions, 0)}  # fmt: skip
    assert (
        told[WHOLE, 32, "bytes_per_token"]["mean"] == 64 and told["pca", 8, "bytes_per_token"]["mean"] == 16
    )
    assert float(told["pca", 32, "map_kl"]["mean"] or 0) == pytest.approx(0, abs=1e-4)
    assert float(told["pca", 8, "retained"]["mean"] or 0) > float(told["random", 8, "retained"]["mean"] or 0)
    assert 0 < float(told["pca", 8, "cka"]["mean"] or 0) <= 1

    times = seconds(vlm, made, vision, questions, 2, 0)
    timed = list(second_rows("tiny", times, 0))
    assert {row["metric"] for row in timed} == {"language_ms", "times_faster"}
    sentence = paragraph([*rows, *timed])
    assert all(name in sentence for name in (*LINEAR, SLICED)) and "times faster" in sentence


def test_training_rooms_bring_questions_with_answers() -> None:
    pictures, questions = render_room(0)
    assert len(pictures) == len(questions) > 0
    assert all(text and answer for listed in questions for text, answer in listed)
