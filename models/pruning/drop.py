"""Vision tokens without those that do not matter: a shorter sequence, not zeros.

A token that is set to zero is still there: it takes its share of every softmax, and gets its position and a
normalisation all the same.
"""

import torch

from models.vlm import VisionTokens


def dropped(vision: VisionTokens, cells: torch.Tensor, merge: bool = False) -> VisionTokens:
    """Only these cells of the grid [B, K], ascending, -1 for none; the mean token always stays.

    Every token keeps its place: families count positions as if nothing had been left out. With `merge` a cell
    that goes is averaged into the one that stays and is most like it (by cosine). Of one picture and several
    rows of cells, one picture a row. Raises ValueError for tokens that were dropped from before.
    """
    if vision.kept is not None:
        raise ValueError("some of these vision tokens were dropped already")
    first = int(vision.mean_token)
    tokens = vision.for_questions(len(cells)) if len(vision) != len(cells) else vision.tokens
    places = torch.where(cells < 0, cells, cells + first)
    if first:
        places = torch.cat([torch.zeros_like(places[:, :1]), places], dim=1)
    there = (places >= 0).unsqueeze(-1)
    stay = tokens.gather(1, places.clamp(min=0).unsqueeze(-1).expand(-1, -1, tokens.shape[-1]))
    if merge:
        stay = _merged(tokens, stay, places, first)
    return VisionTokens(stay * there, vision.rows, vision.cols, vision.mean_token, places)


def _merged(tokens: torch.Tensor, stay: torch.Tensor, places: torch.Tensor, first: int) -> torch.Tensor:
    """Means of each token that stays with those that go and are most like it; [B, K, D]."""
    batch, whole, _ = tokens.shape
    goes = torch.ones(batch, whole + 1, dtype=torch.bool, device=tokens.device)
    goes.scatter_(1, torch.where(places < 0, whole, places), False)
    goes = goes[:, :whole]
    units = [torch.nn.functional.normalize(part.float(), dim=-1) for part in (tokens, stay)]
    alike = units[0] @ units[1].transpose(1, 2)
    alike = alike.masked_fill((places < 0).unsqueeze(1), -2.0)
    alike[:, :, :first] = -2.0  # the mean of all is no place to go to
    share = torch.nn.functional.one_hot(alike.argmax(dim=2), places.shape[1]).to(tokens.dtype)
    share = share * goes.unsqueeze(-1)
    sums = stay + share.transpose(1, 2) @ tokens
    return sums / (1 + share.sum(dim=1)).unsqueeze(-1)
