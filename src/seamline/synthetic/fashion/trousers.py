"""How trousers are drawn."""

import numpy as np

from seamline.synthetic.fashion.canvas import Curve, Frame, clouds, cover, inside, line, over, place
from seamline.synthetic.fashion.chance import Array, Chance
from seamline.synthetic.fashion.fabrics import cloth, lit

_FABRICS = {
    "plain": 0.62,
    "heather": 0.14,
    "pinstripes": 0.05,
    "flowers": 0.05,
    "patches": 0.05,
    "checks": 0.04,
    "blocks": 0.05,
}


def trousers(chance: Chance) -> Array:
    """Return trousers as (n, 28, 28) float32, about 0..1, black outside."""
    frame = place(chance, sway=0.5, move=0.7, size=0.03)
    side = np.abs(frame.x)
    upper, lower = chance.between(0, 0.8), chance.mix((0.92, (27, 28.2)), (0.08, (21, 26)))
    crotch = upper + chance.between(6, 9.5)
    waist = chance.between(3.4, 4.9)
    hips = waist + chance.between(0.2, 1.4)
    # The gap between the legs: mostly open, sometimes a mere line, as in wide trousers.
    gap = chance.mix((0.76, (0.5, 2.2)), (0.24, (0.0, 0.5)))
    leg = chance.mix((0.7, (2.2, 3.1)), (0.3, (3.1, 4.4)))
    knee = (crotch + lower) / 2
    outer = Curve(
        [upper, crotch, knee, lower],
        [waist, hips, gap * 0.7 + leg + chance.between(0.2, 1), gap + leg],
        soft=4,
    )
    inner = Curve([crotch - 0.6, crotch + 3, lower], [chance.between(-0.6, -0.5), gap * 0.4, gap], soft=1.5)
    shape = inside(
        -outer.beyond(frame.y, side), inner.beyond(frame.y, side), frame.y - over(upper), over(lower) - frame.y
    )
    tone = chance.mix((0.2, (0.15, 0.45)), (0.8, (0.45, 0.97)))
    value = cloth(frame, chance, _FABRICS, tone, chance.between(0.1, 0.7))
    value = lit(frame, chance, value, shape, folds=0.07, across=6)
    value = value * (1 + _worn(frame, side, outer, knee, chance))
    return cover(shape) * value * (1 - _seams(frame, side, upper, crotch, chance))


def _worn(frame: Frame, side: Array, outer: Curve, knee: Array, chance: Chance) -> Array:
    """Return how much lighter or darker denim is where it is worn, and where knees crease it."""
    middle = (side - outer.at(frame.y) * np.float32(0.55)) / np.float32(1.6)
    faded = np.exp(-middle * middle) * over(chance.happens(0.45) * chance.between(-0.1, 0.4))
    near_knee = np.exp(-(((frame.y - over(knee)) / 4) ** 2))
    return faded + near_knee * clouds(chance, 8, 4) * over(chance.between(0, 0.2))


def _seams(frame: Frame, side: Array, upper: Array, crotch: Array, chance: Chance) -> Array:
    """Return the lines of waistband, fly and pockets, 0..1."""
    band = line(frame.y - over(upper + chance.between(1.4, 2.2)), 0.45) * over(chance.between(0, 0.35))
    fly = line(frame.x - np.float32(0.3), 0.4) * cover(over(crotch) - frame.y) * over(chance.between(0, 0.4))
    slant = (side - np.float32(2.4)) - (frame.y - over(upper + 2)) * np.float32(0.45)
    low = (frame.y > over(upper + 1.5)) & (frame.y < over(upper + 4.5))
    return np.minimum(band + fly + line(slant, 0.4) * low * over(chance.between(0, 0.35)), 1)
