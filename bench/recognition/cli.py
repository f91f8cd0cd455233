"""`roomwise bench recognition`: whether rooms are known again, from colours and from distances alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console

from agent.whereabouts.recognition import FILE, write_calibrations
from bench.measure.intervals import DRAWS, Interval, bootstrap_mean, drawn_interval
from bench.measure.options import Json, RenderJobs, Sessions, Split
from bench.measure.report import Report, Row, emit, measured
from bench.recognition.fitting import calibrate, gather_features, learn
from bench.recognition.views import RoomSightings, read_sessions, rendered_rooms
from core.errors import InputError
from core.ports import Millimetres, Rows, SceneEncoder
from memory.gallery import Kind
from models.embedder import StudentEyes
from models.registry import load_model, model_folder
from models.scene import places
from models.scene.encoder import BUILTIN_FOLDER, load_scene_encoder
from models.scene.places import EYES, PROJECTIONS
from models.vlm import VisionLanguageModel
from models.weights import digest

_FOLDS = 5
"""How often half of the rooms are drawn as the known ones."""


@dataclass(frozen=True)
class Probe:
    """Views [t, d] that are looked at, of the room with this number."""

    room: int
    views: Rows


def likeness(probe: Probe, enrolled: Sequence[Rows]) -> NDArray[np.float64]:
    """To each room's enrolled views: the mean over the probe's of the cosine with the likest, [rooms]."""
    return np.array([float((probe.views @ views.T).max(1).mean()) for views in enrolled])


def top1(probes: Sequence[Probe], enrolled: Sequence[Rows], seed: int) -> Interval:
    """How often the likest of all rooms is the right one."""
    right = [int(np.argmax(likeness(probe, enrolled))) == probe.room for probe in probes]
    return bootstrap_mean(right, [probe.room for probe in probes], seed=seed)


def open_set(probes: Sequence[Probe], enrolled: Sequence[Rows], seed: int) -> Interval:
    """AUROC of "is of a known room" by the likeness to the likest, a random half of the rooms being known.

    The mean over five draws of the half; the interval draws rooms with replacement.
    """
    rng = np.random.default_rng(seed)
    table = np.stack([likeness(probe, enrolled) for probe in probes])
    rooms = np.array([probe.room for probe in probes])
    halves = [rng.permutation(len(enrolled))[: len(enrolled) // 2] for _ in range(_FOLDS)]
    scored = [(table[:, half].max(1), np.isin(rooms, half)) for half in halves]
    value = float(np.mean([auroc(score, known) for score, known in scored]))
    counts = rng.multinomial(len(enrolled), np.full(len(enrolled), 1 / len(enrolled)), size=DRAWS // 10)
    draws = [np.mean([auroc(score, known, weight[rooms]) for score, known in scored]) for weight in counts]
    return drawn_interval(value, draws, len(probes))


def auroc(
    scores: NDArray[np.float64], known: NDArray[np.bool_], weights: NDArray[np.int64] | None = None
) -> float:
    """The chance that a known one scores above an unknown one, ties half; NaN without either.

    `weights` [n] count each score so often.
    """
    counts = np.ones(len(scores)) if weights is None else weights.astype(np.float64)
    above, below = scores[known], scores[~known]
    mass = counts[known].sum() * counts[~known].sum()
    if not mass:
        return float("nan")
    order = np.argsort(below)
    cumulative = np.concatenate([[0.0], np.cumsum(counts[~known][order])])
    less = cumulative[np.searchsorted(below[order], above, "left")]
    at_most = cumulative[np.searchsorted(below[order], above, "right")]
    return float((counts[known] * (less + at_most) / 2).sum() / mass)


app = typer.Typer(add_completion=False)
_SIZE = 224
_MOST_VIEWS = 3
KINDS: tuple[Kind, ...] = ("rgb", "depth")


class BareEyes:
    """The student's eyes as memory compares frames by them, which were not made for telling rooms."""

    name = "eyes"

    def __init__(self, model: VisionLanguageModel) -> None:
        self._eyes = StudentEyes(model, "")

    def rgb(self, images: Sequence[Image.Image]) -> Rows:
        """Unit rows [n, 4 C]."""
        return self._eyes.image(images)

    def depth(self, depths: Sequence[Millimetres]) -> Rows:
        """None."""
        raise InputError("These eyes see colours only. Choose another encoder.")


@app.command()
def recognition(
    sessions: Sessions = None,
    rooms: Annotated[int, typer.Option("--rooms", min=4, help="Rendered rooms, five views each.")] = 100,
    split: Split = "test",
    fit: Annotated[
        Path | None,
        typer.Option("--fit", help="First fit projections and thresholds to rooms rendered in this folder."),
    ] = None,
    jobs: RenderJobs = 2,
    seed: Annotated[int, typer.Option("--seed", help="For the intervals and who is known.")] = 0,
    as_json: Json = False,
) -> None:
    """Enrol the first view of each room, then look at the others: is the room known, and which is it?

    `looks` says from where: `other` places in the room, one view or `several` together, or from `near` the
    first. Rows: top-1 among all rooms, and the open-set AUROC with a random half of them known.

    Example: roomwise bench recognition --rooms 100

    Example: roomwise bench recognition --sessions recordings --json

    Example: roomwise pretrain render --data rooms && roomwise bench recognition --fit rooms
    """
    if fit is not None:
        fit_all(fit)
    model = load_model(EYES)
    views = rendered_rooms(split, rooms, _SIZE, jobs) if sessions is None else read_sessions(sessions)
    report_rows = [row for encoder in _encoders(model) for row in rows(encoder, views, seed)]
    emit(Report("bench recognition", seed, report_rows), json=as_json)


def _encoders(model: VisionLanguageModel) -> Iterator[SceneEncoder]:
    """Encoders as memory and as the agent use them, and the scene encoder where there is one."""
    yield BareEyes(model)
    yield places.load_places(model)
    if BUILTIN_FOLDER.is_dir():
        yield load_scene_encoder()


def rows(encoder: SceneEncoder, rooms: Sequence[RoomSightings], seed: int) -> Iterator[Row]:
    """Top-1 and AUROC of an encoder, by kind of view and by where is looked from."""
    name = encoder.name.split(":")[0]
    for kind in KINDS:
        try:
            encoded = [_encode(encoder, room, kind) for room in rooms]
        except InputError:
            continue
        usable = [vectors for vectors in encoded if len(vectors[0]) > 1]
        if len(usable) < 2:
            continue
        enrolled = [views[:1] for views, _ in usable]
        for viewpoint, probes in _probes(usable).items():
            identity: Row = {"model": name, "modality": kind, "looks": viewpoint, "rooms": len(usable)}
            yield measured(top1(probes, enrolled, seed), **identity, metric="top1")
            yield measured(open_set(probes, enrolled, seed), **identity, metric="auroc")


def _encode(encoder: SceneEncoder, room: RoomSightings, kind: Kind) -> tuple[Rows, Rows]:
    """Of the room's views and of those from near, [n, d] each."""
    if kind == "rgb":
        views = encoder.rgb(room.rgb)
        return views, encoder.rgb(room.near) if room.near else views[:0]
    views = encoder.depth(room.depth) if room.depth else np.zeros((0, 1), "f4")
    return views, encoder.depth(room.near_depth) if room.near_depth else views[:0]


def _probes(rooms: Sequence[tuple[Rows, Rows]]) -> dict[str, list[Probe]]:
    several = [(n, views[1:][:_MOST_VIEWS]) for n, (views, _) in enumerate(rooms) if len(views) > 2]
    probes_by_viewpoint = {
        "other": [Probe(n, view[None]) for n, (views, _) in enumerate(rooms) for view in views[1:]],
        "several": [Probe(n, views) for n, views in several],
        "near": [Probe(n, near[:1]) for n, (_, near) in enumerate(rooms) if len(near)],
    }
    return {viewpoint: probes for viewpoint, probes in probes_by_viewpoint.items() if probes}


def fit_all(data: Path) -> None:
    """Learn the projections from the rooms in `data`, then the thresholds; both replace the committed ones.

    Raises InputError when there are no rooms, StorageError.
    """
    model = load_model(EYES)
    training = {kind: gather_features(data, model, kind) for kind in KINDS}
    projections: dict[Kind, places.Projection] = {
        kind: learn(features) for kind, features in training.items()
    }
    places.write_projections(PROJECTIONS, projections, digest(model_folder(EYES)))
    # Read again, so that thresholds are those of what was kept, at its precision.
    projections, _, name = places.read_projections(PROJECTIONS)
    calibrations = {kind: calibrate(features, projections[kind]) for kind, features in training.items()}
    write_calibrations(name, calibrations)
    Console(stderr=True).print(f"Fitted {name}: {PROJECTIONS} and {FILE}", highlight=False)
