"""Integers of 8 bits in training, as Jacob et al. 2018 have them, and as the exported encoder will use them.

Symmetric and uniform: q = clamp(round(x * 127 / amax), -128, 127), read back as q * amax / 127. Weights
have an amax for each output channel, activations one for each tensor, measured on calibration frames and
then frozen. Gradients pass straight through, and stop where |x| > amax. What is quantised: input and weight
of every linear layer and convolution, and a convolution's output, since integer convolutions give integers.
Left in float: biases, normalisation, softmax and its two products, GELU, residual sums. (EdgeVL's code also
quantises queries, keys, values and probabilities; on processors their products are a small part, and a
probability of 1 in 600 would become 0.)
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
        """The same as a pair of ONNX operators; `exporting` gives each its kind of integer."""
        return graph.op("roomwise::FakeQuantise", x, scale).setType(x.type())


def fake_quantise(x: torch.Tensor, amax: torch.Tensor) -> torch.Tensor:
    """`x` as 8-bit integers would hold it; `amax` is one number, or one for each slice of the first axis."""
    return _on_grid(x, _scale(x, amax))


def _scale(x: torch.Tensor, amax: torch.Tensor) -> torch.Tensor:
    """The size of one step, in a shape that goes with `x`."""
    scale = amax.clamp_min(_SMALLEST) / LEVELS
    return scale.view(-1, *[1] * (x.ndim - 1)) if scale.ndim else scale


def _on_grid(x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    quantised: torch.Tensor = _FakeQuantise.apply(x, scale)  # type: ignore[no-untyped-call]
    return quantised


class Range(nn.Module):
    """The range of one tensor of activations: observed on calibration frames, frozen after."""

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
    """What linear layers and convolutions share: an integer weight and an integer input."""

    def __init__(self, plain: "nn.Linear | nn.Conv2d") -> None:
        super().__init__()
        self.weight, self.bias = plain.weight, plain.bias
        self.input = Range()
        self.constant: torch.Tensor | None = None

    def integer_weight(self) -> torch.Tensor:
        """The weight as it is computed with."""
        if self.input.mode != "on":
            return self.weight
        if self.constant is not None:
            return _on_grid(self.weight, self.constant)
        return fake_quantise(self.weight, channel_amax(self.weight))


class QuantisedLinear(_Layer):
    """A linear layer with an integer input and an integer weight."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As `nn.Linear`."""
        return functional.linear(self.input(x), self.integer_weight(), self.bias)


class QuantisedConv(_Layer):
    """A convolution with integers in, in its weight, and out."""

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__(plain)
        self._how: tuple[Any, ...] = (plain.stride, plain.padding, plain.dilation, plain.groups)
        self.output = Range()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As `nn.Conv2d`."""
        made = functional.conv2d(self.input(x), self.integer_weight(), self.bias, *self._how)
        out: torch.Tensor = self.output(made)
        return out


def channel_amax(weight: torch.Tensor) -> torch.Tensor:
    """The largest magnitude of each output channel [out]; a constant to the gradient."""
    return weight.detach().flatten(1).abs().amax(1)


def insert(module: nn.Module) -> None:
    """Put the quantised layers in, without ranges yet: the shape that a saved one is loaded into."""
    for name, child in list(module.named_children()):
        if isinstance(child, nn.Linear):
            setattr(module, name, QuantisedLinear(child))
        elif isinstance(child, nn.Conv2d):
            setattr(module, name, QuantisedConv(child))
        else:
            insert(child)


def turn_on(module: nn.Module) -> None:
    """Quantise from now on, with the ranges that there are."""
    for one in _ranges(module):
        one.mode = "on"


def is_on(module: nn.Module) -> bool:
    """Whether anything in it is quantised just now."""
    return any(one.mode == "on" for one in _ranges(module))


def packed(module: nn.Module) -> dict[str, torch.Tensor]:
    """The tensors of a module, integer weights as int8 [out, ...] with their scales float32 [out] beside."""
    tensors = dict(module.state_dict())
    for name, part in module.named_modules():
        if isinstance(part, _Layer):
            scale = _scale(part.weight, channel_amax(part.weight)).detach()
            integers = (part.weight.detach() / scale).round().clamp(-LEVELS - 1, LEVELS)
            tensors[f"{name}.weight"] = integers.to(torch.int8)
            tensors[f"{name}.{_SCALE}"] = scale.flatten()
    return tensors


def unpacked(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What `packed` gave, as the module takes it: its weights lie on their grids now."""
    found = {}
    for name, tensor in tensors.items():
        if tensor.dtype == torch.int8:
            scale = tensors[f"{name.removesuffix('weight')}{_SCALE}"]
            found[name] = tensor.float() * scale.view(-1, *[1] * (tensor.ndim - 1))
        elif not name.endswith(f".{_SCALE}"):
            found[name] = tensor
    return found


@contextmanager
def constants(module: nn.Module) -> Iterator[None]:
    """Every scale as a constant for a while, for whoever traces the computation."""
    parts = [part for part in module.modules() if isinstance(part, Range | _Layer)]
    for part in parts:
        held = part.weight if isinstance(part, _Layer) else part.amax
        amax = channel_amax(held) if isinstance(part, _Layer) else held
        part.constant = _scale(held, amax).detach().clone()
    try:
        yield
    finally:
        for part in parts:
            part.constant = None


def _ranges(module: nn.Module) -> Iterable[Range]:
    return (part for part in module.modules() if isinstance(part, Range))
