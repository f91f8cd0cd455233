"""Tables and desks."""

from bench.rooms.catalogue import parts
from bench.rooms.catalogue.parts import Kit
from bench.rooms.world.model import Stock, Surface, Thing, metal


def table(stock: Stock) -> Thing:
    """A dining table: four legs, or round on a pedestal."""
    kit, top, h = Kit(stock), parts.finish(stock, 0.4), stock.uniform(0.71, 0.76)
    under = top.material if stock.chance(0.6) else parts.quiet(stock)
    if stock.chance(0.3):
        r = stock.uniform(0.45, 0.58)
        kit.rod(top.material, r, 0.04, z=h - 0.04, sides=28)
        kit.rod(under, 0.05, h - 0.08, z=0.04)
        kit.rod(under, r * 0.55, 0.04, sides=20)
        return kit.standing("table", top, [Surface(0, 0, h, r * 1.3, r * 1.3)])
    w, d = stock.uniform(1.15, 1.7), stock.uniform(0.75, 0.95)
    kit.box(top.material, (w, d, 0.045), z=h - 0.045)
    kit.box(under, (w - 0.14, d - 0.14, 0.08), z=h - 0.12)
    kit.legs(under, w - 0.04, d - 0.04, h - 0.045, 0.07)
    return kit.standing("table", top, [Surface(0, 0, h, w * 0.86, d * 0.8)])


def coffee_table(stock: Stock) -> Thing:
    """A low table, some with a board between the legs."""
    kit, finish, h = Kit(stock), parts.finish(stock, 0.35), stock.uniform(0.36, 0.44)
    w, d = stock.uniform(0.85, 1.15), stock.uniform(0.5, 0.62)
    kit.box(finish.material, (w, d, 0.04), z=h - 0.04, r=0.012)
    surfaces = [Surface(0, 0, h, w * 0.85, d * 0.8)]
    if stock.chance(0.5):
        kit.legs(finish.material, w - 0.04, d - 0.04, h - 0.04, 0.055)
        kit.box(finish.material, (w - 0.06, d - 0.06, 0.025), z=0.09)
    else:
        kit.legs(metal(stock), w - 0.06, d - 0.06, h - 0.03, 0.045, splay=0.04)
    return kit.standing("coffee table", finish, surfaces)


def desk(stock: Stock) -> Thing:
    """A writing desk: drawers on one side, a panel or legs on the other, a board at the back."""
    kit, finish, h = Kit(stock), parts.finish(stock), 0.74
    m, w, d = finish.material, stock.uniform(1.15, 1.5), stock.uniform(0.6, 0.72)
    side = 1 if stock.chance(0.5) else -1
    fronts = m if stock.chance(0.6) else parts.quiet(stock)
    kit.box(m, (w, d, 0.04), z=h - 0.04)
    kit.box(m, (w - 0.1, 0.02, 0.4), y=d / 2 - 0.06, z=h - 0.44)
    kit.box(m, (0.04, d - 0.06, h - 0.04), -side * (w / 2 - 0.04))
    x = side * (w / 2 - 0.23)
    kit.box(m, (0.4, d - 0.06, h - 0.04), x)
    knob = metal(stock)
    for i in range(3):
        z = 0.05 + i * 0.22
        kit.box(fronts, (0.36, 0.02, 0.2), x, -d / 2 + 0.025, z)
        kit.box(knob, (0.14, 0.025, 0.022), x, -d / 2 + 0.01, z + 0.12)
    return kit.standing("desk", finish, [Surface(0, 0, h, w * 0.86, d * 0.75)])
