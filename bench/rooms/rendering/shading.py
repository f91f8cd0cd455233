"""Light on surfaces, linear RGB: area lights with soft shadows, sky, sun, ambient occlusion, gloss."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.rooms.rendering.tracer import Array, Surfels, Tracer, dot, unit
from bench.rooms.world.scene import FurnishedRoom, Light, SphereLight, SunLight, WindowLight

Rng = np.random.Generator
REACH = 1.2  # metres within which a neighbour darkens a corner


class _Sample(NamedTuple):
    direction: Array  # [H, 3] unit, towards the light
    weight: NDArray[Any]  # [H] cosine and distance factors
    distance: NDArray[Any]  # [H] metres to the light
    power: Array  # [3]


def _sample(light: Light, position: Array, normal: Array, a: Array, b: Array) -> _Sample:
    """One random point of a light seen from every position; a, b in [0, 1)."""
    if isinstance(light, SunLight):
        spread = np.stack([a - 0.5, b - 0.5, 0 * a], 1) * np.float32(0.02)
        direction = unit(light.direction + spread)
        cosine = np.maximum(0, dot(normal, direction))
        return _Sample(direction, cosine, np.full(len(a), 30, np.float32), light.power)
    if isinstance(light, WindowLight):
        target = light.centre + light.half_u * (2 * a - 1)[:, None] + light.half_v * (2 * b - 1)[:, None]
    else:
        z, around = 2 * b - 1, 2 * np.pi * a
        ring = np.sqrt(np.maximum(0, 1 - z * z))
        target = light.centre + light.radius * np.stack([ring * np.cos(around), ring * np.sin(around), z], 1)
    towards = (target - position).astype(np.float32)
    squared = dot(towards, towards)
    distance = np.sqrt(squared)
    direction = towards / distance[:, None]
    weight = np.maximum(0, dot(normal, direction)) / np.maximum(squared, 0.05)
    if isinstance(light, WindowLight):
        area = 4 * np.linalg.norm(light.half_u) * np.linalg.norm(light.half_v)
        weight = np.minimum(weight * np.maximum(0, -(direction @ light.normal)) * np.float32(area), 2.0)
        return _Sample(direction, weight, distance - 0.03, light.power)
    return _Sample(direction, weight, distance - light.radius * 1.1 - 0.05, light.power)


def ambient(room: FurnishedRoom) -> Array:
    """Light that has bounced so often that it comes from everywhere, [3]."""
    total = room.sky * np.float32(0.06)
    for light in room.lights:
        if isinstance(light, SphereLight):
            total = total + light.power * np.float32(0.022)
    return total.astype(np.float32)


def irradiance(tracer: Tracer, s: Surfels, rng: Rng) -> Array:
    """Light falling on every surfel, [H, 3]: a shadow ray for each light, an occlusion ray for the rest."""
    origin = s.position + s.normal * np.float32(2e-3)
    total = np.zeros_like(origin)
    for light in tracer.room.lights:
        a, b = rng.random((2, len(origin)), np.float32)
        sample = _sample(light, origin, s.normal, a, b)
        near = np.nonzero(sample.weight > 2e-4)[0]
        if len(near):
            towards = np.ascontiguousarray(sample.direction[near])
            shadow = tracer.blocked(origin[near], towards, sample.distance[near])
            lit = near[~shadow]
            total[lit] += sample.weight[lit, None] * sample.power
    open_sky = ~tracer.blocked(origin, _scatter(s.normal, rng), np.full(len(origin), REACH, np.float32))
    total += np.pi * ambient(tracer.room) * (0.35 + 0.65 * open_sky[:, None].astype(np.float32))
    return total.astype(np.float32)


def _scatter(normal: Array, rng: Rng) -> Array:
    """Cosine-distributed directions about the normals: a point on the unit sphere plus the normal."""
    a, b = rng.random((2, len(normal)), np.float32)
    z, ring = 2 * b - 1, 2 * np.sqrt(b * (1 - b))
    ball = np.stack([ring * np.cos(2 * np.pi * a), ring * np.sin(2 * np.pi * a), z], 1)
    return unit((normal + ball * np.float32(0.999)).astype(np.float32))


def highlight(tracer: Tracer, s: Surfels, directions: Array) -> Array:
    """Mirror-like glints of the lights on glossy surfaces, [H, 3]; no extra rays."""
    out = np.zeros_like(s.position)
    shiny = np.nonzero(tracer.gloss[s.material] > 0.02)[0]
    if not len(shiny):
        return out
    n, d = s.normal[shiny], directions[shiny]
    mirrored = d - 2 * dot(n, d)[:, None] * n
    for light in tracer.room.lights:
        if isinstance(light, SunLight):
            continue
        towards = unit((light.centre - s.position[shiny]).astype(np.float32))
        peak = np.maximum(0, dot(mirrored, towards)) ** 40
        out[shiny] += (peak * tracer.gloss[s.material[shiny]] * 0.25)[:, None] * light.power
    return out


def outdoors(room: FurnishedRoom, directions: Array) -> Array:
    """What is seen through the window: sky above, something green below, [R, 3]."""
    z = directions[:, 2:3]
    around = np.arctan2(directions[:, 1], directions[:, 0])[:, None]
    horizon = 0.05 + 0.05 * np.sin(around * 9) + 0.03 * np.sin(around * 23 + 1)
    sky = room.sky * (1.15 - 0.5 * np.clip(z, 0, 1))
    green = room.sky * np.array([0.2, 0.34, 0.14], np.float32) * (0.8 + 0.3 * np.sin(around * 61 + z * 80))
    return np.where(z > horizon, sky, green).astype(np.float32)


def smooth(light: Array, keys: NDArray[np.int32]) -> Array:
    """Average light [n, n, 3] over neighbours with equal keys [n, n]: removes sampling noise."""
    for axis in (0, 1):
        total, weight = light.copy(), np.ones(keys.shape, np.float32)
        for step in (1, 2, 4):
            ahead = [slice(None)] * 2
            behind = [slice(None)] * 2
            ahead[axis], behind[axis] = slice(step, None), slice(None, -step)
            a, b = tuple(ahead), tuple(behind)
            same = (keys[a] == keys[b]).astype(np.float32)
            total[a] += light[b] * same[..., None]
            total[b] += light[a] * same[..., None]
            weight[a] += same
            weight[b] += same
        light = total / weight[..., None]
    return light
