"""The `core.ports.SceneEncoder` of a saved student: onnxruntime in integers where it is installed, or torch.

Both give the same numbers up to rounding, so they share a name, which identifies the weights: vectors of
encoders with different names must not be compared.
"""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from PIL.Image import Image

from core.extras import require
from core.files import cache_dir
from core.ports import Millimetres, Rows, SceneEncoder
from models.scene.exporting import OPSET, export_onnx
from models.scene.pixels import depth_pixels, picture_pixels
from models.scene.student import SceneStudent, load_student, scene_config
from models.weights import check_digest, digest

BUILTIN_FOLDER = Path(__file__).parents[1] / "builtin" / "scene-encoder"
Compute = Callable[[torch.Tensor], Rows]


class StudentEncoder:
    """A scene student behind the port. Load it with `load_scene_encoder`; one thread at a time."""

    def __init__(self, name: str, side: int, compute: Compute) -> None:
        self.name = name
        self._side, self._compute = side, compute

    def rgb(self, images: Sequence[Image]) -> Rows:
        """Unit rows float32 [n, d] of n > 0 RGB pictures. Raises InputError for one that shows nothing."""
        return self._compute(picture_pixels(images, self._side))

    def depth(self, depths: Sequence[Millimetres]) -> Rows:
        """Unit rows float32 [n, d] of n > 0 depth frames. Raises InputError for one that cannot be depth."""
        return self._compute(depth_pixels(depths, self._side))


def load_scene_encoder(folder: Path = BUILTIN_FOLDER, integers: bool | None = None) -> SceneEncoder:
    """The encoder of a folder; the built-in one by default.

    `integers`: onnxruntime (True) or torch (False); None prefers onnxruntime where it is installed and the
    student was trained for it. Raises WeightsError, MissingDependencyError, StorageError.
    """
    config = scene_config(folder)
    if integers is None:
        integers = config["integers"] and all(find_spec(name) for name in ("onnx", "onnxruntime"))
    weights = digest(folder)
    compute = by_onnxruntime(exported(folder)) if integers else by_torch(load_student(folder))
    return StudentEncoder(f"scene:{weights[:12]}", int(config["shape"]["side"]), compute)


def exported(folder: Path) -> Path:
    """The cached ONNX file of a saved student, made if missing. Raises WeightsError, StorageError."""
    check_digest(folder)
    path = cache_dir() / "scene" / f"{digest(folder)}-{OPSET}.onnx"
    if not path.is_file():
        export_onnx(load_student(folder), path)
    return path


def by_torch(student: SceneStudent) -> Compute:
    """Compute rows with torch."""

    def compute(pixels: torch.Tensor) -> Rows:
        with torch.inference_mode():
            rows: Rows = student(pixels).numpy()
        return rows

    return compute


def by_onnxruntime(path: Path, threads: int | None = None) -> Compute:
    """Compute rows with onnxruntime on the processor, with so many threads or as many as torch uses."""
    runtime = require("onnxruntime", "onnx")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads or torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def compute(pixels: torch.Tensor) -> Rows:
        rows: Rows = session.run(None, {"pixels": pixels.numpy()})[0]
        return rows

    return compute
