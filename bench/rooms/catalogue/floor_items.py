"""Things that stand on the floor, between knee and chest high."""

import math

import numpy as np
from numpy.typing import NDArray

from bench.rooms.catalogue import parts
from bench.rooms.catalogue.parts import CHROME, DARK, PAPER, Finish, Kit
from bench.rooms.world.meshes import cone, lathe, leaf, ring, rotate_x, rotate_y, rotate_z
from bench.rooms.world.model import Stock, Thing, metal
from bench.rooms.world.palette import COLOURS, WOODS

_ABOVE_FLOOR = np.array([-9, -9, 0.01], np.float32)  # a drooping leaf lies on the floor


def lamp_of(stock: Stock, category: str, high: float, radius: float, tall: float) -> Thing:
    """A foot, a pole and a cloth shade, lit or not."""
    kit, on, pole = Kit(stock), stock.chance(0.6), metal(stock)
    colour, rgb = stock.colour("black", "navy") if on else stock.colour()
    shade = stock.paint(rgb, "fabric", 0.2, emit=0.9 if on else 0.0)
    kit.add(pole, lathe([(0, 0), (radius * 0.62, 0), (radius * 0.58, 0.025), (0.02, 0.04)], 14))
    kit.rod(pole, max(0.014, high * 0.011), high - tall * 0.5, sides=8)
    kit.add(shade, cone(radius, radius * 0.68, tall, 16, closed=False), z=high - tall / 2)
    light = (high - tall / 2, radius) if on else None
    return kit.standing(category, Finish(shade, colour), light=light, is_on=on)


def floor_lamp(stock: Stock) -> Thing:
    """A standing lamp."""
    high, radius, tall = stock.uniform(1.4, 1.65), stock.uniform(0.2, 0.26), stock.uniform(0.26, 0.34)
    return lamp_of(stock, "floor lamp", high, radius, tall)


def plant(stock: Stock) -> Thing:
    """A pot of leaves; the pot keeps to quiet colours so that the plant is green."""
    kit, k = Kit(stock), stock.uniform(0.75, 1.2)
    pots = ["white", "gray", "beige", "brown", "black"]
    pot = stock.paint(stock.shade(COLOURS[pots[int(stock.uniform(0, 5))]]), gloss=0.1)
    high = 0.28 * k
    outline = [
        (0, 0), (0.1, 0), (0.15, 0.25), (0.17, 0.25), (0.17, 0.29), (0.135, 0.29), (0.13, 0.26), (0, 0.26),
    ]  # fmt: skip
    kit.add(pot, lathe([(r * k, z * k) for r, z in outline], 14))
    green = stock.uniform(0.8, 1.2)
    leaves = stock.paint((0.15 * green, 0.50 * green, 0.17 * green), gloss=0.06)
    for i in range(18):
        size = stock.uniform(0.35, 0.7) * k
        blade = leaf(size, stock.uniform(0.09, 0.14) * k, stock.uniform(0.1, 0.75))
        blade = blade.turned(rotate_z(i * 2.4 + stock.uniform(-0.3, 0.3))).moved(z=high - 0.02)
        kit.add(leaves, blade._replace(positions=np.maximum(blade.positions, _ABOVE_FLOOR)))
    return kit.standing("plant", Finish(leaves, None if "green" in stock.banned_colours else "green"))


def bin_(stock: Stock) -> Thing:
    """A waste bin: an open paper bin, or a pedal bin with a domed lid."""
    kit, finish = Kit(stock), parts.metallic(stock)
    if stock.chance(0.5):
        h = stock.uniform(0.3, 0.4)
        outline = [(0, 0), (0.12, 0), (0.16, h), (0.17, h), (0.15, h - 0.01), (0.11, 0.02), (0, 0.02)]
        kit.add(finish.material, lathe(outline))
        kit.add(stock.paint(PAPER), parts.slab(0.12, 0.11, 0.1, 0.05), 0.03, 0.02, h - 0.06)
    else:
        h, black = stock.uniform(0.42, 0.6), stock.paint(DARK)
        kit.rod(finish.material, 0.16, h, z=0.02, sides=16)
        kit.add(black, lathe([(0, 0), (0.165, 0), (0.165, 0.035)], 16))
        lid = lathe([(0.168, h + 0.025), (0.16, h + 0.07), (0.1, h + 0.11), (0, h + 0.12)], 16)
        kit.add(finish.material, lid)
        kit.rod(black, 0.167, 0.012, z=h + 0.015, sides=16)
        kit.box(black, (0.1, 0.08, 0.02), 0, -0.19, 0.012)
    return kit.standing("bin", finish)


def ball(stock: Stock) -> Thing:
    """A plain ball, or one with a band around it."""
    kit, finish, r = Kit(stock), parts.painted(stock, None, 0.2), stock.uniform(0.12, 0.2)
    kit.ball(finish.material, (r, r, r), z=r, sides=18)
    if stock.chance(0.4):
        band = stock.paint((0.95, 0.95, 0.93) if finish.colour not in ("white", "beige") else DARK)
        lean = parts.tilt(pitch=stock.uniform(0.3, 1.2), yaw=stock.uniform(0, 3))
        arc = [(r * 1.005 * math.cos(a), r * 1.005 * math.sin(a)) for a in (-0.12, 0.0, 0.12)]
        kit.add(band, lathe(arc, 20).turned(lean), z=r)
        kit.settle()
    return kit.standing("ball", finish)


def box(stock: Stock) -> Thing:
    """A carton with tape, closed or with its flaps open."""
    kit = Kit(stock)
    if stock.chance(0.3) and "brown" not in stock.banned_colours:
        finish = Finish(stock.paint(stock.shade(WOODS["oak"][0])), "brown", "cardboard")
    else:
        finish = parts.painted(stock)
    w, d, h = stock.uniform(0.3, 0.5), stock.uniform(0.28, 0.42), stock.uniform(0.22, 0.4)
    m, tape = finish.material, stock.paint((0.82, 0.74, 0.55), gloss=0.15)
    kit.box(m, (w, d, h))
    if stock.chance(0.5):
        kit.box(tape, (0.06, d + 0.004, 0.004), z=h)
        for s in (-1, 1):
            kit.box(tape, (0.06, 0.004, 0.1), 0, s * (d / 2 + 0.001), h - 0.1)
    else:
        kit.box(stock.paint((0.1, 0.08, 0.06)), (w - 0.02, d - 0.02, 0.004), z=h)
        for s in (-1, 1):
            kit.box(m, (0.014, d, 0.15), s * (w / 2 + 0.06), 0, h - 0.03, turn=rotate_y(s * 1.0))
            kit.box(m, (w, 0.014, 0.15), 0, s * (d / 2 + 0.05), h - 0.025, turn=rotate_x(-s * 0.8))
    return kit.standing("box", finish)


def basket(stock: Stock) -> Thing:
    """A woven basket: bulging rows, a thick rim and two handles, or an arch over it."""
    kit, straw = Kit(stock), stock.chance(0.4) and "beige" not in stock.banned_colours
    colour, rgb = ("beige", (0.80, 0.68, 0.45)) if straw else stock.colour()
    m = stock.paint(rgb, "fabric", 0.5)
    h, r = stock.uniform(0.26, 0.36), stock.uniform(0.2, 0.26)
    z = np.linspace(0.02, h, 13)
    radius = r * (0.72 + 0.28 * np.sin(z / h * 1.6)) + np.where(np.arange(13) % 2 == 0, 0.012, -0.006)
    kit.add(m, lathe([(0.0, 0.0), *zip(radius.tolist(), z.tolist(), strict=True)], 18))
    kit.add(m, lathe([(r, h), (r * 0.7, 0.05), (0, 0.04)], 18))
    kit.add(m, ring(r, 0.022, around=18).turned(rotate_x(math.pi / 2)), z=h)
    if stock.chance(0.5):
        kit.add(m, ring(r, 0.018, 0, math.pi), z=h)
    else:
        for s in (-1, 1):
            kit.add(m, ring(0.08, 0.016, 0, math.pi, 8).turned(rotate_z(math.pi / 2)), s * r, 0, h)
    return kit.standing("basket", Finish(m, colour, "straw" if straw else None))


def suitcase(stock: Stock) -> Thing:
    """A ribbed trolley case with its handle out, or an old one with straps."""
    kit, dark = Kit(stock), stock.paint((0.14, 0.12, 0.11), gloss=0.1)
    if stock.chance(0.5):
        finish, w, h = (
            parts.painted(stock, "plastic", 0.2),
            stock.uniform(0.4, 0.48),
            stock.uniform(0.56, 0.68),
        )
        kit.box(finish.material, (w, 0.24, h), z=0.05, r=0.045)
        for i in range(5):
            kit.box(finish.material, (0.03, 0.27, h - 0.1), (i - 2) * w / 5.6, 0, 0.1, r=0.012)
        for s in (-1, 1):
            kit.rod(stock.paint(CHROME, gloss=0.4), 0.009, 0.3, s * 0.1, 0.06, h)
            for y in (-0.09, 0.09):
                kit.ball(dark, (0.03, 0.03, 0.03), s * (w / 2 - 0.05), y, 0.03, 8)
        kit.box(dark, (0.25, 0.035, 0.035), 0, 0.06, h + 0.28)
        return kit.standing("suitcase", finish)
    finish, w, h = parts.painted(stock, "leather", 0.2), stock.uniform(0.6, 0.72), stock.uniform(0.4, 0.46)
    kit.box(finish.material, (w, 0.2, h), r=0.03)
    for s in (-1, 1):
        kit.box(dark, (0.05, 0.214, h + 0.012), s * w * 0.28)
        kit.box(stock.paint(CHROME, gloss=0.4), (0.06, 0.02, 0.04), s * w * 0.28, -0.105, h * 0.7)
        for z in (0.0, h - 0.06):
            kit.box(dark, (0.07, 0.21, 0.06), s * (w / 2 - 0.03), 0, z)
    kit.add(dark, ring(0.075, 0.014, 0, math.pi, 8), z=h)
    return kit.standing("suitcase", finish)


def _guitar_outline() -> NDArray[np.float64]:
    a = np.linspace(0, 2 * math.pi, 30, endpoint=False)
    up = np.sin(a)
    r = 0.155 + 0.075 * np.abs(up) ** 1.5 + np.where(up < 0, 0.02 * np.abs(up), -0.01 * up)
    wide = np.where(up < 0, 1.06, 0.9)
    return np.stack([r * np.cos(a) * wide * (1 + 0.35 * np.abs(up)), r * up], 1)


def guitar(stock: Stock) -> Thing:
    """An acoustic guitar leaning on its stand."""
    kit = Kit(stock)
    finish = parts.wooden(stock) if stock.chance(0.35) else parts.painted(stock, None, 0.25)
    dark, pale = stock.paint((0.12, 0.07, 0.05), gloss=0.2), stock.paint((0.9, 0.88, 0.8))
    shape = _guitar_outline()
    kit.add(finish.material, parts.extruded(shape, 0.1), z=0.3)
    kit.add(pale, parts.extruded(shape * 1.02, 0.012), y=-0.04, z=0.3)
    kit.add(dark, parts.plate(parts.disc(0.052, 16)), y=-0.053, z=0.35)
    kit.box(dark, (0.15, 0.02, 0.03), 0, -0.055, 0.19)
    kit.box(dark, (0.055, 0.035, 0.52), 0, -0.05, 0.38)
    kit.box(finish.material, (0.085, 0.03, 0.15), 0, -0.04, 0.89)
    for i in range(6):
        kit.box(pale, (0.02, 0.015, 0.015), (i % 2 - 0.5) * 0.11, -0.04, 0.91 + 0.045 * (i // 2))
    for x in (-0.015, 0.0, 0.015):
        kit.box(pale, (0.0025, 0.004, 0.69), x, -0.071, 0.2)
    kit.parts = [(mesh.turned(rotate_x(-0.2)), m) for mesh, m in kit.parts]
    kit.settle()
    stand = metal(stock)
    for s in (-1, 1):
        kit.bar(stand, (s * 0.1, 0.16, 0.008), (s * 0.03, 0.02, 0.42), 0.012)
        kit.bar(stand, (s * 0.12, -0.2, 0.03), (s * 0.08, 0.06, 0.2), 0.012)
    kit.settle()
    return kit.standing("guitar", finish)


def teddy_bear(stock: Stock) -> Thing:
    """A sitting teddy bear with a pale snout."""
    kit, finish, k = Kit(stock), parts.painted(stock, "cloth", 0.0, ["black"]), stock.uniform(1.0, 1.5)
    fur, pale = finish.material, stock.paint((0.90, 0.80, 0.64))
    black = stock.paint(DARK, gloss=0.4)
    kit.ball(fur, (0.12 * k, 0.105 * k, 0.14 * k), 0, 0, 0.14 * k, 12)
    kit.ball(fur, (0.105 * k, 0.1 * k, 0.095 * k), 0, -0.01, 0.34 * k, 12)
    kit.ball(pale, (0.05 * k, 0.045 * k, 0.04 * k), 0, -0.095 * k, 0.315 * k)
    kit.ball(black, (0.018 * k, 0.012 * k, 0.013 * k), 0, -0.142 * k, 0.33 * k, 6)
    for s in (-1, 1):
        kit.ball(fur, (0.042 * k, 0.022 * k, 0.042 * k), s * 0.085 * k, 0, 0.42 * k, 8)
        kit.ball(black, (0.013 * k, 0.012 * k, 0.013 * k), s * 0.04 * k, -0.095 * k, 0.37 * k, 6)
        kit.ball(fur, (0.045 * k, 0.05 * k, 0.085 * k), s * 0.13 * k, -0.04 * k, 0.19 * k, 8)
        kit.ball(fur, (0.055 * k, 0.12 * k, 0.055 * k), s * 0.09 * k, -0.12 * k, 0.055 * k, 8)
        kit.ball(pale, (0.04 * k, 0.012 * k, 0.04 * k), s * 0.09 * k, -0.235 * k, 0.055 * k, 8)
    return kit.standing("teddy bear", finish)
