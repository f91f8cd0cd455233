"""What holds is written by the intervals."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.measure.charts import as_printed, draw_dots
from bench.studies.few_shot.align_kd import ALIGN_KD_SCORES
from bench.studies.few_shot.claims import PublishedClaim, claim_rows, judge, sentences, sign
from bench.studies.few_shot.methods import Entry
from bench.studies.few_shot.scores import MethodScores
from bench.studies.few_shot.sf import SLIDES_SCORES

ENTRIES = [Entry(name, "", {"ce": 1.0}) for name in ("plain", "better", "worse", "same")]


def scores(means: Mapping[str, float], rooms: int = 20) -> MethodScores:
    """Ten questions a room; a method is right as often in each room, but for one that varies."""
    names = [f"room {n}" for n in range(rooms) for _ in range(10)]
    base = np.tile(np.arange(10) / 10, rooms)
    wave = np.repeat(np.where(np.arange(rooms) % 2, 0.1, -0.1), 10)
    values = {
        (name, metric): (base < mean).astype(float) + (wave if name == "same" else 0)
        for name, mean in means.items()
        for metric in ("exact", "nls")
    }
    return MethodScores(names, ["all"] * len(names), values, {}, {}, {}, 0)


MEANS = {"plain": 0.5, "better": 0.7, "worse": 0.3, "same": 0.5}


def test_a_claim_holds_fails_or_cannot_be_told() -> None:
    claims = [
        PublishedClaim("better", "plain", "above", published=-0.1),
        PublishedClaim("worse", "plain", "above"),
        PublishedClaim("same", "plain", "below"),
        PublishedClaim("same", "plain", "no different"),
        PublishedClaim("unknown", "plain", "above"),
    ]
    verdicts = judge(claims, scores(MEANS))
    assert [one.holds for one in verdicts] == [True, False, None, True]
    told = claim_rows(verdicts)
    assert [row["verdict"] for row in told] == ["holds", "does not hold", "cannot be told", "holds"]
    assert told[0]["published"] == -0.1 and told[0]["against"] == "plain" and told[0]["n"] == 200
    text = " ".join(sentences(verdicts, scores(MEANS), ENTRIES, "plain"))
    assert "That better is above plain (published: -0.1) holds here: exact +0.200" in text
    assert "Right more often than plain: better (+0.200)." in text
    assert "Right less often than plain: worse (-0.200)." in text
    assert "Not to be told from plain: same (+0.000)." in text


def test_one_room_tells_nothing() -> None:
    found = scores(MEANS, rooms=1).difference("better", "plain", "exact")
    assert found.mean > 0 and sign(found) == "no different"


def test_the_picture_shows_every_method_where_it_is(tmp_path: Path) -> None:
    known = scores(MEANS)
    dots = {name: known.interval(name, "exact") for name in MEANS}
    path = tmp_path / "study.svg"
    draw_dots(path, "a < b", dots, "plain", {"plain": 0.3727})
    drawn = path.read_text()
    assert "a &lt; b" in drawn and "0.3727" in drawn and all(f">{name}<" in drawn for name in MEANS)
    found = re.findall(r'<use [^>]*x="([\d.]+)" [^>]*fill: #(?:1583a8|d18b1f)', drawn)
    places = [float(place) for place in found]
    assert len(places) == 4 and places[2] < places[0] < places[1]
    alone = scores(MEANS, rooms=1)
    draw_dots(path, "", {"plain": alone.interval("plain", "exact")}, "plain", {})
    assert "nan" not in path.read_text().lower()


def test_a_claim_about_one_room_cannot_be_told() -> None:
    verdicts = judge([PublishedClaim("same", "plain", "no different")], scores(MEANS, rooms=1))
    assert verdicts[0].holds is None
    (text, *_) = sentences(verdicts, scores(MEANS, rooms=1), ENTRIES, "plain")
    assert "cannot be told" in text and "nan" not in text


def test_published_numbers_keep_the_decimals_of_their_source() -> None:
    assert [as_printed(ALIGN_KD_SCORES, name) for name in ("ce", "+ kd_rkl", "expert")] == [
        "62.4",
        "63.0",
        "",
    ]
    assert as_printed(SLIDES_SCORES, "sf5") == "0.3710"
    assert as_printed({"rooms": 20}, "rooms") == "20"
