"""The attention maps of a vision tower, recomputed from its queries and keys whatever implementation runs.

CLIP, SigLIP, ViT, DeiT and DINOv2 attend over all patches; DaViT (Florence-2) alternately over windows of
patches and groups of channels, and returns features as "attentions". Hooks catch the projections and compute
softmax(QK'), so the tower runs unchanged.
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
    """The vision tower of a model; None when it has none of the known names."""
    for name in _TOWERS:
        try:
            return vlm.module.get_submodule(name)
        except AttributeError:
            continue
    return None


@contextmanager
def recording_maps(tower: nn.Module) -> Iterator[list[TowerMap]]:
    """Inside, every pass through the tower appends its layers' maps to the list, in order of computation."""
    maps: list[TowerMap] = []
    handles: list[Any] = []
    for name, part in tower.named_modules():
        for child, hook in _hooks(name, part, maps):
            handles.append(child.register_forward_hook(hook, with_kwargs=True))
    try:
        yield maps
    finally:
        for handle in handles:
            handle.remove()


_Hook = Callable[[nn.Module, tuple[Any, ...], dict[str, Any], Any], None]


def _hooks(name: str, part: Any, maps: list[TowerMap]) -> list[tuple[nn.Module, _Hook]]:
    """The modules to hook for one attention module; none when `part` is not one."""
    projections: dict[str, Any] = {}

    def keep(key: str) -> _Hook:
        def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            projections[key] = output.detach()

        return hook

    def compute(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        hidden = args[0] if args else kwargs["hidden_states"]
        maps.append(_compute_map(name, part, projections, hidden))

    if hasattr(part, "q_proj") and hasattr(part, "k_proj"):
        return [(part.q_proj, keep("q")), (part.k_proj, keep("k")), (part, compute)]
    if hasattr(part, "qkv") and (hasattr(part, "window_size") or hasattr(part, "groups")):
        return [(part.qkv, keep("qkv")), (part, compute)]
    return []


def _compute_map(name: str, part: Any, projections: dict[str, Any], hidden: torch.Tensor) -> TowerMap:
    if "q" in projections:
        query, key = (_split_heads(projections[name], _head_width(part)) for name in ("q", "k"))
        return TowerMap(name, "tokens", _softmax(query, key, query.shape[-1] ** -0.5))
    qkv = projections["qkv"]
    if hasattr(part, "window_size"):
        query, key = _split_qkv(qkv, part.num_heads)
        grid = int(hidden.shape[1]), int(hidden.shape[2])
        return TowerMap(name, "windows", _softmax(query, key, part.scale), grid, part.window_size)
    query, key = (states.transpose(-1, -2) for states in _split_qkv(qkv, part.groups))
    return TowerMap(name, "channels", _softmax(query, key, float(hidden.shape[1]) ** -0.5))


def _head_width(part: Any) -> int:
    width = getattr(part, "head_dim", None)
    return int(width if width is not None else part.q_proj.out_features // part.num_heads)


def _split_heads(projected: torch.Tensor, width: int) -> torch.Tensor:
    """[B, N, D] as [B, H, N, D/H]."""
    heads: torch.Tensor = projected.unflatten(-1, (-1, width)).transpose(1, 2)
    return heads


def _split_qkv(qkv: torch.Tensor, parts: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Queries and keys [B, parts, N, C] of a joint projection [B, N, 3 * parts * C]."""
    query, key, _ = qkv.unflatten(-1, (3, parts, -1)).permute(2, 0, 3, 1, 4).unbind(0)
    return query, key


def _softmax(query: torch.Tensor, key: torch.Tensor, scale: float) -> torch.Tensor:
    scores = query.float() @ key.float().transpose(-1, -2) * scale
    return scores.softmax(dim=-1)


def received(tower_map: TowerMap, grid: tuple[int, int], images: int = 1) -> torch.Tensor | None:
    """The attention that each patch receives, the mean over queries and heads, [B, rows, cols].

    As multiples of uniform attention, so that windows can be laid side by side. `grid` is the tower's own for
    "tokens". None for channels.
    """
    if tower_map.kind == "channels":
        return None
    columns = tower_map.attention.mean(dim=(1, 2)) * tower_map.attention.shape[-1]
    if tower_map.kind == "tokens":
        cells = grid[0] * grid[1]
        patches: torch.Tensor = columns[:, columns.shape[1] - cells :].unflatten(-1, grid)
        return patches
    down, across = (-(-length // tower_map.side) for length in tower_map.grid)
    tiles = columns.reshape(images, down, across, tower_map.side, tower_map.side).permute(0, 1, 3, 2, 4)
    padded = tiles.reshape(images, down * tower_map.side, across * tower_map.side)
    return padded[:, : tower_map.grid[0], : tower_map.grid[1]]


def cls_map(tower_map: TowerMap, grid: tuple[int, int]) -> torch.Tensor | None:
    """The class token's attention to the patches, [B, H, rows, cols]; None without such a token.

    The patches are the last rows * cols tokens.
    """
    cells = grid[0] * grid[1]
    if tower_map.kind != "tokens" or tower_map.attention.shape[-1] <= cells:
        return None
    patches: torch.Tensor = tower_map.attention[:, :, 0, -cells:].unflatten(-1, grid)
    return patches
