"""Models, adapters, jobs and what is fitted."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save_file
from tiny_calibration import tiny_calibration
from tiny_jobs import examples, request
from tiny_models import photo, tiny_florence

from adapters.jobs import job
from adapters.jobs.request import Result
from adapters.jobs.store import AdapterStore
from adapters.scene.request import SceneRequest, read_scene_request, write_scene_request
from adapters.training.codes import ABOUT, FORM, FORMAT, WEIGHTS, Encoder, load_map_coder
from adapters.training.probe import make_probe, read_probe
from agent.learning.parcel import pack as pack_job
from agent.learning.parcel import unpack as unpack_job
from agent.learning.rooms import last_counts
from agent.station.looks import adapter_lines
from agent.takeover.calibration import read_calibration, write_calibration
from agent.turns.others import read_audits
from agent.whereabouts.recognition import FILE, read_calibrations
from bench.pretrain.blueprint import save_model
from core.files import sha256_file
from models.adapter_files import WEIGHTS_FILE, Base
from models.footprint import footprint
from models.lora import Adapter, read_adapter, write_adapter
from models.registry import load_model
from models.weights import check_files, digest
from soak.parser import Parser, copied_parser, file_parser

_BASE = Base("tiny", "a" * 64)


def _prepare_model(folder: Path) -> Sequence[str]:
    save_model(*tiny_florence(), folder / "model")
    for path in (folder / "model").glob("weights.sha256"):
        path.unlink()
    names = [path.name for path in (folder / "model").iterdir() if path.suffix == ".json"]
    return [f"model/{name}" for name in sorted(names)]


def _read_model(folder: Path) -> None:
    model = load_model(str(folder / "model"))
    model.answer(model.encode_images([photo()]), "What is it?", 2)


def _prepare_weights(folder: Path) -> Sequence[str]:
    _prepare_model(folder)
    return ["model/model.safetensors"]


def _read_weights(folder: Path) -> None:
    check_files(folder / "model")
    digest(folder / "model")


def _prepare_adapter(folder: Path) -> Sequence[str]:
    matrices = {"layer": (torch.zeros(2, 4), torch.zeros(4, 2))}
    (folder / "adapter").mkdir()
    write_adapter(Adapter(2, 4.0, matrices), _BASE, folder / "adapter")
    about = {
        "base": asdict(_BASE), "sha256": sha256_file(folder / "adapter" / WEIGHTS_FILE), "keep_tokens": 0.5,
        "created": "2026-01-01", "pairs": ["a"], "scores": {"held_out": {"after": 0.5}},
    }  # fmt: skip
    (folder / "adapter" / "version.json").write_text(json.dumps(about))
    return [f"adapter/{name}" for name in ("adapter_config.json", WEIGHTS_FILE, "version.json")]


def _read_adapter(folder: Path) -> None:
    """With the sum made anew, so that what is inside is read."""
    version = folder / "adapter" / "version.json"
    with contextlib.suppress(ValueError, TypeError, RecursionError):
        values = json.loads(version.read_bytes())
        version.write_text(json.dumps({**values, "sha256": sha256_file(folder / "adapter" / WEIGHTS_FILE)}))
    read_adapter(folder / "adapter", _BASE)


def _prepare_store(folder: Path) -> Sequence[str]:
    for number in (1, 2):
        room = folder / "adapters" / "den"
        room.mkdir(parents=True, exist_ok=True)
        _prepare_adapter(folder)
        (folder / "adapter").rename(room / f"{number:04}")
    (folder / "adapters" / "den" / "current").write_text('{"version": 2, "before": [0, 1]}')
    (folder / "adapters" / "considered").write_text('{"rooms": 2, "pairs": 9}')
    return ["adapters/den/current", "adapters/considered", "adapters/den/0002/version.json"]


def _read_store(folder: Path) -> None:
    store = AdapterStore(folder / "adapters")
    for room in store.rooms():
        store.versions(room), store.current(room), store.problems(room)
    store.considered()
    list(adapter_lines(store, "den"))


def _prepare_job(folder: Path) -> Sequence[str]:
    job.write_request(folder, request("tiny", examples(folder / "pictures")))
    job.write_result(folder, Result("promote", "it is better", 1.0))
    for step in range(3):
        job.ProgressLog(folder).say("train", step=step, loss=0.5)
    return [job.REQUEST, job.REQUEST, job.RESULT, job.PROGRESS]


def _read_job(folder: Path) -> None:
    job.read_request(folder)
    job.read_result(folder)
    list(job.read_progress(folder))


def _prepare_scene_job(folder: Path) -> Sequence[str]:
    pairs = ((folder / "a.jpg", folder / "a.depth.png"),)
    write_scene_request(folder, SceneRequest("usb", folder, pairs, pairs))
    return [job.REQUEST]


def _prepare_parcel(folder: Path) -> Sequence[str]:
    (folder / "job").mkdir()
    _prepare_job(folder / "job")
    (folder / "parcel").write_bytes(pack_job(folder / "job"))
    return ["parcel"]


def _read_parcel(folder: Path) -> None:
    unpack_job((folder / "parcel").read_bytes(), folder / "out")


def _prepare_probe(folder: Path) -> Sequence[str]:
    make_probe(load_model("builtin-student"), _BASE, [photo()], folder / "probe", each=2)
    return [path.relative_to(folder).as_posix() for path in (folder / "probe").glob("*.json")]


def _prepare_coder(folder: Path) -> Sequence[str]:
    encoder = Encoder(2, 8, 8, 8, False)
    tensors = {f"teacher.{name}": tensor for name, tensor in encoder.state_dict().items()}
    tensors |= {"mean": torch.zeros(2), "spread": torch.ones(2)}
    save_file(tensors, folder / WEIGHTS)
    about = {"format": FORMAT, "form": FORM, "shape": [2, 8, 8], "width": 8, "variational": False}
    (folder / ABOUT).write_text(json.dumps({**about, "sha256": sha256_file(folder / WEIGHTS)}))
    return [ABOUT, WEIGHTS]


def _read_coder(folder: Path) -> None:
    """With the sum made anew, so that what is inside is read."""
    with contextlib.suppress(ValueError, TypeError, RecursionError):
        values = json.loads((folder / ABOUT).read_bytes())
        (folder / ABOUT).write_text(json.dumps({**values, "sha256": sha256_file(folder / WEIGHTS)}))
    load_map_coder(folder)


def _prepare_calibration(folder: Path) -> Sequence[str]:
    write_calibration(tiny_calibration(base=_BASE.digest), folder / "calibration.json")
    return ["calibration.json"]


PARSERS = (
    Parser("checkpoint", _prepare_model, _read_model, 100),
    Parser("checkpoint's size", _prepare_model, lambda folder: footprint(folder / "model")),
    Parser("weights", _prepare_weights, _read_weights, 3),
    Parser("adapter", _prepare_adapter, _read_adapter, 3),
    Parser("adapters", _prepare_store, _read_store, 3),
    Parser("job", _prepare_job, _read_job, 2),
    Parser("scene job", _prepare_scene_job, read_scene_request),
    Parser("parcel of a job", _prepare_parcel, _read_parcel, 2),
    Parser("probe set", _prepare_probe, lambda folder: read_probe(folder / "probe", _BASE)),
    Parser("autoencoders", _prepare_coder, _read_coder, 2),
    Parser("calibration", _prepare_calibration, lambda f: read_calibration(f / "calibration.json", _BASE)),
    copied_parser("recognition", FILE, lambda folder: read_calibrations("x", folder / FILE.name)),
    file_parser("audits", "a.json", '[{"confidence": 0.5, "right": true, "share": 0.5, "agreed": true}]',
          lambda folder: read_audits(folder / "a.json")),
    file_parser("counts", "counts.json", '{"rooms": 2, "pairs": 3}', last_counts),
)  # fmt: skip
