"""More things that stand on the floor: tools, gear and instruments."""

import math

import numpy as np

from bench.rooms.catalogue import parts
from bench.rooms.catalogue.parts import CHROME, DARK, Finish, Kit
from bench.rooms.world.meshes import lathe, ring, rotate_x, rotate_y, rotate_z
from bench.rooms.world.model import Stock, Surface, Thing, metal


def bucket(stock: Stock) -> Thing:
    """An open, flared bucket with a wire handle."""
    kit, finish, h = Kit(stock), parts.metallic(stock), stock.uniform(0.26, 0.34)
    inner = stock.paint((0.2, 0.2, 0.21))
    kit.add(finish.material, lathe([(0, 0), (0.11, 0), (0.16, h), (0.175, h), (0.175, h - 0.025)], 18))
    kit.add(finish.material, lathe([(0.155, h), (0.125, h * 0.35)], 18))
    kit.add(inner, lathe([(0.125, h * 0.35), (0, h * 0.34)], 18))
    handle, wire = ring(0.165, 0.009, 0, math.pi), metal(stock)
    drop = stock.uniform(-1.2, 1.2)
    kit.add(wire, handle.turned(rotate_x(drop)), z=h - 0.02)
    kit.settle()
    return kit.standing("bucket", finish)


def drum(stock: Stock) -> Thing:
    """A drum on three legs: a coloured shell, bright hoops and rods, a pale skin."""
    kit, finish = Kit(stock), parts.painted(stock, None, 0.25)
    r, h = stock.uniform(0.2, 0.26), stock.uniform(0.26, 0.36)
    chrome, low = stock.paint(CHROME, gloss=0.5), stock.uniform(0.12, 0.24)
    kit.rod(finish.material, r, h, z=low, sides=20)
    kit.rod(stock.paint((0.93, 0.92, 0.88)), r - 0.01, 0.012, z=low + h, sides=20)
    for z in (low, low + h - 0.035):
        kit.add(chrome, lathe([(r, z), (r + 0.014, z), (r + 0.014, z + 0.035), (r, z + 0.035)], 20))
    for i in range(8):
        a = i * math.pi / 4
        x, y = (r + 0.012) * math.cos(a), (r + 0.012) * math.sin(a)
        kit.bar(chrome, (x, y, low), (x, y, low + h), 0.008, 5)
    for i in range(3):
        a = i * 2 * math.pi / 3 - 0.5
        c, s = math.cos(a), math.sin(a)
        kit.bar(chrome, (r * c, r * s, low + 0.12), ((r + 0.07) * c, (r + 0.07) * s, 0.01), 0.012)
    sticks = parts.wooden(stock).material
    for s in (-1, 1):
        kit.bar(sticks, (-0.2, s * 0.04, low + h + 0.03), (0.2, -s * 0.07, low + h + 0.03), 0.009)
    return kit.standing("drum", finish)


def backpack(stock: Stock) -> Thing:
    """A rucksack standing up: a round top, a pocket in front, straps behind."""
    kit, finish = Kit(stock), parts.cloth(stock, 0.2, 0.2)
    m, w, h = finish.material, stock.uniform(0.28, 0.34), stock.uniform(0.38, 0.46)
    dark = stock.paint((0.13, 0.12, 0.12), "fabric", 0.2)
    kit.box(m, (w, 0.18, h * 0.85), r=0.06)
    kit.add(m, parts.rod(w / 2, 0.16, 16).turned(rotate_x(math.pi / 2)), z=h - w / 2)
    kit.box(m, (w * 0.8, 0.1, h * 0.42), 0, -0.11, 0.03, r=0.04)
    kit.box(dark, (w * 0.76, 0.02, 0.02), 0, -0.155, h * 0.36)
    kit.add(dark, ring(w * 0.38, 0.009, 0, math.pi), y=-0.085, z=h - w / 2)
    kit.add(dark, ring(0.05, 0.014, 0, math.pi, 8), z=h - 0.005)
    for s in (-1, 1):
        kit.box(m, (0.06, 0.14, h * 0.4), s * (w / 2 + 0.015), 0, 0.02, r=0.025)
        strap = ring(h * 0.34, 0.02, -1.2, 1.4, 8).turned(rotate_z(math.pi / 2))
        kit.add(dark, strap, s * w * 0.28, -0.06, h * 0.48)
    kit.settle()
    return kit.standing("backpack", finish)


def fan(stock: Stock) -> Thing:
    """A standing fan: blades in a round cage on a pole."""
    kit, finish, h = Kit(stock), parts.painted(stock, "plastic", 0.15), stock.uniform(0.65, 0.95)
    m, wire, r = finish.material, metal(stock), stock.uniform(0.19, 0.24)
    kit.add(m, lathe([(0, 0), (0.17, 0), (0.16, 0.025), (0.04, 0.05), (0.025, 0.07)], 16))
    kit.rod(m, 0.022, h - 0.1, z=0.05)
    kit.add(m, parts.rod(0.06, 0.14, 12).turned(rotate_x(math.pi / 2)), y=0.04, z=h)
    for i in range(4):
        blade = parts.plate(parts.disc(1.0, 10) * np.array([r * 0.42, r * 0.26]) + np.array([r * 0.5, 0.0]))
        kit.add(m, blade.turned(rotate_y(i * math.pi / 2 + 0.4)), y=-0.07, z=h)
    kit.add(m, parts.rod(0.045, 0.05, 10).turned(rotate_x(math.pi / 2)), y=-0.08, z=h)
    for radius, y in ((r, -0.05), (r * 0.98, -0.1), (r * 0.62, -0.12)):
        kit.add(wire, ring(radius, 0.009, around=18), y=y, z=h)
    for i in range(8):
        a = i * math.pi / 4
        kit.bar(wire, (0, -0.13, h), (r * math.cos(a), -0.08, h + r * math.sin(a)), 0.004, 4)
    return kit.standing("fan", finish)


def speaker(stock: Stock) -> Thing:
    """A loudspeaker: a box with two or three dark cones in it."""
    kit, finish = Kit(stock), parts.finish(stock, 0.35)
    w, d, h = stock.uniform(0.24, 0.32), 0.28, stock.uniform(0.55, 0.95)
    kit.box(finish.material, (w, d, h), r=0.012)
    dark, rim = stock.paint((0.09, 0.09, 0.1)), stock.paint(CHROME, gloss=0.3)
    middle = stock.paint(DARK, gloss=0.5)
    big = w * 0.38
    spots = [(big + 0.05, big), (h - 0.1, w * 0.18)] + ([(big * 3 + 0.1, big * 0.9)] if h > 0.7 else [])
    for z, r in spots:
        kit.add(dark, parts.plate(parts.disc(r)), y=-d / 2 - 0.004, z=z)
        kit.add(rim, ring(r, 0.012, around=18), y=-d / 2, z=z)
        kit.ball(middle, (r * 0.35, 0.02, r * 0.35), 0, -d / 2 - 0.004, z, 8)
    return kit.standing("speaker", finish, [Surface(0, 0, h, w * 0.8, d * 0.75)])


_LANDS = (
    (0.3, 0.5, 0.55), (1.6, 0.1, 0.6), (2.5, 0.6, 0.4), (3.4, -0.4, 0.5), (4.4, 0.3, 0.62), (5.5, -0.5, 0.42),
)  # fmt: skip


def globe(stock: Stock) -> Thing:
    """A globe on a foot, held by a slanted half ring; any colour of sea, pale or dark lands."""
    kit, sea = Kit(stock), parts.painted(stock, None, 0.2)
    r, foot = stock.uniform(0.16, 0.21), parts.finish(stock, 0.6).material
    brass = stock.paint((0.72, 0.6, 0.35), gloss=0.4)
    z = stock.uniform(0.2, 0.36) + r
    kit.add(foot, lathe([(0, 0), (r * 0.8, 0), (r * 0.7, 0.03), (0.035, 0.06), (0.025, z - r - 0.01)], 14))
    kit.ball(sea.material, (r, r, r), 0, 0, z, 16)
    pale = sea.colour not in ("white", "beige", "yellow", "pink", "turquoise")
    land = stock.paint((0.88, 0.84, 0.66) if pale else (0.36, 0.42, 0.22))
    turn = stock.uniform(0, 6)
    for a, up, size in _LANDS:
        x, y = math.cos(a + turn) * math.cos(up), math.sin(a + turn) * math.cos(up)
        at = (x * r * 0.82, y * r * 0.82, z + math.sin(up) * r * 0.82)
        kit.ball(land, (r * size * 0.5, r * size * 0.5, r * size * 0.62), *at, sides=8)
    kit.add(brass, ring(r + 0.022, 0.011, -math.pi / 2, math.pi / 2, 12).turned(rotate_y(-0.4)), z=z)
    return kit.standing("globe", sea)


def umbrella(stock: Stock) -> Thing:
    """An open umbrella lying on its rim, its curved handle up."""
    kit, finish = Kit(stock), parts.cloth(stock, 0.2, 0.4)
    r, dark = stock.uniform(0.42, 0.5), stock.paint((0.15, 0.1, 0.08), gloss=0.2)
    dome = [(r, 0.5), (r * 0.82, 0.62), (r * 0.5, 0.73), (r * 0.2, 0.78), (0, 0.79)]
    kit.add(finish.material, lathe(dome, 8))
    kit.rod(stock.paint(CHROME, gloss=0.4), 0.011, 0.76, z=0.06, sides=6)
    kit.rod(dark, 0.009, 0.06, z=0.78, sides=6)
    for i in range(8):
        a = i * math.pi / 4
        kit.bar(dark, (0, 0, 0.6), (r * 0.6 * math.cos(a), r * 0.6 * math.sin(a), 0.69), 0.004, 4)
    kit.add(dark, ring(0.045, 0.014, math.pi, 2 * math.pi, 8), x=-0.045, z=0.07)
    turn = rotate_z(stock.uniform(-0.6, 0.6))
    lean = turn @ rotate_x(stock.uniform(0.95, 1.25) * (1 if stock.chance(0.6) else -1))
    kit.parts = [(mesh.turned(lean), m) for mesh, m in kit.parts]
    kit.settle()
    return kit.standing("umbrella", Finish(finish.material, finish.colour, None, finish.pattern))
