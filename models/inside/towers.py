"""The maps of a vision tower, recomputed from its queries and keys whatever kind of attention it runs.

CLIP, SigLIP, ViT, DeiT and DINOv2 attend over all patches; DaViT (Florence-2) over windows of patches and, in
turn, over groups of channels, and returns features under the name of attentions. Hooks hear the projections
and compute softmax(QK') themselves, so nothing has to be switched and nothing is changed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from models.vlm import VisionLanguageModel

Kind = Literal["tokens", "windows", "channels"]
_TOWERS = ("model.vision_tower", "model.vision_model", "vision_tower", "vision_model")


@dataclass(frozen=True)
class TowerMap:
    """One attention layer's map, rows summing to 1, float32. `name` is the module's.

    tokens    [B, H, N, N] over the patches and, in front of them, whatever special tokens there are
    windows   [B * windows, H, n, n], windows row by row; `side` patches a side, of `grid` patches before
              padding at the right and below
    channels  [B, groups, C, C], which is no place in the picture
    """

    name: str
    kind: Kind
    attention: torch.Tensor
    grid: tuple[int, int] = (0, 0)
    side: int = 0


def tower_of(vlm: VisionLanguageModel) -> nn.Module | None:
    """The part of a model that sees; None when it goes by no name that is known here."""
    for name in _TOWERS:
        try:
            return vlm.module.get_submodule(name)
        except AttributeError:
            continue
    return None


@contextmanager
def hearing(tower: nn.Module) -> Iterator[list[TowerMap]]:
    """Inside, every pass through the tower adds its layers' maps to the list, in order of computation."""
    found: list[TowerMap] = []
    handles: list[Any] = []
    for name, part in tower.named_modules():
        for child, hook in _listeners(name, part, found):
            handles.append(child.register_forward_hook(hook, with_kwargs=True))
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


_Hook = Callable[[nn.Module, tuple[Any, ...], dict[str, Any], Any], None]


def _listeners(name: str, part: Any, found: list[TowerMap]) -> list[tuple[nn.Module, _Hook]]:
    """The modules to hear for one attention module, none when `part` is no such."""
    kept: dict[str, Any] = {}

    def keep(key: str) -> _Hook:
        def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            kept[key] = output.detach()

        return hook

    def done(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        given = args[0] if args else kwargs["hidden_states"]
        found.append(_computed(name, part, kept, given))

    if hasattr(part, "q_proj") and hasattr(part, "k_proj"):
        return [(part.q_proj, keep("q")), (part.k_proj, keep("k")), (part, done)]
    if hasattr(part, "qkv") and (hasattr(part, "window_size") or hasattr(part, "groups")):
        return [(part.qkv, keep("qkv")), (part, done)]
    return []


def _computed(name: str, part: Any, kept: dict[str, Any], given: torch.Tensor) -> TowerMap:
    if "q" in kept:
        query, key = (_heads(kept[one], _head_width(part)) for one in ("q", "k"))
        return TowerMap(name, "tokens", _softmax(query, key, query.shape[-1] ** -0.5))
    qkv = kept["qkv"]
    if hasattr(part, "window_size"):
        query, key = _split(qkv, part.num_heads)
        grid = int(given.shape[1]), int(given.shape[2])
        return TowerMap(name, "windows", _softmax(query, key, part.scale), grid, part.window_size)
    query, key = (one.transpose(-1, -2) for one in _split(qkv, part.groups))
    return TowerMap(name, "channels", _softmax(query, key, float(given.shape[1]) ** -0.5))


def _head_width(part: Any) -> int:
    width = getattr(part, "head_dim", None)
    return int(width if width is not None else part.q_proj.out_features // part.num_heads)


def _heads(projected: torch.Tensor, width: int) -> torch.Tensor:
    """[B, N, D] as [B, H, N, D/H]."""
    heads: torch.Tensor = projected.unflatten(-1, (-1, width)).transpose(1, 2)
    return heads


def _split(qkv: torch.Tensor, parts: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Queries and keys [B, parts, N, C] of a joint projection [B, N, 3 * parts * C]."""
    query, key, _ = qkv.unflatten(-1, (3, parts, -1)).permute(2, 0, 3, 1, 4).unbind(0)
    return query, key


def _softmax(query: torch.Tensor, key: torch.Tensor, scale: float) -> torch.Tensor:
    scores = query.float() @ key.float().transpose(-1, -2) * scale
    return scores.softmax(dim=-1)


def received(one: TowerMap, grid: tuple[int, int], images: int = 1) -> torch.Tensor | None:
    """What each patch receives from the others, the mean over queries and heads, [B, rows, cols].

    The column mean, as multiples of what it would be if all were alike, so that windows can be laid beside
    each other. `grid` is the tower's own for "tokens". None for channels.
    """
    if one.kind == "channels":
        return None
    columns = one.attention.mean(dim=(1, 2)) * one.attention.shape[-1]
    if one.kind == "tokens":
        cells = grid[0] * grid[1]
        patches: torch.Tensor = columns[:, columns.shape[1] - cells :].unflatten(-1, grid)
        return patches
    down, across = (-(-length // one.side) for length in one.grid)
    laid = columns.reshape(images, down, across, one.side, one.side).permute(0, 1, 3, 2, 4)
    whole = laid.reshape(images, down * one.side, across * one.side)
    return whole[:, : one.grid[0], : one.grid[1]]


def cls_map(one: TowerMap, grid: tuple[int, int]) -> torch.Tensor | None:
    """What the class token sees of each patch, head by head, [B, H, rows, cols]; None without such a token.

    m[h] = A[h, 0, first:], where the patches are the last rows * cols tokens.
    """
    cells = grid[0] * grid[1]
    if one.kind != "tokens" or one.attention.shape[-1] <= cells:
        return None
    seen: torch.Tensor = one.attention[:, :, 0, -cells:].unflatten(-1, grid)
    return seen
