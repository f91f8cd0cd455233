"""Half the bits where the processor multiplies them faster; nowhere else, since emulating them is slower."""

from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache

import torch

_X86 = ("avx512_bf16", "amx_bf16")


def quick(device: torch.device) -> AbstractContextManager[object]:
    """Inside, matrix products of a forward pass are made in bfloat16 if `device` has instructions for it.

    Weights and what is optimised stay float32. One step at a time: what autocast has converted it keeps until
    the context ends, steps of an optimiser notwithstanding.
    """
    if device.type == "cpu" and _cpu_multiplies_bfloat16():
        return torch.autocast("cpu", torch.bfloat16)
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.autocast("cuda", torch.bfloat16)
    return nullcontext()


def attention_to_train(maps: bool) -> str:
    """How a model that is to be trained where `load_model` puts it should attend: "eager" or "sdpa".

    Fused attention gives no `maps`, and in bfloat16 it takes a processor longer, there and back, than the
    products one by one: a step of training 1.8 times as long (`roomwise bench steps`).
    """
    halved = not torch.cuda.is_available() and _cpu_multiplies_bfloat16()
    return "eager" if maps or halved else "sdpa"


@lru_cache(maxsize=1)
def _cpu_multiplies_bfloat16() -> bool:
    known: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # torch tells it since 2.10
    return any(known.get(name) for name in _X86)
