"""Maps with as many heads as the student's, or with none: means, principal heads, the best match.

Learned ways to the same end are in `adapters.distill.projections`. Pure functions, float32.
"""

import torch
from torch.nn import functional

from adapters.distill.assignment import best_assignment


def mean_heads(attention: torch.Tensor) -> torch.Tensor:
    """[..., H, Q, K] as [..., Q, K]: rows that summed to 1 still do (HD-mean)."""
    return attention.float().mean(dim=-3)


def principal_heads(maps: torch.Tensor, kept: int) -> torch.Tensor:
    """The `kept` directions over heads in which maps differ most, [kept, H] with orthonormal rows.

    `maps` [n, H, Q, K] of a calibration set. The largest entry of a direction is positive, so that the
    same maps give the same directions. Raises ValueError for more directions than heads.
    """
    heads = maps.shape[1]
    if not 0 < kept <= heads:
        raise ValueError(f"{kept} directions of {heads} heads")
    values = maps.detach().float().transpose(0, 1).flatten(1)
    spread = torch.cov(values).reshape(heads, heads)
    directions = torch.linalg.eigh(spread).eigenvectors.flip(-1).T[:kept]
    largest = directions.gather(1, directions.abs().argmax(dim=1, keepdim=True))
    signed: torch.Tensor = directions * largest.sign()
    return signed


def along(maps: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
    """Maps [..., H, Q, K] along directions [C, H]: [..., C, Q, K], no longer shares of attention."""
    return torch.einsum("ch,...hqk->...cqk", directions.to(maps.device), maps.float())


def matched_heads(ours: torch.Tensor, theirs: torch.Tensor) -> list[int]:
    """For each of our heads the one of theirs that looks most alike (HD-match).

    `ours` [n, H, Q, K] and `theirs` [n, H', Q, K] of a calibration set; alike is the mean cosine of the maps.
    No head of theirs is used twice while there are enough; the sum over heads is the largest there is. Heads
    that remain take the head that is most like them.
    """
    first, second = (
        functional.normalize(maps.detach().float().flatten(2), dim=-1) for maps in (ours, theirs)
    )
    alike = torch.einsum("nhd,ngd->hg", first, second) / len(first)
    if alike.shape[0] <= alike.shape[1]:
        return best_assignment((-alike).tolist())
    chosen = alike.argmax(dim=1).tolist()
    for head, mine in enumerate(best_assignment((-alike.T).tolist())):
        chosen[mine] = head
    return [int(head) for head in chosen]
