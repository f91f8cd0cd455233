"""Fit the autoencoders of two models, in the four ways that their codes can be made comparable.

`literal`, as published: one autoencoder for each model, trained apart. Their codes have no common basis, so
the distance between them tells nothing, even for the same map.
`shared`: one autoencoder for the maps of both.
`joint`: two, trained together so that either decodes the other's codes, and codes of one example agree.
`map`: two, trained apart; then a ridge regression takes the student's codes to the expert's.
"""

import torch
from torch import nn

from adapters.distill.autoencoder import Autoencoder, frozen, new_autoencoder
from adapters.distill.fitting import (
    FitSettings,
    descend,
    drawn,
    explained,
    fit_alone,
    reconstruction_loss,
    split_by_picture,
)
from adapters.distill.scaling import contrast, fitted_scale, standardised
from adapters.distill.transfer import Calibration, Pairing, Transfer
from adapters.distill.variational import prior_divergence

Rows = tuple[torch.Tensor, torch.Tensor]
Autoencoders = tuple[Autoencoder, Autoencoder]


def fit_joint(
    pair: Autoencoders, teacher: torch.Tensor, student: torch.Tensor, rows: Rows, settings: FitSettings
) -> None:
    """Train two autoencoders together on standardised maps [B, K, rows, cols] of the same examples.

    rec_T + rec_S + crossing · (D_T(z_S) to x_T, D_S(z_T) to x_S) + pulling · |z_T - z_S|², each a mean.
    """

    def loss(batch: torch.Tensor, prior: float, generator: torch.Generator | None) -> torch.Tensor:
        maps = [teacher[batch], student[batch]]
        codes = [autoencoder.encode(part) for autoencoder, part in zip(pair, maps, strict=True)]
        total = settings.pulling * ((codes[0].mean - codes[1].mean) ** 2).mean()
        for code in codes:
            total = total + prior * prior_divergence(code).mean()
        draws = [drawn(code, generator) for code in codes]
        for side, autoencoder in enumerate(pair):
            for source, draw in enumerate(draws):
                weight = 1.0 if source == side else settings.crossing
                decoded = autoencoder.decode(draw)
                total = total + weight * reconstruction_loss(decoded, maps[side], settings.reconstruction)
        return total

    descend(nn.ModuleList(pair), loss, rows, settings)


def ridge(source: torch.Tensor, target: torch.Tensor, penalty: float) -> tuple[torch.Tensor, torch.Tensor]:
    """W [z, z] and b [z], float32, with W s + b nearest to t for rows of `source` and `target` [n, z].

    `penalty`, in mean variances of the source, holds W small; the mean is not held. Solved in float64.
    """
    s, t = source.double(), target.double()
    s_mean, t_mean = s.mean(dim=0), t.mean(dim=0)
    covariance = (s - s_mean).T @ (s - s_mean) / len(s)
    crossed = (s - s_mean).T @ (t - t_mean) / len(s)
    # The second part keeps codes that are all alike from being divided by nothing.
    held = penalty * covariance.diagonal().mean() + 1e-8
    weight = torch.linalg.solve(covariance + held * torch.eye(s.shape[1]).to(s), crossed).T
    return weight.float(), (t_mean - weight @ s_mean).float()


def fit_transfer(
    teacher: torch.Tensor,
    student: torch.Tensor,
    pairing: Pairing,
    settings: FitSettings,
    images: torch.Tensor | None = None,
) -> Transfer:
    """Autoencoders for the canonical maps of an expert and a student, [B, K, rows, cols].

    Both are of the same examples, in order: attention that sums to 1 over the cells, of layers or rolled
    out, whatever `adapters.distill.canonical` made them from. `images` int64 [B] says
    which picture an example is of, so that none is both learnt from and held out; without it each is its
    own. Equal arguments give equal weights, and the global random state stays what it was. Raises
    ValueError for maps that do not belong together or are of one picture alone.
    """
    if teacher.shape != student.shape:
        raise ValueError(f"maps of shape {tuple(teacher.shape)} and {tuple(student.shape)}")
    dense = [contrast(maps.detach(), settings.form) for maps in (teacher, student)]
    scale = fitted_scale(dense[0])
    theirs, ours = (standardised(maps, scale) for maps in dense)
    rows = split_by_picture(torch.arange(len(teacher)) if images is None else images.cpu(), settings)
    pair = _fitted(theirs, ours, rows, pairing, settings)
    return Transfer(
        pairing,
        pair,
        settings.form,
        scale,
        _calibration(pair, theirs, ours, rows, pairing, settings),
    )


def _fitted(
    teacher: torch.Tensor, student: torch.Tensor, rows: Rows, pairing: Pairing, settings: FitSettings
) -> Autoencoders:
    pair = _new_pair(teacher, settings)
    if pairing == "shared":
        both = torch.cat([teacher, student])
        twice = (torch.cat([part, part + len(teacher)]) for part in rows)
        fit_alone(pair[0], both, (next(twice), next(twice)), settings)
        return pair[0], pair[0]
    if pairing == "joint":
        fit_joint(pair, teacher, student, rows, settings)
    else:
        fit_alone(pair[0], teacher, rows, settings)
        fit_alone(pair[1], student, rows, settings)
    return pair


def _new_pair(maps: torch.Tensor, settings: FitSettings) -> Autoencoders:
    """Two fresh autoencoders of different weights: equal ones would have a common basis by accident."""
    channels, height, breadth = maps.shape[1:]
    first, second = (
        new_autoencoder(
            (channels, height, breadth), settings.width, settings.variational, 2 * settings.seed + side
        ).to(maps.device)
        for side in range(2)
    )
    return first, second


@torch.no_grad()
def _calibration(
    pair: Autoencoders,
    teacher: torch.Tensor,
    student: torch.Tensor,
    rows: Rows,
    pairing: Pairing,
    settings: FitSettings,
) -> Calibration:
    """What is measured of fitted autoencoders, on the standardised maps that they were fitted on."""
    codes = [frozen(part).encode(maps).mean for part, maps in zip(pair, (teacher, student), strict=True)]
    weight, bias = torch.eye(settings.width).to(codes[0]), torch.zeros(settings.width).to(codes[0])
    if pairing == "map":
        weight, bias = ridge(codes[1][rows[0]], codes[0][rows[0]], settings.ridge)
    quality = [
        explained(part(maps[rows[1]]), maps[rows[1]], maps[rows[0]].mean(dim=0), settings.reconstruction)
        for part, maps in zip(pair, (teacher, student), strict=True)
    ]
    variance = codes[0].var(dim=0, correction=0)
    return Calibration(variance, weight, bias, student.mean(dim=0), *quality)
