"""Devices that are put on surfaces."""

import math

from bench.rooms.catalogue import parts
from bench.rooms.catalogue.parts import CHROME, DARK, Finish, Kit
from bench.rooms.world.meshes import ring, rotate_x
from bench.rooms.world.model import Stock, SurfaceMaterial, Thing


def _screen(stock: Stock, w: float, h: float, on: bool) -> SurfaceMaterial:
    """What a screen of w x h metres shows: a picture that glows, or dark glass."""
    if on:
        return stock.paint((0.8, 0.85, 0.95), "painting", (w, h), fit=True, emit=0.6)
    return stock.paint((0.03, 0.03, 0.04), gloss=0.5)


def laptop(stock: Stock) -> Thing:
    """An open laptop in a gray, white or dark case."""
    kit, on, lean = Kit(stock), stock.chance(0.7), -0.3
    grays = ((0.66, 0.67, 0.7), (0.3, 0.31, 0.33), (0.9, 0.9, 0.9))
    case, keys = stock.paint(grays[int(stock.uniform(0, 3))], gloss=0.2), stock.paint(DARK)
    w, d, h = 0.42, 0.29, 0.28
    kit.box(case, (w, d, 0.022), r=0.008)
    kit.box(keys, (w - 0.06, d * 0.5, 0.003), 0, 0.045, 0.021)
    kit.box(stock.paint((0.35, 0.35, 0.37)), (0.11, 0.07, 0.002), 0, -0.095, 0.0215)
    y, z = d / 2 + 0.035, 0.02 + h / 2 * 0.96
    kit.box(case, (w, 0.014, h), 0, y, z - h / 2, turn=rotate_x(lean))
    kit.add(keys, parts.plate(parts.rectangle(w - 0.015, h - 0.015)).turned(rotate_x(lean)), 0, y - 0.0085, z)
    glass = parts.plate(parts.rectangle(w - 0.04, h - 0.04)).turned(rotate_x(lean))
    kit.add(_screen(stock, w - 0.04, h - 0.04, on), glass, 0, y - 0.01, z)
    return kit.standing("laptop", None, is_on=on)


def toaster(stock: Stock) -> Thing:
    """A rounded toaster with two slots, a lever and now and then toast."""
    kit, finish = Kit(stock), parts.painted(stock, None, 0.3)
    w, d, h = stock.uniform(0.32, 0.38), 0.22, 0.24
    black, chrome = stock.paint(DARK), stock.paint(CHROME, gloss=0.4)
    kit.box(black, (w - 0.03, d - 0.03, 0.03))
    kit.box(finish.material, (w, d, h - 0.02), z=0.02, r=0.06)
    toast = stock.chance(0.5)
    for s in (-1, 1):
        kit.box(black, (w * 0.7, 0.035, 0.006), 0, s * 0.045, h - 0.002)
        if toast:
            kit.box(stock.paint((0.72, 0.48, 0.22)), (w * 0.56, 0.024, 0.1), 0, s * 0.045, h - 0.03, r=0.02)
    kit.box(chrome, (0.03, 0.05, 0.03), w / 2 + 0.015, 0, h * 0.62)
    kit.add(chrome, parts.rod(0.025, 0.03, 10).turned(rotate_x(math.pi / 2)), w * 0.3, -d / 2 - 0.01, 0.08)
    return kit.standing("toaster", finish)


def microwave(stock: Stock) -> Thing:
    """A box with a dark window and a panel with buttons."""
    kit, finish = Kit(stock), parts.painted(stock, gloss=0.2)
    w, d, h = stock.uniform(0.48, 0.56), 0.36, 0.3
    dark, panel = stock.paint((0.08, 0.08, 0.09), gloss=0.4), stock.paint((0.22, 0.22, 0.24))
    kit.box(finish.material, (w, d, h), r=0.015)
    kit.box(dark, (w * 0.58, 0.012, h * 0.6), -w * 0.14, -d / 2, h * 0.2)
    kit.box(panel, (w * 0.2, 0.012, h * 0.86), w * 0.36, -d / 2, h * 0.07)
    kit.box(stock.paint((0.3, 0.9, 0.6), emit=0.8), (w * 0.15, 0.016, 0.035), w * 0.36, -d / 2, h * 0.74)
    for i in range(6):
        x, z = w * 0.36 + (i % 2 - 0.5) * 0.045, h * 0.16 + 0.05 * (i // 2)
        kit.box(stock.paint(CHROME), (0.028, 0.016, 0.024), x, -d / 2, z)
    kit.box(stock.paint(CHROME, gloss=0.4), (0.018, 0.04, h * 0.6), w * 0.2, -d / 2 - 0.02, h * 0.2)
    return kit.standing("microwave", finish)


def radio(stock: Stock) -> Thing:
    """A portable radio: a round grille, a scale with a needle, a handle and an aerial."""
    kit, finish = Kit(stock), parts.finish(stock, 0.25)
    w, d, h = stock.uniform(0.34, 0.42), 0.14, 0.24
    dark, chrome, y = stock.paint((0.1, 0.1, 0.1)), stock.paint(CHROME, gloss=0.4), -0.07
    kit.box(finish.material, (w, d, h), r=0.025)
    kit.add(dark, parts.plate(parts.disc(h * 0.36)), -w * 0.24, y - 0.004, h * 0.5)
    kit.add(chrome, ring(h * 0.36, 0.009, around=18), -w * 0.24, y - 0.002, h * 0.5)
    kit.box(stock.paint((0.9, 0.86, 0.7)), (w * 0.38, 0.012, h * 0.24), w * 0.22, y, h * 0.58)
    kit.box(stock.paint((0.7, 0.1, 0.1)), (0.007, 0.016, h * 0.24), w * 0.26, y, h * 0.58)
    for x in (0.1, 0.22, 0.34):
        kit.add(chrome, parts.rod(0.024, 0.03, 10).turned(rotate_x(math.pi / 2)), w * x, y - 0.01, h * 0.26)
    for s in (-1, 1):
        kit.box(dark, (0.02, 0.02, 0.06), s * w * 0.38, 0, h - 0.01)
    kit.box(dark, (w * 0.8, 0.03, 0.022), 0, 0, h + 0.04, r=0.008)
    kit.bar(chrome, (w * 0.42, 0.05, h - 0.02), (w * 0.62, 0.05, h + 0.26), 0.006, 5)
    return kit.standing("radio", Finish(finish.material, finish.colour, finish.made_of))


def _panel(stock: Stock, category: str, w: float, h: float, stand: float) -> Thing:
    """A flat screen on a foot."""
    kit, on, black = Kit(stock), stock.chance(0.5), stock.paint(DARK, gloss=0.15)
    frame = black if stock.chance(0.7) else stock.paint((0.75, 0.76, 0.78), gloss=0.2)
    kit.box(frame, (w * 0.4, 0.2, 0.018))
    kit.box(frame, (0.06, 0.03, stand + 0.06), 0, 0.02, 0.01)
    kit.box(frame, (w, 0.035, h), z=stand, r=0.008)
    kit.add(black, parts.plate(parts.rectangle(w - 0.03, h - 0.03)), 0, -0.0185, stand + h / 2)
    glass = parts.plate(parts.rectangle(w - 0.05, h - 0.05))
    kit.add(_screen(stock, w - 0.05, h - 0.05, on), glass, 0, -0.02, stand + h / 2)
    return kit.standing(category, None, is_on=on)


def tv(stock: Stock) -> Thing:
    """A wide, flat television on a short foot."""
    w = stock.uniform(0.85, 1.15)
    return _panel(stock, "tv", w, w * 0.57, 0.06)


def monitor(stock: Stock) -> Thing:
    """A computer screen on a taller foot."""
    w = stock.uniform(0.52, 0.62)
    return _panel(stock, "monitor", w, w * 0.6, 0.15)
