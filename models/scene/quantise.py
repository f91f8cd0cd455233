"""8-bit quantisation-aware training (Jacob et al. 2018), matching the exported encoder.

Symmetric and uniform: q = clamp(round(x * 127 / amax), -128, 127), read back as q * amax / 127. Weights
have an amax per output channel, activations one per tensor, measured on calibration frames and then frozen.
Gradients pass straight through, and stop where |x| > amax. Quantised: input and weight of every linear layer
and convolution, and a convolution's output. In float: biases, normalisation, attention products, softmax,
GELU, residual sums. (EdgeVL's code also quantises queries, keys, values and probabilities; on processors
their products are a small part, and a probability of 1 in 600 would become 0.)
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional

LEVELS = 127
_SMALLEST = 1e-8
_SCALE = "weight_scale"
Mode = Literal["off", "observe", "on"]


class _FakeQuantise(torch.autograd.Function):
    """Round to the grid of `scale`; straight-through inside, nothing outside."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        steps = x / scale
        ctx.save_for_backward(steps.abs() <= LEVELS)
        return steps.round().clamp(-LEVELS - 1, LEVELS) * scale

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None]:
        (inside,) = ctx.saved_tensors
        return grads[0] * inside, None

    @staticmethod
    def symbolic(graph: Any, x: Any, scale: Any) -> Any:
        """The ONNX operator that `exporting` replaces."""
        return graph.op("roomwise::FakeQuantise", x, scale).setType(x.type())


def fake_quantise(x: torch.Tensor, amax: torch.Tensor) -> torch.Tensor:
    """`x` rounded to 8 bits; `amax` is one number, or one per slice of the first axis."""
    return _on_grid(x, _scale(x, amax))


def _scale(x: torch.Tensor, amax: torch.Tensor) -> torch.Tensor:
    """The size of one step, broadcastable to `x`."""
    scale = amax.clamp_min(_SMALLEST) / LEVELS
    return scale.view(-1, *[1] * (x.ndim - 1)) if scale.ndim else scale


def _on_grid(x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    quantised: torch.Tensor = _FakeQuantise.apply(x, scale)  # type: ignore[no-untyped-call]
    return quantised


class Range(nn.Module):
    """The range of one activation tensor, observed on calibration frames, then frozen."""

    amax: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("amax", torch.zeros(()))
        self.mode: Mode = "off"
        self.constant: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`x` itself, observed or quantised, by mode."""
        if self.mode == "observe":
            self.amax.copy_(torch.maximum(self.amax, x.detach().abs().amax()))
        if self.mode != "on":
            return x
        return fake_quantise(x, self.amax) if self.constant is None else _on_grid(x, self.constant)


class _Layer(nn.Module):
    """The base of linear layers and convolutions with integer weight and input."""

    def __init__(self, plain: "nn.Linear | nn.Conv2d") -> None:
        super().__init__()
        self.weight, self.bias = plain.weight, plain.bias
        self.input = Range()
        self.constant: torch.Tensor | None = None

    def integer_weight(self) -> torch.Tensor:
        """The weight in use."""
        if self.input.mode != "on":
            return self.weight
        if self.constant is not None:
            return _on_grid(self.weight, self.constant)
        return fake_quantise(self.weight, channel_amax(self.weight))


class QuantisedLinear(_Layer):
    """A linear layer with an integer input and an integer weight."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(self.input(x), self.integer_weight(), self.bias)


class QuantisedConv(_Layer):
    """A convolution with integers in, in its weight, and out."""

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__(plain)
        self._how: tuple[Any, ...] = (plain.stride, plain.padding, plain.dilation, plain.groups)
        self.output = Range()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output = functional.conv2d(self.input(x), self.integer_weight(), self.bias, *self._how)
        out: torch.Tensor = self.output(output)
        return out


def channel_amax(weight: torch.Tensor) -> torch.Tensor:
    """The largest magnitude of each output channel [out]; a constant to the gradient."""
    return weight.detach().flatten(1).abs().amax(1)


def insert(module: nn.Module) -> None:
    """Replace layers by quantised ones, without ranges yet."""
    for name, child in list(module.named_children()):
        if isinstance(child, nn.Linear):
            setattr(module, name, QuantisedLinear(child))
        elif isinstance(child, nn.Conv2d):
            setattr(module, name, QuantisedConv(child))
        else:
            insert(child)


def turn_on(module: nn.Module) -> None:
    """Quantise from now on, with the present ranges."""
    for span in _ranges(module):
        span.mode = "on"


def is_on(module: nn.Module) -> bool:
    """Whether anything in it is quantised now."""
    return any(span.mode == "on" for span in _ranges(module))


def pack(module: nn.Module) -> dict[str, torch.Tensor]:
    """The state of a module, with quantised weights as int8 [out, ...] and their scales as float32 [out]."""
    tensors = dict(module.state_dict())
    for name, part in module.named_modules():
        if isinstance(part, _Layer):
            scale = _scale(part.weight, channel_amax(part.weight)).detach()
            integers = (part.weight.detach() / scale).round().clamp(-LEVELS - 1, LEVELS)
            tensors[f"{name}.weight"] = integers.to(torch.int8)
            tensors[f"{name}.{_SCALE}"] = scale.flatten()
    return tensors


def unpack(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The inverse of `pack`, with weights on their grids."""
    plain = {}
    for name, tensor in tensors.items():
        if tensor.dtype == torch.int8:
            scale = tensors[f"{name.removesuffix('weight')}{_SCALE}"]
            plain[name] = tensor.float() * scale.view(-1, *[1] * (tensor.ndim - 1))
        elif not name.endswith(f".{_SCALE}"):
            plain[name] = tensor
    return plain


@contextmanager
def constants(module: nn.Module) -> Iterator[None]:
    """Inside, every scale is a constant, for tracing."""
    parts = [part for part in module.modules() if isinstance(part, Range | _Layer)]
    for part in parts:
        values = part.weight if isinstance(part, _Layer) else part.amax
        amax = channel_amax(values) if isinstance(part, _Layer) else values
        part.constant = _scale(values, amax).detach().clone()
    try:
        yield
    finally:
        for part in parts:
            part.constant = None


def _ranges(module: nn.Module) -> Iterable[Range]:
    return (part for part in module.modules() if isinstance(part, Range))
