"""Export a quantised student as an ONNX file with 8-bit weights.

Every rounding of the training becomes a QuantizeLinear and a DequantizeLinear of the same scale, so that
onnxruntime computes with the trained integers: activations unsigned around 128, which is faster on most
processors; weights signed, rounded here.
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

    Without quantisation it is exported in floating point. `signed`: activations as signed integers around 0,
    as TensorRT wants them; the same grid. Raises MissingDependencyError, StorageError.
    """
    onnx = require("onnx", "onnx")
    model = onnx.load_from_string(_trace(student))
    if any(node.op_type == "FakeQuantise" for node in model.graph.node):
        _convert_fake_quantise(model, onnx, signed)
    onnx.checker.check_model(model)
    atomic_write_bytes(path, model.SerializeToString())


def _trace(student: SceneStudent) -> bytes:
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


def _convert_fake_quantise(model: Any, onnx: Any, signed: bool) -> None:
    """Replace each FakeQuantise: a weight's by its integers, an activation's by two operators."""
    graph = model.graph
    arrays = _constants(graph, onnx)
    nodes: list[Any] = []
    used: set[str] = set()
    for node in graph.node:
        if node.op_type == "FakeQuantise":
            nodes += _quantise_nodes(node, arrays, graph, onnx, signed)
        else:
            nodes.append(node)
    for node in nodes:
        used |= set(node.input)
    del graph.node[:]
    graph.node.extend(node for node in nodes if node.op_type != "Constant" or node.output[0] in used)
    initializers = [entry for entry in graph.initializer if entry.name in used]
    del graph.initializer[:]
    graph.initializer.extend(initializers)
    opsets = [entry for entry in model.opset_import if entry.domain != _DOMAIN]
    del model.opset_import[:]
    model.opset_import.extend(opsets)


def _constants(graph: Any, onnx: Any) -> dict[str, Any]:
    """Arrays by name, of initializers and constant nodes."""
    arrays = {entry.name: onnx.numpy_helper.to_array(entry) for entry in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            arrays[node.output[0]] = onnx.numpy_helper.to_array(node.attribute[0].t)
        elif node.op_type == "Identity" and node.input[0] in arrays:
            arrays[node.output[0]] = arrays[node.input[0]]
    return arrays


def _quantise_nodes(node: Any, arrays: dict[str, Any], graph: Any, onnx: Any, signed: bool) -> list[Any]:
    """The nodes that replace one FakeQuantise; their constants go to the graph's initializers."""
    source, scale_name = node.input
    if scale_name not in arrays:
        raise ModelError("A range was not frozen before the export. Calibrate the student first.")
    scale = np.asarray(arrays[scale_name], np.float32)
    name = node.output[0]

    def add_array(suffix: str, array: Any) -> str:
        graph.initializer.append(onnx.numpy_helper.from_array(array, f"{name}.{suffix}"))
        return f"{name}.{suffix}"

    make = onnx.helper.make_node
    if source in arrays:
        integers = np.clip(np.rint(arrays[source] / scale), -LEVELS - 1, LEVELS).astype(np.int8)
        axis = int(np.argmax(scale.shape)) if scale.ndim else 0
        each = add_array("scale", scale.reshape(-1))
        zero = add_array("zero", np.zeros(scale.size, np.int8))
        return [make("DequantizeLinear", [add_array("weight", integers), each, zero], [name], axis=axis)]
    step = add_array("scale", scale.reshape(()))
    middle = add_array("middle", np.zeros((), np.int8) if signed else _MIDDLE)
    return [
        make("QuantizeLinear", [source, step, middle], [f"{name}.integers"]),
        make("DequantizeLinear", [f"{name}.integers", step, middle], [name]),
    ]
