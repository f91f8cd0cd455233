"""How alike two sets of features, or two maps, are. Pure functions of NumPy arrays, float64 inside.

Features are rows [S, D] of the same S tokens in two models, whose widths may differ; `S` is 3 at least.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy
from scipy.stats import rankdata

Numbers = NDArray[np.float64]
_SMALLEST = 1e-12


def linear_cka(ours: ArrayLike, theirs: ArrayLike) -> float:
    """Linear centred kernel alignment, in [0, 1]: 1 for features that are a rotation and a scale apart.

    ||Y'X||² / (||X'X|| ||Y'Y||), Frobenius norms of centred features (Kornblith et al. 2019, "Similarity of
    neural network representations revisited", section 3). With few tokens of wide features it is high by
    chance: compare like with like.
    """
    first, second = _centred(ours), _centred(theirs)
    if len(first) > max(first.shape[1], second.shape[1]):
        both = float(np.linalg.norm(second.T @ first) ** 2)
        gram, other_gram = first.T @ first, second.T @ second
    else:  # the same numbers from smaller products
        gram, other_gram = first @ first.T, second @ second.T
        both = float((gram * other_gram).sum())
    return both / max(float(np.linalg.norm(gram) * np.linalg.norm(other_gram)), _SMALLEST)


def plane(features: ArrayLike) -> Numbers:
    """Features as their two principal components, [S, 2], over the standard deviation of all 2 S numbers.

    Each direction's largest loading is positive, so the same features give the same points.
    """
    centred = _centred(features)
    _, _, right = np.linalg.svd(centred, full_matrices=False)
    largest = np.take_along_axis(right[:2], np.abs(right[:2]).argmax(axis=1)[:, None], axis=1)[:, 0]
    points: Numbers = centred @ (right[:2] * np.where(largest < 0, -1.0, 1.0)[:, None]).T
    scaled: Numbers = points / max(float(points.std()), _SMALLEST)
    return scaled


def pca2_mse(ours: ArrayLike, theirs: ArrayLike) -> float:
    """Mean squared difference of both planes' points, in [0, 4], as the slides have it: 2 is chance.

    Principal components are known up to their order and sign alone, and of two models they have
    nothing in common: much of this number is that.
    """
    return float(((plane(ours) - plane(theirs)) ** 2).mean())


def procrustes_mse(ours: ArrayLike, theirs: ArrayLike) -> float:
    """The same after the rotation or reflection of their plane that brings it nearest to ours."""
    mine, other = plane(ours), plane(theirs)
    left, _, right = np.linalg.svd(other.T @ mine)
    return float(((mine - other @ left @ right) ** 2).mean())


def rsa(ours: ArrayLike, theirs: ArrayLike) -> float:
    """Representational similarity: Spearman's correlation of both models' cosines between tokens, in [-1, 1].

    (Kriegeskorte et al. 2008, "Representational similarity analysis".)
    """
    above = np.triu_indices(len(np.asarray(ours)), k=1)
    return spearman(_cosines(ours)[above], _cosines(theirs)[above])


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Correlation of ranks, in [-1, 1]; 0 where one of them is constant."""
    ranks = [rankdata(np.asarray(values, np.float64).ravel()) for values in (first, second)]
    left, right = (rank - rank.mean() for rank in ranks)
    return float((left @ right) / max(float(np.linalg.norm(left) * np.linalg.norm(right)), _SMALLEST))


def jensen_shannon(first: ArrayLike, second: ArrayLike) -> float:
    """Jensen-Shannon divergence of two maps, taken as shares, in bits: 0 for equal ones, 1 for disjoint."""
    left, right = _shares(first), _shares(second)
    middle = (left + right) / 2
    return max(0.0, (_divergence(left, middle) + _divergence(right, middle)) / 2)


def top_overlap(first: ArrayLike, second: ArrayLike, share: float = 0.2) -> float:
    """Intersection over union of the highest `share` of both maps' cells, one at least; in [0, 1]."""
    maps = [np.asarray(values, np.float64).ravel() for values in (first, second)]
    count = max(1, round(share * len(maps[0])))
    left, right = (set(np.argsort(-values, kind="stable")[:count].tolist()) for values in maps)
    return len(left & right) / len(left | right)


def entropy(rows: ArrayLike) -> Numbers:
    """That of rows [..., N] taken as shares over log N: 1 for a uniform row, 0 for a single token."""
    values = np.asarray(rows, np.float64)
    shares = values / np.maximum(values.sum(axis=-1, keepdims=True), _SMALLEST)
    nats: Numbers = -xlogy(shares, shares).sum(axis=-1)
    return nats / max(math.log(values.shape[-1]), _SMALLEST)


def _centred(features: ArrayLike) -> Numbers:
    values = np.asarray(features, np.float64)
    centred: Numbers = values - values.mean(axis=0)
    return centred


def _cosines(features: ArrayLike) -> Numbers:
    values = np.asarray(features, np.float64)
    unit: Numbers = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), _SMALLEST)
    cosines: Numbers = unit @ unit.T
    return cosines


def _shares(values: ArrayLike) -> Numbers:
    flat = np.asarray(values, np.float64).ravel()
    shares: Numbers = flat / max(float(flat.sum()), _SMALLEST)
    return shares


def _divergence(shares: Numbers, middle: Numbers) -> float:
    nonzero = shares > 0
    return float((shares[nonzero] * np.log2(shares[nonzero] / middle[nonzero])).sum())
