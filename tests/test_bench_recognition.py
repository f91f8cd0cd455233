"""Rooms known again: the projection, the curve, the scores; the encoder's features and what they refuse."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tiny_places import Colours

from bench.recognition.cli import Probe, auroc, open_set, rows, top1
from bench.recognition.fitting import calibrate_places, discriminants, fit_curve
from bench.recognition.views import RoomSightings, measured_depth, read_sessions
from core.errors import InputError, WeightsError
from models.scene.pixels import check_depth
from models.scene.places import Projection, depth_features, read_projections, write_projections


def _clouds(places: int, views: int, spread: float, seed: int = 0) -> list[np.ndarray]:
    """Unit rows around a direction for each place."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(places):
        rows = rng.normal(size=16) + spread * rng.normal(size=(views, 16))
        found.append((rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("f4"))
    return found


def test_discriminants_find_what_tells_rooms_apart_below_what_does_not() -> None:
    rng = np.random.default_rng(0)
    rooms = np.repeat(np.arange(60), 4)
    telling = rng.normal(size=(60, 3))[rooms] * 0.3
    noise = rng.normal(size=(240, 20)) * 3
    features = np.concatenate([noise, telling + rng.normal(size=(240, 3)) * 0.02], 1).astype("f4")
    project = discriminants(features, rooms, 3)
    rows = project(features)

    def known(vectors: np.ndarray) -> float:
        return float(np.mean(np.argmax(vectors[1::4] @ vectors[::4].T, 1) == np.arange(60)))

    raw = features - features.mean(0)
    assert known(rows) > 0.8 > 0.3 > known(raw / np.linalg.norm(raw, axis=1, keepdims=True))
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 3)), min_size=2, max_size=14).filter(
        lambda drawn: any(k and w for _, k, w in drawn) and any(not k and w for _, k, w in drawn)
    )
)
def test_auroc_is_the_share_of_pairs_in_order(drawn: list[tuple[int, bool, int]]) -> None:
    scores, known, weights = (np.array(column) for column in zip(*drawn, strict=True))
    above = np.repeat(scores[known], weights[known])
    below = np.repeat(scores[~known], weights[~known])
    wanted = np.mean([(a > b) + 0.5 * (a == b) for a in above for b in below])
    assert auroc(scores.astype(float), known, weights) == pytest.approx(wanted)


def test_scores_are_perfect_where_rooms_are_far_apart_and_chance_where_they_are_not() -> None:
    for spread, least, most in ((0.01, 1.0, 1.0), (50.0, 0.0, 0.2)):
        places = _clouds(40, 2, spread)
        probes = [Probe(n, one[1:]) for n, one in enumerate(places)]
        found = top1(probes, [one[:1] for one in places], 0)
        assert least <= found.mean <= most and found.low <= found.mean <= found.high
    assert 0.3 < open_set(probes, [one[:1] for one in places], 0).mean < 0.7


def test_the_curve_is_the_log_likelihood_ratio() -> None:
    rng = np.random.default_rng(0)
    same = rng.random(20000) < 0.2
    likeness = np.where(same, 0.7, 0.3) + 0.2 * rng.normal(size=20000)
    table = np.stack([np.ones(20000), likeness, *np.zeros((3, 20000))], 1)
    curve = fit_curve(table, same)
    # Two normal densities of equal spread: the ratio's logarithm is (0.7 - 0.3) / 0.2^2 * (s - 0.5).
    assert curve.ratio(0.5, 1, 1) == pytest.approx(0, abs=0.15)
    assert curve.slope == pytest.approx(10, rel=0.05)


def test_thresholds_keep_what_was_asked_for() -> None:
    found = calibrate_places(_clouds(80, 4, 0.35), np.random.default_rng(0))
    assert found.about["known_right"] >= 0.95 and found.about["new_right"] >= 0.95
    assert found.about["said_known"] > 0.2 and found.about["said_new"] > 0.2


def test_rows_name_who_saw_what_from_where() -> None:
    rng = np.random.default_rng(0)
    rooms = []
    for number in range(8):
        colour = rng.integers(0, 255, 3)
        pictures = [Image.new("RGB", (8, 8), tuple(colour.tolist())) for _ in range(4)]
        depth = [np.full((4, 4), 500 + 300 * number, np.uint16)] * 4
        rooms.append(RoomSightings(str(number), pictures, depth, pictures[:1], depth[:1]))
    found = list(rows(Colours(), rooms, 0))
    assert {(row["modality"], row["looks"]) for row in found} == {
        (kind, looks) for kind in ("rgb", "depth") for looks in ("other", "several", "near")
    }
    assert {row["metric"] for row in found} == {"top1", "auroc"}
    assert all(row["mean"] == 1 for row in found if row["metric"] == "top1" and row["modality"] == "rgb")


def test_sessions_of_one_picture_show_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two pictures"):
        read_sessions(tmp_path)


def test_a_depth_camera_is_noisier_far_away_and_blind_beyond_eight_metres() -> None:
    rng = np.random.default_rng(0)
    near, far, beyond = (measured_depth(np.full((64, 64), d), rng) for d in (1.0, 5.0, 9.0))
    assert near.std() < 5 < 25 < far.std() < 60 and not beyond.any()
    assert abs(float(far.mean()) - 5000) < 10


@pytest.mark.parametrize(
    ("depth", "said"),
    [
        (np.zeros((8, 8), np.uint16), "next to nothing"),
        (np.full((8, 8), 3, np.uint16), "in millimetres"),
        (np.full((8, 8), 60000, np.uint16), "in millimetres"),
        (np.ones((8, 8), np.float32), "uint16"),
        (np.ones((8, 8, 3), np.uint16), "uint16"),
    ],
)
def test_what_is_no_depth_frame_is_refused(depth: np.ndarray, said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_depth(depth)


@given(st.integers(300, 6000), st.integers(3, 40), st.integers(3, 40))
def test_features_of_distances_are_finite_for_any_size(millimetres: int, height: int, width: int) -> None:
    row = depth_features([np.full((height, width), millimetres, np.uint16)])
    assert row.shape == (1, 416) and np.isfinite(row).all()


def test_projections_come_back_at_half_precision_and_damage_is_said(tmp_path: Path) -> None:
    path = tmp_path / "p.safetensors"
    rng = np.random.default_rng(0)
    one = Projection(*(rng.normal(size=shape).astype("f2").astype("f4") for shape in ((6,), (6,), (6, 2))))
    write_projections(path, {"rgb": one, "depth": one}, "eyes")
    found, eyes, name = read_projections(path)
    assert eyes == "eyes" and name.startswith("places:")
    assert all(np.array_equal(vars(found["rgb"])[field], value) for field, value in vars(one).items())
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(WeightsError, match="bench recognition --fit"):
        read_projections(path)
