"""Linear layers over one row or a few, as in decoding, with all threads reading the weights.

For few rows a layer is as fast as its weights are read from memory. torch reads them on one thread; as a
batch of products, each with a part of the weights, all threads do. Results differ in the order of summation.
"""

import torch
from torch import nn
from torch.nn.functional import linear

MOST = 8
"""Rows; with more, arithmetic takes longer than reading, which torch does well."""
LEAST = 2**18
"""Weights of a layer; fewer stay in a processor's cache."""


class FewRowsLinear(nn.Linear):
    """A linear layer [..., in] -> [..., out], fast for few rows on a processor, without gradient."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        rows = input.numel() // self.in_features
        threads = torch.get_num_threads()
        if torch.is_grad_enabled() or rows > MOST or threads == 1 or input.dtype != torch.float32:
            return linear(input, self.weight, self.bias)
        product = matmul_in_parts(input.reshape(rows, self.in_features), self.weight, threads)
        if self.bias is not None:
            product = product + self.bias
        return product.reshape(*input.shape[:-1], self.out_features)


def matmul_in_parts(rows: torch.Tensor, weight: torch.Tensor, parts: int) -> torch.Tensor:
    """rows [n, in] times weight [out, in] transposed, [n, out], `parts` of the weight at a time."""
    each = len(weight) // parts
    blocks = weight[: each * parts].view(parts, each, -1).transpose(1, 2)
    product = torch.bmm(rows.expand(parts, -1, -1), blocks).transpose(0, 1).reshape(len(rows), -1)
    rest = weight[each * parts :]
    return torch.cat([product, linear(rows, rest)], dim=1) if len(rest) else product


def use_few_rows(module: nn.Module) -> None:
    """Make every large float32 linear layer of a module on a processor a `FewRowsLinear`, in place."""
    for part in module.modules():
        large = type(part) is nn.Linear and part.weight.numel() >= LEAST
        if large and part.weight.device.type == "cpu" and part.weight.dtype == torch.float32:
            part.__class__ = FewRowsLinear
