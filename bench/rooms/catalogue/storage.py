"""Furniture that holds things."""

import numpy as np

from bench.rooms.catalogue import parts
from bench.rooms.catalogue.parts import Finish, Kit
from bench.rooms.world.model import Stock, Surface, SurfaceMaterial, Thing, metal


def bookshelf(stock: Stock) -> Thing:
    """A tall open shelf; what is in it is put there by the layout."""
    kit, finish = Kit(stock), parts.finish(stock, 0.35)
    m, w, h, d, t = finish.material, stock.uniform(0.75, 1.1), stock.uniform(1.4, 1.95), 0.34, 0.03
    for s in (-1, 1):
        kit.box(m, (t, d, h), s * (w - t) / 2)
    kit.box(m, (w - 2 * t, 0.012, h), y=d / 2 - 0.006)
    boards = np.linspace(0.05, h - t, round(h / 0.38) + 1).tolist()
    for z in boards:
        kit.box(m, (w - 2 * t, d - 0.012, t), y=-0.006, z=z)
    free = boards[1] - boards[0] - t - 0.02
    inside = [Surface(0, -0.03, z + t, w * 0.84, d * 0.65, free, True) for z in boards[:-1]]
    return kit.standing("bookshelf", finish, [*inside, Surface(0, 0, h, w * 0.75, d * 0.65)])


def _fronts(
    kit: Kit, m: SurfaceMaterial, w: float, d: float, low: float, high: float, grid: tuple[int, int]
) -> None:
    """Doors or drawers over the front of a w x d body, each with a knob or bar."""
    rows, columns = grid
    handle, each, tall = metal(kit.stock), w / columns, (high - low) / rows
    upright = tall > each
    for i in range(rows):
        for j in range(columns):
            x, z = -w / 2 + each * (j + 0.5), low + tall * i
            kit.box(m, (each - 0.025, 0.02, tall - 0.025), x, -d / 2 - 0.01, z + 0.0125)
            bar = (0.02, 0.03, min(0.2, tall / 2)) if upright else (min(0.16, each / 2), 0.03, 0.02)
            off = (each / 2 - 0.06) * (1 if j % 2 == 0 else -1) if upright and columns > 1 else 0.0
            kit.box(handle, bar, x + off, -d / 2 - 0.03, z + tall / 2 - bar[2] / 2)


def _two_tone(stock: Stock, finish: Finish) -> SurfaceMaterial:
    """Fronts: mostly like the body, sometimes a shade that leaves the body's colour dominant."""
    return finish.material if stock.chance(0.75) else stock.paint((0.9, 0.89, 0.86), gloss=0.08)


def cabinet(stock: Stock) -> Thing:
    """A sideboard with doors, or a chest of drawers."""
    kit, finish, d = Kit(stock), parts.finish(stock), 0.44
    w, h = stock.uniform(0.8, 1.3), stock.uniform(0.78, 1.0)
    kit.box(finish.material, (w, d, h - 0.06), z=0.06)
    kit.box(stock.paint((0.1, 0.1, 0.1)), (w - 0.08, d - 0.08, 0.06))
    kit.box(finish.material, (w + 0.03, d + 0.05, 0.03), z=h - 0.03)
    grid = (int(stock.uniform(3, 5)), 1) if stock.chance(0.5) else (1, 2 if w < 1.0 else 3)
    _fronts(kit, finish.material, w, d, 0.08, h - 0.04, grid)
    return kit.standing("cabinet", finish, [Surface(0, 0, h, w * 0.88, d * 0.75)])


def nightstand(stock: Stock) -> Thing:
    """A small bedside cupboard: a drawer above an open compartment."""
    kit, finish = Kit(stock), parts.finish(stock)
    m, w, d, h, t = finish.material, stock.uniform(0.42, 0.5), 0.4, stock.uniform(0.5, 0.58), 0.025
    kit.legs(m, w - 0.02, d - 0.02, 0.1, 0.04)
    for s in (-1, 1):
        kit.box(m, (t, d, h - 0.1), s * (w - t) / 2, 0, 0.1)
    kit.box(m, (w, 0.02, h - 0.1), 0, d / 2 - 0.01, 0.1)
    for z in (0.1, h - 0.22, h - t):
        kit.box(m, (w, d, t), z=z)
    kit.box(m, (w - 0.06, d - 0.05, 0.18), z=h - 0.21)
    _fronts(kit, _two_tone(stock, finish), w, d, h - 0.2, h - 0.02, (1, 1))
    inside = Surface(0, -0.03, 0.1 + t, w * 0.8, d * 0.65, h - 0.22 - 0.1 - t - 0.01, True)
    return kit.standing("nightstand", finish, [Surface(0, 0, h, w * 0.8, d * 0.75), inside])


def wardrobe(stock: Stock) -> Thing:
    """A tall cupboard with two or three doors."""
    kit, finish, d = Kit(stock), parts.finish(stock), 0.56
    w, h = stock.uniform(1.0, 1.45), stock.uniform(1.85, 2.1)
    kit.box(finish.material, (w, d, h - 0.12), z=0.08)
    kit.box(stock.paint((0.1, 0.1, 0.1)), (w - 0.08, d - 0.08, 0.08))
    kit.box(finish.material, (w + 0.05, d + 0.06, 0.05), z=h - 0.05)
    _fronts(kit, finish.material, w, d, 0.1, h - 0.06, (1, 2 if w < 1.25 else 3))
    return kit.standing("wardrobe", finish)


def tv_stand(stock: Stock) -> Thing:
    """A low, long board with a compartment in the middle and a door on each side."""
    kit, finish = Kit(stock), parts.finish(stock)
    m, w, d, h, t = finish.material, stock.uniform(1.2, 1.6), 0.42, stock.uniform(0.42, 0.5), 0.03
    kit.legs(metal(stock), w - 0.06, d - 0.06, 0.09, 0.04)
    for z in (0.09, h - t):
        kit.box(m, (w, d, t), z=z)
    kit.box(m, (w, 0.015, h - 0.09), 0, d / 2 - 0.008, 0.09)
    side, handle = w * 0.3, metal(stock)
    door = _two_tone(stock, finish)
    for s in (-1, 1):
        x = s * (w - side) / 2
        kit.box(m, (side, d - 0.02, h - 0.1), x, 0, 0.095)
        kit.box(door, (side - 0.03, 0.02, h - 0.09 - 2 * t - 0.02), x, -d / 2 + 0.005, 0.09 + t + 0.01)
        kit.box(handle, (0.02, 0.03, 0.1), s * (w / 2 - side + 0.05), -d / 2 - 0.01, h / 2)
    inside = Surface(0, -0.03, 0.09 + t, w * 0.36, d * 0.65, h - 0.09 - 2 * t - 0.01, True)
    return kit.standing("tv stand", finish, [Surface(0, 0, h, w * 0.9, d * 0.75), inside])
