"""How bags are drawn."""

import numpy as np

from seamline.synthetic.fashion.canvas import Frame, arch, cover, inside, line, over, paint, place, stroke
from seamline.synthetic.fashion.chance import Array, Chance, clip
from seamline.synthetic.fashion.fabrics import cloth, lit

_FABRICS = {"plain": 0.6, "heather": 0.1, "checks": 0.08, "flowers": 0.07, "stripes": 0.04, "knit": 0.06, "dots": 0.05}


def bags(chance: Chance) -> Array:
    """Return bags as (n, 28, 28) float32, about 0..1, black outside."""
    frame = place(chance, sway=0.2, move=0.6, size=0.04)
    half = chance.mix((0.8, (9.8, 13.5)), (0.2, (6.5, 9.8)))
    height = np.minimum(chance.between(9, 22), half * chance.between(1.1, 2.3))
    handle = np.where(height < 19, chance.happens(0.85), 0) * np.minimum(chance.between(3, 13), 27 - height)
    upper = 14 - (height + handle) / 2 + handle
    shape = _body(frame, half, upper, height, chance)

    tone = chance.mix((0.22, (0.15, 0.45)), (0.78, (0.45, 0.97)))
    value = cloth(frame, chance, _FABRICS, tone, chance.between(0.1, 0.6))
    value = lit(frame, chance, value, shape, folds=0.05, across=4)
    value = _flap(frame, half, upper, height, value, chance)
    value = _seams(frame, half, upper, height, shape, value, chance)

    belt = _handle(frame, half, upper, handle, chance)
    image: Array = cover(belt) * over((handle > 1).astype(np.float32) * clip(tone * chance.between(0.6, 1.3), 0.12, 1))
    image = paint(image, cover(shape), value)
    return _strap(frame, half, upper, height, image, tone, chance)


def _body(frame: Frame, half: Array, upper: Array, height: Array, chance: Chance) -> Array:
    """Return the signed distance of a box with rounded corners, wider above or below."""
    lower = upper + height
    flare = chance.about(0.02, 0.09)
    width = over(half) + over(flare) * (frame.y - over(lower))
    # The round part differs above and below: a dumpling's back, a bucket's floor.
    down = (frame.y - over(upper)) / over(height)
    most = np.minimum(half, height / 2)
    above, below = most * chance.mix((0.7, (0.05, 0.3)), (0.3, (0.4, 0.95))), most * chance.between(0.05, 0.45)
    corner = over(above) + clip(down, 0, 1) * over(below - above)
    out_x = np.maximum(np.abs(frame.x) - width + corner, 0)
    out_y = np.maximum(np.abs(frame.y - over((upper + lower) / 2)) - over(height / 2) + corner, 0)
    flat = inside(width - np.abs(frame.x), frame.y - over(upper), over(lower) - frame.y)
    return inside(flat, corner - np.sqrt(out_x * out_x + out_y * out_y))


def _handle(frame: Frame, half: Array, upper: Array, handle: Array, chance: Chance) -> Array:
    """Return the signed distance of a handle above the bag: an arch, or a long strap that meets in a point."""
    foot = half * chance.mix((0.6, (0.3, 0.55)), (0.4, (0.7, 0.97)))
    sink = upper + chance.between(0.5, 2)
    # A parabola's control point lies twice as high as its top.
    tall = np.maximum(handle, 1) * chance.between(1.75, 1.95)
    points = arch((-foot, sink), (chance.about(0, 1), upper - tall), (foot, sink), 6)
    width = chance.between(0.45, 1.0)
    return stroke(frame, points, [width] * 7)


def _strap(frame: Frame, half: Array, upper: Array, height: Array, image: Array, tone: Array, chance: Chance) -> Array:
    """Return the image with a shoulder strap that hangs in front of some bags or beside them."""
    left = -half + chance.between(-1, 1.5)
    right = half + chance.between(-1.5, 1)
    start, end = (left, upper + chance.between(0, 2)), (right, upper + chance.between(0, 3))
    sag = (chance.about(0, 1) * half * 0.7, upper + height * chance.between(0.5, 1.7))
    width = chance.between(0.35, 0.7)
    strap = stroke(frame, arch(start, sag, end, 6), [width] * 7)
    shine = clip(tone + chance.mix((0.5, (-0.4, -0.15)), (0.5, (0.1, 0.35))), 0.05, 1)
    return paint(image, cover(strap) * over(chance.happens(0.28)), over(shine))


def _flap(frame: Frame, half: Array, upper: Array, height: Array, value: Array, chance: Chance) -> Array:
    """Return the bag with a flap: its curved or pointed edge, sometimes of another colour."""
    side = np.abs(frame.x) / over(half)
    deep = over(upper + height * chance.between(0.3, 0.7))
    edge = deep - over(height * chance.between(0, 0.35)) * side ** over(chance.between(1, 3))
    other = over(chance.happens(0.35) * chance.between(-0.5, 0.3))
    flap = frame.y - edge
    with_flap = value * (1 + cover(-flap) * other)
    with_flap = with_flap * (1 - over(chance.between(0.15, 0.6)) * line(flap, 0.55))
    shown = over(chance.happens(0.5))
    value = value + shown * (with_flap - value)
    clasp_width, clasp_height = over(chance.between(0.6, 1.8)), over(chance.between(0.6, 1.3))
    clasp = inside(clasp_width - np.abs(frame.x), clasp_height - np.abs(flap))
    return paint(value, cover(clasp) * shown * over(chance.happens(0.6)), over(chance.between(0, 1)))


def _seams(frame: Frame, half: Array, upper: Array, height: Array, shape: Array, value: Array, chance: Chance) -> Array:
    """Return the bag with stitched borders, upright seams, a zip, and a label."""
    value = value * (1 + over(chance.about(-0.05, 0.14)) * line(shape - over(chance.between(0.8, 2)), 0.5))
    at = over(half * chance.between(0.35, 0.7))
    value = value * (1 - over(chance.happens(0.3) * chance.between(0.1, 0.4)) * line(np.abs(frame.x) - at, 0.5))
    zipped = over(chance.happens(0.4) * chance.between(0.1, 0.5))
    value = value * (1 - zipped * line(frame.y - over(upper + chance.between(1, 3.5)), 0.5))
    middle_x, middle_y = half * chance.between(-0.6, 0.6), upper + height * chance.between(0.3, 0.85)
    label = inside(
        over(chance.between(0.6, 2)) - np.abs(frame.x - over(middle_x)), 1 - np.abs(frame.y - over(middle_y))
    )
    return paint(value, cover(label) * over(chance.happens(0.3)), over(chance.between(0, 1)))
