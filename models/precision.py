"""Use bfloat16 where the hardware multiplies it faster; elsewhere emulating it is slower."""

from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache

import torch

_X86 = ("avx512_bf16", "amx_bf16")


def bfloat16_if_fast(device: torch.device) -> AbstractContextManager[object]:
    """Inside, a forward pass multiplies matrices in bfloat16 if `device` has instructions for it.

    Weights and optimiser state stay float32. Enter it anew for each step: autocast keeps converted weights
    until the context ends, even if the optimiser has changed them.
    """
    if device.type == "cpu" and _cpu_multiplies_bfloat16():
        return torch.autocast("cpu", torch.bfloat16)
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.autocast("cuda", torch.bfloat16)
    return nullcontext()


def attention_to_train(maps: bool) -> str:
    """The attention to load a model with for training: "eager" or "sdpa".

    Fused attention gives no `maps`. In bfloat16 on a processor it makes a training step 1.8 times as long as
    separate products (`roomwise bench steps`).
    """
    halved = not torch.cuda.is_available() and _cpu_multiplies_bfloat16()
    return "eager" if maps or halved else "sdpa"


@lru_cache(maxsize=1)
def _cpu_multiplies_bfloat16() -> bool:
    # From torch 2.10 on.
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name) for name in _X86)
