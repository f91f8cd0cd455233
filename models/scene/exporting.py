"""A trained integer student as an ONNX file that holds its weights as 8-bit integers.

Every rounding of the training becomes a QuantizeLinear and a DequantizeLinear with the very same scale, so
that onnxruntime computes with the integers that were trained: activations as unsigned ones around 128, which
is the same grid and the faster way on most processors; weights as signed ones, rounded here once and for all.
"""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.errors import ModelError
from core.extras import require
from core.files import atomic_write_bytes
from models.scene.quantise import LEVELS, constants, is_on
from models.scene.student import SceneStudent

OPSET = 17
_DOMAIN = "roomwise"
_MIDDLE = np.array(128, np.uint8)


def export_onnx(student: SceneStudent, path: Path, signed: bool = False) -> None:
    """Write the student as ONNX: `pixels` float32 [B, 3, side, side] to `rows` float32 [B, width].

    One without integers, or with them switched off, is exported in floating point. With
    `signed` activations are signed integers around 0, as TensorRT wants them: the same grid. Raises
    MissingDependencyError, StorageError.
    """
    onnx = require("onnx", "onnx")
    model = onnx.load_from_string(_traced(student))
    if any(node.op_type == "FakeQuantise" for node in model.graph.node):
        _as_integers(model, onnx, signed)
    onnx.checker.check_model(model)
    atomic_write_bytes(path, model.SerializeToString())


def _traced(student: SceneStudent) -> bytes:
    buffer = io.BytesIO()
    side = student.shape.side
    with warnings.catch_warnings(), constants(student):
        # The tracing exporter is deprecated in favour of one that needs one library more.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            student.eval(),
            (torch.zeros(2, 3, side, side),),
            buffer,  # type: ignore[arg-type]  # a file object serves the tracing exporter
            input_names=["pixels"],
            output_names=["rows"],
            dynamic_axes={"pixels": {0: "batch"}, "rows": {0: "batch"}},
            opset_version=OPSET,
            custom_opsets={_DOMAIN: 1} if is_on(student) else None,
            dynamo=False,
        )
    return buffer.getvalue()


def _as_integers(model: Any, onnx: Any, signed: bool) -> None:
    """Replace each FakeQuantise: of a weight by its integers, of an activation by the two operators."""
    graph = model.graph
    held = _constants(graph, onnx)
    nodes: list[Any] = []
    used: set[str] = set()
    for node in graph.node:
        if node.op_type == "FakeQuantise":
            nodes += _quantised(node, held, graph, onnx, signed)
        else:
            nodes.append(node)
    for node in nodes:
        used |= set(node.input)
    del graph.node[:]
    graph.node.extend(node for node in nodes if node.op_type != "Constant" or node.output[0] in used)
    kept = [one for one in graph.initializer if one.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    opsets = [one for one in model.opset_import if one.domain != _DOMAIN]
    del model.opset_import[:]
    model.opset_import.extend(opsets)


def _constants(graph: Any, onnx: Any) -> dict[str, Any]:
    """Arrays by name: initializers, and what constant nodes hold."""
    held = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            held[node.output[0]] = onnx.numpy_helper.to_array(node.attribute[0].t)
        elif node.op_type == "Identity" and node.input[0] in held:
            held[node.output[0]] = held[node.input[0]]
    return held


def _quantised(node: Any, held: dict[str, Any], graph: Any, onnx: Any, signed: bool) -> list[Any]:
    """The nodes in one FakeQuantise's place; what they need is added to the graph's initializers."""
    source, scale_name = node.input
    if scale_name not in held:
        raise ModelError("A range was not frozen before the export. Calibrate the student first.")
    scale = np.asarray(held[scale_name], np.float32)
    name = node.output[0]

    def put(suffix: str, array: Any) -> str:
        graph.initializer.append(onnx.numpy_helper.from_array(array, f"{name}.{suffix}"))
        return f"{name}.{suffix}"

    make = onnx.helper.make_node
    if source in held:
        integers = np.clip(np.rint(held[source] / scale), -LEVELS - 1, LEVELS).astype(np.int8)
        axis = int(np.argmax(scale.shape)) if scale.ndim else 0
        each = put("scale", scale.reshape(-1))
        zero = put("zero", np.zeros(scale.size, np.int8))
        return [make("DequantizeLinear", [put("weight", integers), each, zero], [name], axis=axis)]
    step, middle = (
        put("scale", scale.reshape(())),
        put("middle", np.zeros((), np.int8) if signed else _MIDDLE),
    )
    return [
        make("QuantizeLinear", [source, step, middle], [f"{name}.integers"]),
        make("DequantizeLinear", [f"{name}.integers", step, middle], [name]),
    ]
