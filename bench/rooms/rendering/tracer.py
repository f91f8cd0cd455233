"""Rays against one room: a thin layer over Intel Embree, with what is needed to shade a hit."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.rooms.world.scene import FurnishedRoom
from bench.rooms.world.textures import texture
from core.extras import require

Array = NDArray[np.float32]
Ints = NDArray[np.int32]


class CameraPose(NamedTuple):
    """Where a camera stands: eye [3] metres, rotation [3, 3] (columns right, up, back), view in degrees."""

    eye: Array
    rotation: Array
    fov: float


class Hits(NamedTuple):
    """First hits of R rays: `hit` [R] bool, distance [R] metres, primitive [R], barycentric u, v [R]."""

    hit: NDArray[np.bool_]
    distance: Array
    primitive: Ints
    u: Array
    v: Array


class Surfels(NamedTuple):
    """Shading inputs at H hits: position, normal (towards the ray), albedo [H, 3], material index [H]."""

    position: Array
    normal: Array
    albedo: Array
    material: Ints


def dot(a: Array, b: Array) -> Array:
    """Row-wise dot products of [..., 3] arrays (einsum: numpy's sum over an axis of three is slow)."""
    return np.asarray(np.einsum("...i,...i->...", a, b), np.float32)


def unit(v: Array) -> Array:
    """Vectors of length 1 along the last axis."""
    return np.asarray(v / np.sqrt(dot(v, v) + np.float32(1e-12))[..., None], np.float32)


def _scene(triangles: Array) -> Any:
    scene = require("embreex.rtcore_scene", "rooms").EmbreeScene()
    require("embreex.mesh_construction", "rooms").TriangleMesh(scene, np.ascontiguousarray(triangles))
    return scene


class Tracer:
    """A room as triangles: positions in Embree, attributes in flat arrays indexed by primitive."""

    def __init__(self, room: FurnishedRoom) -> None:
        self.room = room
        self.triangles = np.concatenate([m.positions for m, _, _ in room.parts]).astype(np.float32)
        self.normals = np.concatenate([m.normals for m, _, _ in room.parts]).astype(np.float32)
        self.uv = np.concatenate([m.uv for m, _, _ in room.parts]).astype(np.float32)
        counts = [len(m.positions) for m, _, _ in room.parts]
        materials = list(dict.fromkeys(m for _, m, _ in room.parts))
        where = {m: i for i, m in enumerate(materials)}
        self.material = np.repeat([where[m] for _, m, _ in room.parts], counts).astype(np.int32)
        self.object = np.repeat([n for _, _, n in room.parts], counts).astype(np.int32)
        self.rgb = np.array([m.rgb for m in materials], np.float32)
        self.gloss = np.array([m.gloss for m in materials], np.float32)
        self.emit = np.array([m.emit for m in materials], np.float32)
        self.tile = np.array([m.tile for m in materials], np.float32)
        self.fit = np.array([m.fit for m in materials])
        self._atlas(materials)
        self._scene = _scene(self.triangles)
        self._alone: dict[int, Any] = {}

    def _atlas(self, materials: list[Any]) -> None:
        """All mip levels of all textures in one array, so that a lookup is one gather."""
        blocks: list[Array] = [np.array([[1, 1, 1, 0]], np.float32)]
        self.offset = np.zeros((len(materials), 6), np.int64)
        self.texels = np.ones((len(materials), 6), np.int32)
        start = 1
        for i, material in enumerate(materials):
            if material.texture is None:
                continue
            for level, image in enumerate(texture(self.room.stock.split, *material.texture)):
                blocks.append(image.reshape(-1, 4))
                self.offset[i, level], self.texels[i, level] = start, image.shape[0]
                start += len(blocks[-1])
        self.atlas = np.concatenate(blocks)

    def first(self, origins: Array, directions: Array) -> Hits:
        """Nearest hit of every ray; origins and directions [R, 3] float32."""
        h = self._scene.run(origins, directions, output=True)
        return Hits(h["primID"] >= 0, h["tfar"], h["primID"], h["u"], h["v"])

    def blocked(self, origins: Array, directions: Array, distance: Array) -> NDArray[np.bool_]:
        """Whether anything lies within `distance` [R] metres along each ray."""
        d = np.ascontiguousarray(distance, np.float32)
        return np.asarray(self._scene.run(origins, directions, d, query="OCCLUDED") >= 0)

    def covers(self, number: int, origins: Array, directions: Array) -> NDArray[np.bool_]:
        """Which rays meet object `number` when nothing else is there."""
        if number not in self._alone:
            self._alone[number] = _scene(self.triangles[self.object == number])
        return np.asarray(self._alone[number].run(origins, directions) >= 0)

    def surfels(self, origins: Array, directions: Array, h: Hits, footprint: float) -> Surfels:
        """Attributes at hits (all rays hit); `footprint`, a pixel's width in radians, filters textures."""
        p = h.primitive
        b = np.stack([1 - h.u - h.v, h.u, h.v], 1)
        normal = unit(np.einsum("hci,hc->hi", self.normals[p], b))
        facing = dot(normal, directions)
        normal[facing > 0] *= -1
        material = self.material[p]
        uv = np.einsum("hci,hc->hi", self.uv[p], b) / self.tile[material]
        fit = self.fit[material]
        uv[fit, 0] += 0.5
        uv[fit, 1] = 0.5 - uv[fit, 1]
        tile = self.tile.min(1)[material]
        size = h.distance * footprint / np.maximum(0.1, abs(facing)) ** 0.7 / tile * self.texels[material, 0]
        level = np.clip(np.log2(np.maximum(size, 1.0)).astype(np.int32), 0, 5)
        n = self.texels[material, level]
        x = np.floor(uv * n[:, None]).astype(np.int64) % n[:, None]
        texel = self.atlas[self.offset[material, level] + x[:, 1] * n + x[:, 0]]
        albedo = np.minimum(self.rgb[material] * texel[:, :3] + texel[:, 3:], 0.95)
        return Surfels(origins + directions * h.distance[:, None], normal, albedo, material)


def rays(view: CameraPose, size: int) -> tuple[Array, Array]:
    """Origins and unit directions [size * size, 3] through the pixel centres of a square, row by row."""
    t = np.tan(np.radians(view.fov) / 2)
    c = ((np.arange(size) + 0.5) / size * 2 - 1) * t
    x, y = np.meshgrid(c, -c)
    d = np.stack([x, y, -np.ones_like(x)], -1).reshape(-1, 3) @ view.rotation.T
    return np.tile(view.eye.astype(np.float32), (len(d), 1)), unit(d.astype(np.float32))
