"""Things that hang on a wall: back at y = 0, the middle of the thing at z = 0."""

import math

from bench.rooms.catalogue import parts
from bench.rooms.catalogue.parts import CHROME, Finish, Kit
from bench.rooms.world.meshes import Mesh, lathe, ripple, rotate_x, rotate_y
from bench.rooms.world.model import Stock, Surface, SurfaceMaterial, Thing, metal


def _frame(kit: Kit, m: SurfaceMaterial, w: float, h: float, t: float, deep: float = 0.03) -> None:
    for s in (-1, 1):
        kit.box(m, (w, deep, t), 0, -deep / 2, s * (h - t) / 2 - t / 2)
        kit.box(m, (t, deep, h - 2 * t), s * (w - t) / 2, -deep / 2, -h / 2 + t)


def picture(stock: Stock) -> Thing:
    """A painting in a frame."""
    kit, w, h = Kit(stock), stock.uniform(0.4, 0.95), stock.uniform(0.4, 0.75)
    _frame(kit, parts.quiet(stock), w, h, 0.035)
    painting = stock.paint((0.95, 0.95, 0.95), "painting", (w - 0.05, h - 0.05), fit=True)
    kit.add(painting, parts.plate(parts.rectangle(w - 0.05, h - 0.05)), y=-0.015)
    return kit.hanging("picture", None)


def clock(stock: Stock) -> Thing:
    """A round clock with a rim."""
    kit, r = Kit(stock), stock.uniform(0.17, 0.24)
    rim = [(r, 0.0), (r, 0.045), (r * 0.94, 0.055), (r * 0.86, 0.045), (r * 0.86, 0.02)]
    kit.add(parts.quiet(stock), _facing(lathe(rim, 24)))
    face = stock.paint((0.95, 0.94, 0.9), "clock", (2 * r, 2 * r), fit=True)
    kit.add(face, parts.plate(parts.disc(r * 0.88, 24)), y=-0.025)
    return kit.hanging("clock", None)


def _facing(mesh: Mesh) -> Mesh:
    """What points up turned to point towards -y."""
    return mesh.turned(rotate_x(math.pi / 2))


def mirror(stock: Stock) -> Thing:
    """Pale, shining glass in a frame, round or upright, with two slanting gleams; it reflects nothing."""
    kit, glass = Kit(stock), stock.paint((0.70, 0.79, 0.84), gloss=0.7)
    gleam, frame = stock.paint((0.94, 0.97, 1.0), gloss=0.7, emit=0.1), parts.quiet(stock)
    if stock.chance(0.5):
        r = stock.uniform(0.26, 0.36)
        kit.add(frame, _facing(lathe([(r, 0), (r, 0.03), (r * 0.9, 0.035), (r * 0.9, 0.01)], 24)))
        kit.add(glass, parts.plate(parts.disc(r * 0.91, 24)), y=-0.012)
        reach = r * 0.9
    else:
        w, h = stock.uniform(0.42, 0.6), stock.uniform(0.7, 1.1)
        _frame(kit, frame, w, h, 0.045)
        kit.add(glass, parts.plate(parts.rectangle(w - 0.08, h - 0.08)), y=-0.012)
        reach = w * 0.6
    for off, wide in ((-0.22, 0.16), (0.12, 0.07)):
        strip = parts.plate(parts.rectangle(reach * wide, reach * 0.95)).turned(rotate_y(0.6))
        kit.add(gleam, strip, reach * off, -0.014, 0.05)
    return kit.hanging("mirror", None)


def shelf(stock: Stock) -> Thing:
    """A board on two brackets."""
    kit, finish, w = Kit(stock), parts.finish(stock), stock.uniform(0.65, 1.05)
    kit.box(finish.material, (w, 0.24, 0.035), 0, -0.12, 0.045)
    bracket = metal(stock) if stock.chance(0.5) else finish.material
    for s in (-1, 1):
        x = s * w * 0.36
        kit.box(bracket, (0.03, 0.022, 0.12), x, -0.011, -0.08)
        kit.bar(bracket, (x, -0.015, -0.065), (x, -0.2, 0.04), 0.014)
    return kit.hanging("shelf", finish, [Surface(0, -0.12, 0.08, w * 0.85, 0.17, 0.6)])


def radiator(stock: Stock) -> Thing:
    """Upright ribs between two pipes, with a valve; hung low."""
    kit, finish = Kit(stock), parts.painted(stock, "metal", 0.15)
    ribs, h = int(stock.uniform(7, 12)), stock.uniform(0.5, 0.65)
    w, m = ribs * 0.085, finish.material
    for i in range(ribs):
        kit.box(m, (0.065, 0.1, h), (i - (ribs - 1) / 2) * 0.085, -0.08, -h / 2, r=0.02)
    for z in (-h * 0.4, h * 0.4):
        kit.add(m, parts.rod(0.03, w + 0.02).turned(rotate_y(math.pi / 2)), 0, -0.08, z)
    valve = parts.rod(0.035, 0.08).turned(rotate_y(math.pi / 2))
    kit.add(stock.paint(CHROME, gloss=0.3), valve, w / 2 + 0.05, -0.08, h * 0.4)
    for s in (-1, 1):
        kit.box(m, (0.04, 0.05, 0.04), s * w * 0.3, -0.025, h * 0.25)
    return kit.hanging("radiator", finish)


def towel(stock: Stock) -> Thing:
    """A towel over a rail, its front longer than its back."""
    kit, finish = Kit(stock), parts.cloth(stock, 0.55, 0.3)
    w, h = stock.uniform(0.38, 0.52), stock.uniform(0.6, 0.8)
    chrome, m = stock.paint(CHROME, gloss=0.5), finish.material
    kit.add(chrome, parts.rod(0.014, w + 0.2).turned(rotate_y(math.pi / 2)), 0, -0.07, h / 2 - 0.02)
    for s in (-1, 1):
        kit.box(chrome, (0.03, 0.075, 0.03), s * (w / 2 + 0.09), -0.0375, h / 2 - 0.035)
    kit.add(m, ripple(w, h - 0.02, 0.008, 30.0), 0, -0.1, -0.01)
    kit.add(m, ripple(w - 0.01, h * 0.7, 0.006, 30.0), 0, -0.04, h * 0.14)
    kit.add(m, parts.rod(0.03, w, 8).turned(rotate_y(math.pi / 2)), 0, -0.07, h / 2 - 0.03)
    return kit.hanging("towel", Finish(m, finish.colour, "cloth", finish.pattern))
