"""Fit the autoencoders of two models, in the four ways that their codes can be made comparable.

`literal`, as published: one autoencoder for each model, trained apart. Their codes have no common basis, so
the distance between them tells nothing, even for the same map.
`shared`: one autoencoder for the maps of both.
`joint`: two, trained together so that either decodes the other's codes, and codes of one example agree.
`map`: two, trained apart; then a ridge regression takes the student's codes to the expert's.
"""

import torch
from torch import nn
from torch.nn import functional

from adapters.training.codes import Scale, contrast, standardise
from bench.studies.distill import fitting
from bench.studies.distill.autoencoder import Autoencoder, freeze, new_autoencoder, prior_divergence
from bench.studies.distill.fitting import FitSettings
from bench.studies.distill.transfer import MapStatistics, Pairing, Transfer

Rows = tuple[torch.Tensor, torch.Tensor]
Autoencoders = tuple[Autoencoder, Autoencoder]
# A channel that never changes tells nothing; dividing by its deviation would make noise of rounding.
_SMALLEST_SPREAD = 1e-3


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
        draws = [fitting.sample_or_mean(code, generator) for code in codes]
        for side, autoencoder in enumerate(pair):
            for source, draw in enumerate(draws):
                weight = 1.0 if source == side else settings.crossing
                decoded = autoencoder.decode(draw)
                total = total + weight * functional.mse_loss(decoded, maps[side])
        return total

    fitting.descend(nn.ModuleList(pair), loss, rows, settings)


def ridge(source: torch.Tensor, target: torch.Tensor, penalty: float) -> tuple[torch.Tensor, torch.Tensor]:
    """W [z, z] and b [z], float32, with W s + b nearest to t for rows of `source` and `target` [n, z].

    `penalty`, in mean variances of the source, holds W small; the mean is not held. Solved in float64.
    """
    s, t = source.double(), target.double()
    s_mean, t_mean = s.mean(dim=0), t.mean(dim=0)
    covariance = (s - s_mean).T @ (s - s_mean) / len(s)
    crossed = (s - s_mean).T @ (t - t_mean) / len(s)
    # The second part keeps codes that are all alike from being divided by nothing.
    ridge = penalty * covariance.diagonal().mean() + 1e-8
    weight = torch.linalg.solve(covariance + ridge * torch.eye(s.shape[1]).to(s), crossed).T
    return weight.float(), (t_mean - weight @ s_mean).float()


def fit_transfer(
    teacher: torch.Tensor,
    student: torch.Tensor,
    pairing: Pairing,
    settings: FitSettings,
    images: torch.Tensor | None = None,
) -> Transfer:
    """Autoencoders for the canonical maps of an expert and a student, [B, K, rows, cols].

    Both are of the same examples, in order: attention that sums to 1 over the cells. `images` int64 [B] says
    which picture an example is of, so that none is both learnt from and held out; without it each is its
    own. Equal arguments give equal weights, and the global random state stays what it was. Raises
    ValueError for maps that do not belong together or are of one picture alone.
    """
    if teacher.shape != student.shape:
        raise ValueError(f"maps of shape {tuple(teacher.shape)} and {tuple(student.shape)}")
    dense = [contrast(maps.detach()) for maps in (teacher, student)]
    scale = fit_scale(dense[0])
    theirs, ours = (standardise(maps, scale) for maps in dense)
    rows = fitting.split_by_picture(torch.arange(len(teacher)) if images is None else images.cpu(), settings)
    pair = _fit_autoencoders(theirs, ours, rows, pairing, settings)
    return Transfer(pairing, pair, scale, _calibration(pair, theirs, ours, rows, pairing, settings))


def fit_scale(teacher: torch.Tensor) -> Scale:
    """The scale of the contrast of the expert's maps [B, K, rows, cols]; a constant.

    Raises ValueError when there is no map.
    """
    if teacher.ndim != 4 or not teacher.numel():
        raise ValueError(f"canonical maps are [B, K, rows, cols] and some, not {tuple(teacher.shape)}")
    spread, mean = torch.std_mean(teacher.detach().float(), dim=(0, 2, 3), correction=0)
    return Scale(mean, spread.clamp(min=_SMALLEST_SPREAD))


def _fit_autoencoders(
    teacher: torch.Tensor, student: torch.Tensor, rows: Rows, pairing: Pairing, settings: FitSettings
) -> Autoencoders:
    pair = _new_pair(teacher, settings)
    if pairing == "shared":
        both = torch.cat([teacher, student])
        twice = (torch.cat([part, part + len(teacher)]) for part in rows)
        fitting.fit_alone(pair[0], both, (next(twice), next(twice)), settings)
        return pair[0], pair[0]
    if pairing == "joint":
        fit_joint(pair, teacher, student, rows, settings)
    else:
        fitting.fit_alone(pair[0], teacher, rows, settings)
        fitting.fit_alone(pair[1], student, rows, settings)
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
) -> MapStatistics:
    """What is measured of fitted autoencoders, on the standardised maps that they were fitted on."""
    codes = [freeze(part).encode(maps).mean for part, maps in zip(pair, (teacher, student), strict=True)]
    weight, bias = torch.eye(settings.width).to(codes[0]), torch.zeros(settings.width).to(codes[0])
    if pairing == "map":
        weight, bias = ridge(codes[1][rows[0]], codes[0][rows[0]], settings.ridge)
    quality = [
        fitting.explained_variance(part(maps[rows[1]]), maps[rows[1]], maps[rows[0]].mean(dim=0))
        for part, maps in zip(pair, (teacher, student), strict=True)
    ]
    variance = codes[0].var(dim=0, correction=0)
    return MapStatistics(variance, weight, bias, *quality)
