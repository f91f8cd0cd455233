"""Things to sit on."""

import math

from bench.rooms.catalogue import parts
from bench.rooms.catalogue.parts import DARK, Finish, Kit
from bench.rooms.world.meshes import rotate_x
from bench.rooms.world.model import Stock, Surface, SurfaceMaterial, Thing, metal


def _couch(stock: Stock, category: str, w: float) -> Thing:
    kit, finish = Kit(stock), parts.upholstery(stock)
    m, d, arm = finish.material, 0.9, stock.uniform(0.14, 0.2)
    kit.legs(parts.wooden(stock).material, w - 0.04, d - 0.08, 0.12, 0.06)
    kit.box(m, (w, d - 0.04, 0.24), z=0.11, r=0.04)
    kit.box(m, (w - 0.04, 0.22, 0.56), y=d / 2 - 0.14, z=0.3, r=0.08)
    high = stock.uniform(0.26, 0.36)
    for s in (-1, 1):
        kit.box(m, (arm, d - 0.04, high), s * (w - arm) / 2, 0, 0.28, r=0.07)
    seats = 1 if w < 1.2 else 2 if w < 1.95 else 3
    each = (w - 2 * arm) / seats
    for i in range(seats):
        x = -w / 2 + arm + each * (i + 0.5)
        kit.box(m, (each - 0.015, d - 0.28, 0.15), x, -0.1, 0.34, r=0.05)
        kit.box(m, (each - 0.03, 0.16, 0.36), x, d / 2 - 0.31, 0.46, r=0.06, turn=rotate_x(-0.2))
    return kit.standing(category, finish, [Surface(0, -0.15, 0.49, w - 2 * arm - 0.1, 0.4)])


def sofa(stock: Stock) -> Thing:
    """A couch for two or three."""
    return _couch(stock, "sofa", stock.uniform(1.6, 2.2))


def armchair(stock: Stock) -> Thing:
    """A couch for one."""
    return _couch(stock, "armchair", stock.uniform(0.82, 0.98))


def chair(stock: Stock) -> Thing:
    """A kitchen chair with a slatted or a solid back."""
    kit, finish, solid = Kit(stock), parts.finish(stock), stock.chance(0.5)
    frame = finish.material if stock.chance(0.5) else parts.quiet(stock)
    kit.legs(frame, 0.44, 0.44, 0.43, 0.045)
    kit.box(finish.material, (0.46, 0.46, 0.05), z=0.43, r=0.02)
    if solid:
        kit.box(finish.material, (0.44, 0.04, 0.44), 0, 0.22, 0.47, r=0.018, turn=rotate_x(-0.12))
    else:
        for s in (-1, 1):
            kit.box(frame, (0.045, 0.04, 0.46), s * 0.2, 0.21, 0.46)
        for z in (0.58, 0.7, 0.82):
            kit.box(finish.material, (0.38, 0.03, 0.08), 0, 0.21, z)
    return kit.standing("chair", finish, [Surface(0, -0.03, 0.48, 0.3, 0.3)])


def office_chair(stock: Stock) -> Thing:
    """A swivel chair on five castors."""
    kit, finish = Kit(stock), parts.upholstery(stock)
    black, m = stock.paint(DARK, gloss=0.1), finish.material
    kit.box(m, (0.52, 0.5, 0.1), z=0.43, r=0.045)
    kit.box(m, (0.48, 0.09, 0.58), 0, 0.25, 0.58, r=0.04, turn=rotate_x(-0.12))
    kit.rod(black, 0.035, 0.36, z=0.08)
    for i in range(5):
        a = i * 2 * math.pi / 5 + 0.3
        x, y = 0.29 * math.cos(a), 0.29 * math.sin(a)
        kit.bar(black, (0, 0, 0.12), (x, y, 0.08), 0.025)
        kit.ball(black, (0.035, 0.035, 0.035), x, y, 0.035, 8)
    for s in (-1, 1):
        kit.box(black, (0.05, 0.3, 0.03), s * 0.29, 0.02, 0.66, r=0.012)
        kit.box(black, (0.03, 0.05, 0.2), s * 0.29, 0.06, 0.47)
    return kit.standing("office chair", finish)


def stool(stock: Stock) -> Thing:
    """A round seat on four splayed legs held by rungs."""
    kit, finish, h = Kit(stock), parts.finish(stock), stock.uniform(0.45, 0.65)
    legs = finish.material if stock.chance(0.5) else metal(stock)
    kit.rod(finish.material, 0.185, 0.05, z=h - 0.05, sides=18)
    kit.legs(legs, 0.4, 0.4, h - 0.04, 0.04, splay=0.07)
    _rungs(kit, legs, h * 0.4)
    return kit.standing("stool", finish, [Surface(0, 0, h, 0.24, 0.24)])


def _rungs(kit: Kit, m: SurfaceMaterial, z: float) -> None:
    for s in (-1, 1):
        kit.bar(m, (-0.15, s * 0.15, z), (0.15, s * 0.15, z), 0.012)
        kit.bar(m, (s * 0.15, -0.15, z), (s * 0.15, 0.15, z), 0.012)


def bench(stock: Stock) -> Thing:
    """A long seat of planks, without a back."""
    kit, finish, w = Kit(stock), parts.finish(stock), stock.uniform(1.1, 1.45)
    planks = int(stock.uniform(2, 4))
    each = 0.38 / planks
    for i in range(planks):
        kit.box(finish.material, (w, each - 0.015, 0.045), 0, (i - (planks - 1) / 2) * each, 0.41)
    for s in (-1, 1):
        kit.box(finish.material, (0.06, 0.34, 0.41), s * (w / 2 - 0.16), 0, 0)
    kit.box(finish.material, (w - 0.32, 0.04, 0.08), 0, 0, 0.18)
    return kit.standing("bench", finish, [Surface(0, 0, 0.455, w * 0.85, 0.26)])


def ottoman(stock: Stock) -> Thing:
    """A padded footrest, round or square, with a piped lid."""
    kit, finish, h = Kit(stock), _padded(stock), stock.uniform(0.36, 0.44)
    m, w = finish.material, stock.uniform(0.5, 0.66)
    if stock.chance(0.5):
        kit.add(m, parts.rod(w / 2, h - 0.1, 20), z=h / 2)
        kit.add(m, parts.rod(w / 2 + 0.015, 0.06, 20), z=h - 0.03)
    else:
        kit.box(m, (w, w, h - 0.12), z=0.04, r=0.04)
        kit.box(m, (w + 0.02, w + 0.02, 0.1), z=h - 0.1, r=0.045)
    for i in range(4):
        wood, x, y = parts.wooden(stock).material, (i % 2 - 0.5) * (w * 0.6), (i // 2 - 0.5) * (w * 0.6)
        kit.box(wood, (0.05, 0.05, 0.06), x, y, turn=parts.tilt(yaw=0.8))
    return kit.standing("ottoman", finish, [Surface(0, 0, h, w * 0.6, w * 0.6)])


def _padded(stock: Stock) -> Finish:
    return parts.cloth(stock, 0.5, 0.3) if stock.chance(0.7) else parts.painted(stock, "leather", 0.22)
