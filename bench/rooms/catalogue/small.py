"""Small things that are put on surfaces, a little larger than life so that they show from across a room."""

import math

import numpy as np

from bench.rooms.catalogue import parts
from bench.rooms.catalogue.floor_items import lamp_of
from bench.rooms.catalogue.parts import DARK, PAPER, Finish, Kit
from bench.rooms.world.meshes import lathe, ring
from bench.rooms.world.model import Stock, Thing
from bench.rooms.world.palette import COLOURS


def lamp(stock: Stock) -> Thing:
    """A table lamp."""
    high, radius, tall = stock.uniform(0.42, 0.56), stock.uniform(0.14, 0.18), stock.uniform(0.18, 0.24)
    return lamp_of(stock, "lamp", high, radius, tall)


def book(stock: Stock) -> Thing:
    """A thick book lying flat, or standing a little open."""
    kit, finish, pages = Kit(stock), parts.painted(stock), stock.paint(PAPER)
    m, w, d = finish.material, stock.uniform(0.17, 0.21), stock.uniform(0.25, 0.3)
    t = stock.uniform(0.045, 0.07)
    if stock.chance(0.35):
        for s in (-1, 1):
            turn = parts.tilt(yaw=s * 0.35)
            kit.box(m, (0.012, w, d), s * w * 0.17, 0, 0, turn=turn)
            kit.box(pages, (t / 2, w - 0.02, d - 0.02), s * (w * 0.17 - t / 4 - 0.004), 0, 0.01, turn=turn)
        return kit.standing("book", finish)
    turn = parts.tilt(yaw=stock.uniform(-0.6, 0.6))
    for z in (0.0, t - 0.009):
        kit.box(m, (w, d, 0.009), z=z)
    kit.box(pages, (w - 0.016, d - 0.018, t - 0.018), 0.004, 0, 0.009)
    kit.box(m, (0.009, d, t), -w / 2)
    kit.parts = [(mesh.turned(turn), p) for mesh, p in kit.parts]
    kit.settle()
    return kit.standing("book", finish)


def mug(stock: Stock) -> Thing:
    """A mug with an ear."""
    kit, finish, k = Kit(stock), parts.painted(stock, "ceramic", 0.25), stock.uniform(1.25, 1.5)
    r, h = 0.043 * k, 0.1 * k
    outline = [(0, 0), (r * 0.92, 0), (r, 0.01), (r, h), (r * 0.86, h), (r * 0.84, h * 0.75)]
    kit.add(finish.material, lathe(outline, 16))
    kit.add(stock.paint((0.2, 0.11, 0.06)), lathe([(r * 0.84, h * 0.76), (0, h * 0.75)], 12))
    kit.add(finish.material, ring(h * 0.3, 0.009 * k, -math.pi / 2, math.pi / 2, 8), r * 0.97, 0, h * 0.5)
    return kit.standing("mug", finish)


def bottle(stock: Stock) -> Thing:
    """A bottle with a neck, a cap and a label."""
    kit, finish, k = Kit(stock), parts.painted(stock, "glass", 0.45), stock.uniform(1.15, 1.35)
    r, cap = 0.045 * k, stock.paint((0.85, 0.84, 0.8) if stock.chance(0.5) else DARK)
    outline = [
        (0, 0), (r * 0.95, 0), (r, 0.02), (r, 0.17), (r * 0.75, 0.205), (r * 0.36, 0.235), (r * 0.34, 0.3),
        (0, 0.3),
    ]  # fmt: skip
    kit.add(finish.material, lathe([(x, z * k) for x, z in outline], 14))
    kit.rod(cap, r * 0.42, 0.03 * k, z=0.285 * k)
    label = stock.paint(PAPER if finish.colour != "white" else (0.3, 0.3, 0.3))
    kit.rod(label, r * 1.015, 0.055 * k, z=0.07 * k, sides=14)
    return kit.standing("bottle", finish)


def vase(stock: Stock) -> Thing:
    """A bellied vase, some with a few flowers."""
    kit, finish, k = Kit(stock), parts.painted(stock, "ceramic", 0.25), stock.uniform(1.1, 1.4)
    t, belly, neck = np.linspace(0, 1, 12), stock.uniform(0.5, 0.9), stock.uniform(0.35, 0.6)
    bulge, waist = np.sin(np.pi * np.minimum(1, t * 1.25)), np.exp(-(((t - 0.85) / 0.12) ** 2))
    r = 0.055 * k * (0.9 + belly * bulge - neck * waist)
    side = [(x, z * 0.24 * k) for x, z in zip(r.tolist(), t.tolist(), strict=True)]
    kit.add(finish.material, lathe([(0.0, 0.0), *side, (side[-1][0] * 0.7, 0.22 * k)], 16))
    if stock.chance(0.4):
        _, rgb = stock.colour("green", "black", "navy", "gray", "brown")
        stem, flower = stock.paint((0.16, 0.42, 0.14)), stock.paint(rgb)
        for i in range(3):
            angle = i * 2.1 + stock.uniform(-0.4, 0.4)
            x, y, z = 0.07 * math.cos(angle), 0.07 * math.sin(angle), 0.24 * k + stock.uniform(0.1, 0.16)
            kit.bar(stem, (0, 0, 0.2 * k), (x, y, z), 0.005, 5)
            kit.ball(flower, (0.03, 0.03, 0.024), x, y, z, 8)
    return kit.standing("vase", finish)


def bowl(stock: Stock) -> Thing:
    """A wide bowl, half of them with fruit."""
    kit, finish, k = Kit(stock), parts.painted(stock, "ceramic", 0.25), stock.uniform(1.15, 1.4)
    outline = [
        (0, 0), (0.05, 0), (0.055, 0.012), (0.1, 0.04), (0.135, 0.09), (0.127, 0.09), (0.09, 0.04), (0, 0.02),
    ]  # fmt: skip
    kit.add(finish.material, lathe([(x * k, z * k) for x, z in outline], 18))
    if stock.chance(0.5):
        excluded = (*stock.banned_colours, finish.colour)
        kinds = [colour for colour in ("red", "orange", "green", "yellow") if colour not in excluded]
        fruit = stock.paint(stock.shade(COLOURS[kinds[int(stock.uniform(0, len(kinds)))]]), gloss=0.15)
        for i in range(4):
            x, y = (0.05 * k * math.cos(i * 2.1), 0.05 * k * math.sin(i * 2.1)) if i < 3 else (0, 0)
            kit.ball(fruit, (0.042 * k,) * 3, x, y, (0.07 if i < 3 else 0.11) * k, 8)
    return kit.standing("bowl", finish)


def candle(stock: Stock) -> Thing:
    """A thick candle on a dish, burning or not."""
    kit, finish, on, h = Kit(stock), parts.painted(stock), stock.chance(0.6), stock.uniform(0.13, 0.22)
    dish = lathe([(0, 0), (0.06, 0), (0.085, 0.025), (0.075, 0.025), (0, 0.01)])
    kit.add(stock.paint((0.7, 0.68, 0.62), gloss=0.3), dish)
    kit.rod(finish.material, 0.045, h, z=0.01, sides=14)
    kit.rod(stock.paint(DARK), 0.005, 0.025, z=h + 0.01, sides=5)
    if on:
        drop = [(0, 0), (0.013, 0.015), (0.01, 0.035), (0, 0.065)]
        kit.add(stock.paint((1.0, 0.85, 0.4), emit=3.0), lathe(drop, 8), z=h + 0.03)
    return kit.standing("candle", finish, light=(h + 0.05, 0.02) if on else None, is_on=on)


def kettle(stock: Stock) -> Thing:
    """A pot-bellied kettle with a spout and a handle over it."""
    kit, finish, k = Kit(stock), parts.metallic(stock, "metal"), stock.uniform(1.1, 1.35)
    m, black = finish.material, stock.paint(DARK, gloss=0.2)
    body = [(0, 0), (0.1, 0), (0.115, 0.03), (0.11, 0.09), (0.075, 0.14), (0.05, 0.15), (0, 0.157)]
    kit.add(m, lathe([(x * k, z * k) for x, z in body], 16))
    kit.ball(black, (0.018 * k,) * 3, 0, 0, 0.168 * k, 8)
    kit.bar(m, (0.08 * k, 0, 0.07 * k), (0.175 * k, 0, 0.15 * k), 0.02 * k, 8)
    kit.add(black, ring(0.085 * k, 0.013 * k, 0.15, math.pi - 0.15, 10), z=0.125 * k)
    return kit.standing("kettle", Finish(m, finish.colour, finish.made_of))
