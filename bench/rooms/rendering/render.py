"""Frames of a room: camera-like RGB, exact depth and object ids, and how much of each thing can be seen."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.rooms.rendering.camera import Lens, photograph
from bench.rooms.rendering.shading import highlight, irradiance, outdoors, smooth
from bench.rooms.rendering.tracer import Array, CameraPose, Hits, Tracer, rays, unit

SUPERSAMPLE = 2
ALONE = 72  # resolution at which a thing is traced without the others
EYE_HEIGHT = (1.25, 1.75)


class RenderedFrame(NamedTuple):
    """One picture: rgb uint8 [S, S, 3], depth float32 [S, S] metres, ids uint16 [S, S] (0: outdoors)."""

    rgb: NDArray[np.uint8]
    depth: Array
    ids: NDArray[np.uint16]
    view: CameraPose


def render_frame(tracer: Tracer, view: CameraPose, size: int, seed: int) -> RenderedFrame:
    """Render one view; the same arguments give the same frame."""
    rng = np.random.default_rng([tracer.room.index, seed, 1])
    radiance = _radiance(tracer, view, size, rng)
    depth, ids = trace_ids(tracer, view, size)
    return RenderedFrame(photograph(radiance, Lens.draw(rng), rng), depth, ids, view)


def trace_ids(tracer: Tracer, view: CameraPose, size: int) -> tuple[Array, NDArray[np.uint16]]:
    """Depth along the optical axis (metres) and object ids at the pixel centres, no shading."""
    origins, directions = rays(view, size)
    h = tracer.first(origins, directions)
    forward = -view.rotation[:, 2].astype(np.float32)
    depth = np.where(h.hit, h.distance, 0) * (directions @ forward)
    ids = np.where(h.hit, tracer.object[h.primitive], 0)
    return depth.reshape(size, size).astype(np.float32), ids.reshape(size, size).astype(np.uint16)


def _radiance(tracer: Tracer, view: CameraPose, size: int, rng: np.random.Generator) -> Array:
    n = size * SUPERSAMPLE
    origins, directions = rays(view, n)
    h = tracer.first(origins, directions)
    out = np.empty((n * n, 3), np.float32)
    out[~h.hit] = outdoors(tracer.room, directions[~h.hit])
    k = np.nonzero(h.hit)[0]
    footprint = 2 * math.tan(math.radians(view.fov) / 2) / n
    hits = Hits(h.hit[k], h.distance[k], h.primitive[k], h.u[k], h.v[k])
    s = tracer.surfels(origins[k], directions[k], hits, footprint)
    light = np.zeros((n * n, 3), np.float32)
    light[k] = irradiance(tracer, s, rng)
    # A surface is one object seen from about one side: light varies slowly over it.
    keys = np.full(n * n, -1, np.int32)
    keys[k] = tracer.object[hits.primitive] * 8 + _side(s.normal)
    light = smooth(light.reshape(n, n, 3), keys.reshape(n, n)).reshape(-1, 3)
    out[k] = (
        s.albedo / np.pi * light[k]
        + highlight(tracer, s, directions[k])
        + tracer.emit[s.material][:, None] * s.albedo
    )
    out = np.minimum(out, 4.0)
    grid = out.reshape(size, SUPERSAMPLE, size, SUPERSAMPLE, 3)
    return np.asarray(grid.mean(3).mean(1), np.float32)


def _side(normal: Array) -> NDArray[np.int32]:
    """Which of six directions each normal [H, 3] points in most."""
    x, y, z = np.abs(normal).T
    axis = np.where((x >= y) & (x >= z), 0, np.where(y >= z, 1, 2))
    positive = normal[np.arange(len(normal)), axis] > 0
    return (axis * 2 + positive).astype(np.int32)


def fraction_visible(tracer: Tracer, view: CameraPose, ids: NDArray[np.uint16]) -> dict[int, float]:
    """For every askable thing in a frame: visible pixels over the pixels it would cover alone, in (0, 1]."""
    step = max(1, ids.shape[0] // ALONE)
    size = ids.shape[0] // step
    small = ids[step // 2 :: step, step // 2 :: step][:size, :size]
    origins, directions = rays(view, size)
    numbers, counts = np.unique(small, return_counts=True)
    out = {}
    for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
        if number and tracer.room.objects[number - 1].askable:
            alone = int(tracer.covers(number, origins, directions).sum())
            out[number] = min(1.0, count / max(alone, count))
    return out


def look_at(eye: Array, target: Array, roll: float = 0.0) -> Array:
    """Camera rotation [3, 3] with columns right, up, back."""
    forward = unit(target - eye)
    right = unit(np.cross(forward, np.array([0, 0, 1], np.float32)).astype(np.float32))
    up = np.cross(right, forward)
    c, s = math.cos(roll), math.sin(roll)
    return np.stack([right * c + up * s, up * c - right * s, -forward], 1).astype(np.float32)


def choose_views(tracer: Tracer, count: int, candidates: int = 28) -> list[CameraPose]:
    """Up to `count` places a person might stand that show many things, at least a metre apart."""
    room = tracer.room
    rng = np.random.default_rng([room.index, room.stock.split, 2])
    scored = []
    for _ in range(candidates):
        view = _random_view(room.size, rng)
        depth, ids = trace_ids(tracer, view, 40)
        if np.percentile(depth, 4) < 0.6:
            continue
        counts = np.bincount(ids.ravel()).tolist()
        pixels = [p for n, p in enumerate(counts) if p and n and room.objects[n - 1].askable]
        visible = sum(count >= 10 for count in pixels)
        scored.append((visible - 8 * max(0.0, max(pixels, default=0) / 1600 - 0.3), view))
    scored.sort(key=lambda pair: -pair[0])
    chosen: list[CameraPose] = []
    for _, view in scored:
        if all(np.linalg.norm(view.eye - other.eye) > 1.0 for other in chosen):
            chosen.append(view)
        if len(chosen) == count:
            break
    return chosen


def _random_view(size: tuple[float, float, float], rng: np.random.Generator) -> CameraPose:
    w, d, _ = size
    while True:
        x, y = rng.uniform(0.2, w - 0.2), rng.uniform(0.2, d - 0.2)
        if math.hypot(x - w / 2, y - d / 2) > 1.2:
            break
    eye = np.array([x, y, rng.uniform(*EYE_HEIGHT)], np.float32)
    target = np.array(
        [w / 2 + rng.uniform(-0.8, 0.8), d / 2 + rng.uniform(-0.8, 0.8), rng.uniform(0.35, 0.95)], np.float32
    )
    return CameraPose(eye, look_at(eye, target, float(rng.normal(0, 0.02))), float(rng.uniform(58, 74)))
