"""What stands in kitchens and bathrooms."""

import math

from bench.rooms.catalogue import parts
from bench.rooms.catalogue.parts import CHROME, DARK, Finish, Kit
from bench.rooms.world.meshes import lathe, ring, rotate_x
from bench.rooms.world.model import Stock, Surface, SurfaceMaterial, Thing, metal


def _ceramic(stock: Stock) -> Finish:
    """Glazed: white a little more often than by chance, as in most bathrooms, but never surely."""
    if stock.chance(0.2) and "white" not in stock.banned_colours:
        return Finish(stock.paint(stock.shade((0.93, 0.93, 0.92), 0.04), gloss=0.3), "white", "ceramic")
    return parts.painted(stock, "ceramic", 0.3)


def _chrome(stock: Stock) -> SurfaceMaterial:
    return stock.paint(CHROME, gloss=0.5)


def _tap(kit: Kit, y: float, z: float, high: float = 0.16) -> None:
    """A bent tap with two handles, its mouth towards -y."""
    m = _chrome(kit.stock)
    kit.rod(m, 0.018, high, 0, y, z)
    kit.bar(m, (0, y + 0.01, z + high), (0, y - 0.14, z + high - 0.01), 0.016)
    kit.bar(m, (0, y - 0.135, z + high), (0, y - 0.135, z + high - 0.05), 0.014)
    for s in (-1, 1):
        kit.rod(m, 0.024, 0.05, s * 0.09, y, z, sides=8)


def fridge(stock: Stock) -> Thing:
    """Tall, rounded, with a small door above a large one and long handles."""
    kit, finish = Kit(stock), parts.painted(stock, gloss=0.2)
    m, w, d, h = finish.material, stock.uniform(0.58, 0.7), 0.62, stock.uniform(1.55, 1.9)
    split = h * (0.66 if stock.chance(0.6) else 0.4)
    kit.box(stock.paint(DARK), (w - 0.03, d - 0.08, h - 0.02), 0, 0.03)
    for low, high in ((0.06, split - 0.008), (split + 0.008, h)):
        kit.box(m, (w, 0.1, high - low), 0, -d / 2 + 0.05, low, r=0.03)
    kit.box(m, (w, d - 0.11, h - 0.06), 0, 0.05, 0.06, r=0.02)
    chrome = _chrome(stock)
    for z in (split - 0.42, split + 0.06):
        kit.box(chrome, (0.03, 0.05, min(0.36, h - split - 0.1)), w / 2 - 0.08, -d / 2 - 0.02, z)
    return kit.standing("fridge", finish)


def stove(stock: Stock) -> Thing:
    """A cooker: four dark plates, a row of knobs, an oven door with a window and a rail."""
    kit, finish, w, d, h = Kit(stock), parts.painted(stock, gloss=0.15), 0.6, 0.6, 0.88
    black, chrome = stock.paint(DARK, gloss=0.3), _chrome(stock)
    kit.box(finish.material, (w, d, h - 0.03), z=0.0)
    kit.box(finish.material, (w, 0.03, 0.16), 0, d / 2 - 0.015, h)
    top = stock.paint((0.8, 0.8, 0.82), gloss=0.3)
    kit.box(top, (w + 0.01, d, 0.03), z=h - 0.03)
    for i in range(4):
        x, y = (i % 2 - 0.5) * 0.28, (i // 2 - 0.5) * 0.26 - 0.01
        kit.rod(black, 0.1 if i in (0, 3) else 0.08, 0.018, x, y, h, sides=16)
    for i in range(5):
        knob = parts.rod(0.024, 0.03, 8).turned(rotate_x(math.pi / 2))
        kit.add(black, knob, (i - 2) * 0.1, -d / 2 - 0.015, h - 0.1)
    kit.box(finish.material, (w - 0.04, 0.02, 0.52), 0, -d / 2 - 0.01, 0.14)
    kit.box(black, (w - 0.18, 0.012, 0.26), 0, -d / 2 - 0.018, 0.24)
    kit.box(chrome, (w - 0.12, 0.03, 0.025), 0, -d / 2 - 0.045, 0.6)
    kit.box(black, (w - 0.02, 0.01, 0.015), 0, -d / 2 - 0.003, 0.115)
    return kit.standing("stove", finish)


def sink(stock: Stock) -> Thing:
    """A basin with a tap: on a pedestal, or let into a cupboard."""
    if stock.chance(0.5):
        return _pedestal_sink(stock)
    kit, finish, white = Kit(stock), parts.finish(stock), stock.paint((0.93, 0.93, 0.92), gloss=0.35)
    w, d, h, rim = stock.uniform(0.65, 0.9), 0.52, 0.86, 0.1
    kit.box(finish.material, (w, d, h - 0.2), z=0.02)
    for s in (-1, 1):
        kit.box(white, (w + 0.03, rim, 0.06), 0, s * (d - rim) / 2, h - 0.06)
        kit.box(white, (rim + 0.015, d, 0.06), s * (w - rim) / 2, 0, h - 0.06)
    for y in (-d / 2 + 0.03, d / 2 - 0.03):
        kit.box(finish.material, (w, 0.04, 0.14), 0, y, h - 0.19)
    for s in (-1, 1):
        kit.box(finish.material, (0.04, d, 0.14), s * (w / 2 - 0.03), 0, h - 0.19)
        kit.box(finish.material, (w / 2 - 0.03, 0.02, h - 0.26), s * w / 4, -d / 2 - 0.01, 0.06)
        kit.box(metal(stock), (0.02, 0.03, 0.14), s * 0.05, -d / 2 - 0.03, 0.45)
    kit.box(stock.paint((0.62, 0.63, 0.64), gloss=0.3), (w - 0.12, d - 0.12, 0.03), z=h - 0.18)
    _tap(kit, d / 2 - 0.06, h, 0.2)
    return kit.standing("sink", finish)


def _pedestal_sink(stock: Stock) -> Thing:
    kit, finish = Kit(stock), _ceramic(stock)
    foot = [(0, 0), (0.13, 0), (0.09, 0.1), (0.075, 0.55), (0.12, 0.68)]
    bowl = [
        (0.1, 0.64), (0.2, 0.7), (0.28, 0.8), (0.29, 0.86), (0.25, 0.86), (0.2, 0.76), (0.1, 0.72),
        (0, 0.715),
    ]  # fmt: skip
    kit.add(finish.material, lathe(foot, 12))
    kit.add(finish.material, lathe(bowl, 18).scaled(1.05, 0.85, 1))
    kit.box(finish.material, (0.5, 0.12, 0.1), 0, 0.22, 0.78, r=0.03)
    kit.rod(stock.paint(DARK), 0.025, 0.006, 0, 0, 0.717, sides=8)
    _tap(kit, 0.2, 0.87)
    return kit.standing("sink", finish)


def washing_machine(stock: Stock) -> Thing:
    """A box with a round glass door and a panel of knobs."""
    kit, finish, w, d, h = Kit(stock), parts.painted(stock, gloss=0.2), 0.6, 0.58, 0.85
    black, chrome, y = stock.paint(DARK, gloss=0.4), _chrome(stock), -0.29
    kit.box(finish.material, (w, d, h), r=0.02)
    glass = stock.paint((0.16, 0.18, 0.22), gloss=0.6)
    kit.add(glass, parts.plate(parts.disc(0.19)), y=y - 0.02, z=0.4)
    kit.add(chrome, ring(0.2, 0.032, around=20), y=y - 0.01, z=0.4)
    kit.box(chrome, (0.03, 0.03, 0.08), -0.225, y - 0.03, 0.36)
    kit.box(stock.paint((0.75, 0.76, 0.78)), (w - 0.03, 0.02, 0.13), 0, y, h - 0.15)
    kit.box(finish.material, (0.18, 0.03, 0.09), -0.18, y - 0.005, h - 0.13)
    kit.add(black, parts.rod(0.04, 0.05, 10).turned(rotate_x(math.pi / 2)), 0.04, y - 0.02, h - 0.085)
    kit.box(stock.paint((0.2, 0.5, 0.5), emit=0.3), (0.12, 0.03, 0.05), 0.19, y - 0.005, h - 0.11)
    kit.box(black, (w - 0.04, 0.01, 0.02), 0, y, 0.06)
    return kit.standing("washing machine", finish, [Surface(0, 0, h, w * 0.8, d * 0.8)])


def bathtub(stock: Stock) -> Thing:
    """An oval tub on feet, or let down to the floor, with a tap at one end."""
    kit, finish = Kit(stock), _ceramic(stock)
    inner = stock.paint((0.93, 0.93, 0.92), gloss=0.3)
    long, wide = stock.uniform(0.78, 0.86), 0.37
    low = 0.1 if stock.chance(0.5) else 0.0
    outside = [
        (0, low), (0.72, low), (0.88, low + 0.12), (0.97, 0.5), (1.04, 0.53), (1.04, 0.57), (0.95, 0.57),
    ]  # fmt: skip
    inside = [(0.95, 0.57), (0.88, 0.5), (0.78, low + 0.14), (0.6, low + 0.08), (0, low + 0.07)]
    kit.add(finish.material, lathe(outside, 24).scaled(long, wide, 1))
    kit.add(inner, lathe(inside, 24).scaled(long, wide, 1))
    if low:
        feet = metal(stock)
        for i in range(4):
            x, y = (i % 2 - 0.5) * long * 1.1, (i // 2 - 0.5) * wide * 1.0
            kit.ball(feet, (0.05, 0.05, 0.07), x, y, 0.07, 8)
    m = _chrome(stock)
    kit.rod(m, 0.022, 0.2, long - 0.05, 0, 0.55)
    kit.bar(m, (long - 0.04, 0, 0.74), (long - 0.22, 0, 0.72), 0.02)
    for s in (-1, 1):
        kit.rod(m, 0.03, 0.06, long - 0.06, s * 0.1, 0.56, sides=8)
    return kit.standing("bathtub", finish)


def toilet(stock: Stock) -> Thing:
    """Bowl, seat and cistern; the lid up or down."""
    kit, finish = Kit(stock), _ceramic(stock)
    m = finish.material
    bowl = [
        (0, 0), (0.13, 0), (0.11, 0.1), (0.12, 0.2), (0.18, 0.33), (0.2, 0.4), (0.16, 0.4), (0.1, 0.28),
        (0, 0.25),
    ]  # fmt: skip
    kit.add(m, lathe(bowl, 16).scaled(0.95, 1.3, 1), y=-0.12)
    seat = m if stock.chance(0.6) else stock.wood()[0]
    rim = ring(0.17, 0.033, around=18).turned(rotate_x(math.pi / 2)).scaled(1, 1.32, 0.7)
    kit.add(seat, rim, y=-0.12, z=0.415)
    kit.box(m, (0.22, 0.24, 0.36), 0, 0.14, 0.0, r=0.03)
    kit.box(m, (0.44, 0.2, 0.38), 0, 0.26, 0.38, r=0.035)
    kit.box(m, (0.47, 0.23, 0.05), 0, 0.26, 0.75, r=0.02)
    kit.rod(_chrome(stock), 0.025, 0.02, 0, 0.26, 0.8, sides=8)
    if stock.chance(0.5):
        lid = parts.rod(0.2, 0.03, 16).scaled(0.95, 1.2, 1).turned(rotate_x(math.pi / 2 - 0.15))
        kit.add(seat, lid, 0, 0.12, 0.65)
    kit.settle()
    return kit.standing("toilet", finish)
