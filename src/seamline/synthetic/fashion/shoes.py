"""How shoes are drawn: seen from the side, pointing left.

Sneakers and ankle boots are one shape with other measures, so that high sneakers and low boots meet; sandals share
their sole and heel and have straps in place of an upper.
"""

from dataclasses import dataclass

import numpy as np

from seamline.synthetic.fashion.canvas import (
    SIZE,
    Curve,
    Frame,
    Point,
    arch,
    cover,
    inside,
    line,
    over,
    paint,
    place,
    stroke,
)
from seamline.synthetic.fashion.chance import Array, Chance, clip
from seamline.synthetic.fashion.fabrics import cloth, lit

_TOE, _BACK = -13.3, 13.3  # shoes fill the image from side to side


@dataclass
class Shoe:
    """The measures of n shoes, each field (n,) float32; heights are in pixels above the ground."""

    ground: Array
    """y of the ground"""
    heel: Array
    """how high the heel lifts the foot"""
    sole: Array
    """thickness of the sole"""
    spring: Array
    """how high the toe lifts off the ground"""
    toe: Array
    """height of the toe"""
    vamp: Array
    """height where the foot's back begins to rise"""
    throat: Array
    """height where the opening for the foot begins"""
    front: Array
    """height of the opening's front edge"""
    front_at: Array
    """x of the opening's front edge"""
    dip: Array
    """how far the opening's edge lies lower in its middle"""
    back: Array
    """height of the opening's back edge"""


def sneakers(chance: Chance) -> Array:
    """Return sneakers as (n, 28, 28) float32, about 0..1, black outside."""
    high = chance.mix((0.86, (0, 1)), (0.14, (3, 7)))
    height = chance.between(8.3, 11) + high
    shoe = Shoe(
        ground=14 + height / 2 + chance.about(0.3, 0.4),
        heel=chance.mix((0.9, (0, 0.4)), (0.1, (0.4, 1.5))),
        sole=chance.between(1.2, 2.9),
        spring=chance.between(0, 1.3),
        toe=chance.between(2.9, 4.4),
        vamp=chance.between(4.4, 5.9),
        throat=np.minimum(chance.between(6.6, 8.6) + high * 0.2, height - 0.5),
        front=height,
        front_at=chance.between(1.5, 4.5) - high * 0.3,
        dip=chance.between(0.6, 2.2) * (1 - 0.6 * (high > 2).astype(np.float32)),
        back=height - chance.between(0, 1.6) + high * 0.1,
    )
    return _closed(shoe, chance, laced=0.8, stripes=0.6, pale_sole=0.6)


def ankle_boots(chance: Chance) -> Array:
    """Return ankle boots as (n, 28, 28) float32, about 0..1, black outside."""
    heel = chance.mix((0.45, (0, 1)), (0.4, (1, 3.5)), (0.15, (3.5, 7)))
    height = chance.mix((0.14, (10.5, 14.5)), (0.48, (14.5, 20)), (0.38, (20, 26))) + heel * 0.15
    height = np.minimum(height, 26.5)
    shoe = Shoe(
        ground=np.minimum(14 + height / 2 + chance.about(0, 0.4), 27.6),
        heel=np.minimum(heel, height * 0.28),
        sole=chance.between(0.8, 2.2),
        spring=chance.between(0, 0.9),
        toe=chance.between(3, 4.8),
        vamp=chance.between(4.8, 6.4),
        throat=np.minimum(chance.between(6.8, 9.5) + height * 0.05, height - 2),
        front=height - chance.between(0, 1.5),
        front_at=chance.between(-0.5, 3.5),
        dip=chance.between(-0.5, 1.3),
        back=height - chance.between(0, 1),
    )
    return _closed(shoe, chance, laced=0.4, stripes=0.08, pale_sole=0.15)


def sandals(chance: Chance) -> Array:
    """Return sandals as (n, 28, 28) float32, about 0..1, black outside."""
    none = np.zeros(chance.count, dtype=np.float32)
    heel = chance.mix((0.55, (0, 1.5)), (0.17, (1.5, 5)), (0.28, (5, 11)))
    rise = chance.mix((0.55, (3.5, 6.5)), (0.45, (6.5, 11))) + heel * 0.15
    height = np.minimum(heel + rise, 26)
    shoe = Shoe(
        ground=np.minimum(14 + height / 2, 27.3) + chance.about(0, 0.4),
        heel=heel,
        sole=chance.mix((0.7, (0.45, 0.95)), (0.3, (0.95, 1.7))),
        spring=chance.between(0, 1),
        toe=none,
        vamp=none,
        throat=none,
        front=rise,
        front_at=chance.between(3, 8),
        dip=none,
        back=rise - chance.between(0, 2),
    )
    frame = place(chance, turn=0.03, move=0.5, size=0.03)
    floor = _floor(shoe)
    tone = chance.mix((0.22, (0.2, 0.5)), (0.78, (0.5, 0.97)))
    thick = over(shoe.sole) - np.abs(frame.y - floor.at(frame.x) + over(shoe.sole))
    sole = inside(thick, frame.x - np.float32(_TOE), np.float32(_BACK) - frame.x)
    value = over(clip(tone * chance.between(0.55, 1.2), 0.1, 1))
    image: Array = cover(_heel(shoe, frame, floor, chance)) * value * over(chance.between(0.7, 1.1))
    image = paint(image, cover(sole), value)
    return _straps(shoe, frame, floor, image, tone, chance)


def _floor(shoe: Shoe) -> Curve:
    """Return the lower edge of the sole, as y by x: the toe lifts a little, a heel lifts the back."""
    at = [np.full_like(shoe.ground, x) for x in (_TOE, -9.5, -4.5, 0.5, 5.5, 9.5)]
    lift = [shoe.spring, shoe.heel * 0, shoe.heel * 0, shoe.heel * 0.4, shoe.heel * 0.85, shoe.heel]
    return Curve(at, [shoe.ground - up for up in lift], soft=3)


def _heel(shoe: Shoe, frame: Frame, floor: Curve, chance: Chance) -> Array:
    """Return the signed distance of the heel between sole and ground: a block, a thin one, or a wedge."""
    # Thin heels only where they are high; wedges reach to the ball of the foot.
    thin = (shoe.heel > 3.5) * chance.happens(0.7)
    front = thin * chance.between(9.5, 11.5) + (1 - thin) * chance.mix((0.7, (3.5, 8)), (0.3, (-6, 0)))
    lean = over(chance.between(0, 0.3)) * (over(shoe.ground) - frame.y)
    sides = inside(frame.x - over(front) + lean, np.float32(_BACK) - over(chance.between(0, 0.8)) - frame.x)
    present = np.where(shoe.heel > 0.4, np.float32(0), np.float32(-9))
    return inside(sides, over(shoe.ground) - frame.y, frame.y - floor.at(frame.x) + 1) + over(present)


def _closed(shoe: Shoe, chance: Chance, *, laced: float, stripes: float, pale_sole: float) -> Array:
    """Return shoes with an upper, (n, 28, 28) float32."""
    frame = place(chance, turn=0.03, move=0.5, sway=0.15, size=0.03)
    floor = _floor(shoe)
    upper, rim = _upper(shoe, frame, floor, chance)
    tone = chance.mix((0.22, (0.18, 0.45)), (0.78, (0.45, 0.97)))
    fabrics = {"plain": 0.62, "heather": 0.2, "patches": 0.08, "flowers": 0.05, "checks": 0.05}
    value = cloth(frame, chance, fabrics, tone, chance.between(0.1, 0.55))
    value = lit(frame, chance, value, upper, folds=0.1, across=6)
    value = _panels(shoe, frame, floor, value, chance, stripes)
    value = _laces(shoe, frame, value, rim, chance, laced)

    fall = np.abs(chance.about(0, 0.03))  # how much lighter the sole gets towards the heel
    pale = chance.happens(pale_sole)
    ground = clip(pale * chance.between(0.75, 1) + (1 - pale) * tone * chance.between(0.15, 1.1), 0.03, 1)
    image: Array = cover(_heel(shoe, frame, floor, chance)) * over(ground * chance.between(0.6, 1))
    image = paint(image, cover(upper), value)
    above = floor.at(frame.x) - frame.y
    band = inside(above, over(shoe.sole) - above, upper + np.float32(0.4))
    seam = line(above - over(shoe.sole), 0.45) * cover(upper)
    image = paint(image, cover(band), over(ground) * (1 + over(fall) * frame.x / 5))
    return image * (1 - seam * over(chance.between(0, 0.5)))


def _upper(shoe: Shoe, frame: Frame, floor: Curve, chance: Chance) -> tuple[Array, Array]:
    """Return the signed distance of sole and upper together, and the distance below the upper edge."""
    foot = shoe.ground - shoe.heel * 0.3  # a heel lifts the instep as well
    along = [np.full_like(foot, _TOE - 0.2), np.full_like(foot, _TOE + 1.2), chance.between(-9, -7.5)]
    along += [shoe.front_at - chance.between(4, 6), shoe.front_at - chance.between(0.8, 1.8), shoe.front_at]
    heights = [
        shoe.toe * 0.45,
        shoe.toe,
        shoe.vamp,
        shoe.throat,
        np.maximum(shoe.front * 0.94, shoe.throat),
        shoe.front,
    ]
    across = [shoe.ground - shoe.spring - heights[0], shoe.ground - shoe.spring * 0.5 - heights[1]]
    across += [foot - height for height in heights[2:5]] + [shoe.ground - shoe.front]
    along += [(shoe.front_at + 13) / 2, np.full_like(foot, 11.8), np.full_like(foot, _BACK)]
    across += [shoe.ground - np.minimum(shoe.front, shoe.back) + shoe.dip]
    across += [shoe.ground - shoe.back, shoe.ground - shoe.back + 0.8]
    edge = Curve(along, across, soft=1.2)
    rim = edge.beyond(frame.x, frame.y)
    # The back follows the heel: out at its bulge, in above the ankle.
    slim = chance.between(0, 0.12)
    high = np.maximum(shoe.back - 6, 0)
    back = Curve(
        [shoe.ground - shoe.back, shoe.ground - shoe.back * 0.55, shoe.ground - 3, shoe.ground],
        [_BACK - high * slim * 0.6, _BACK - 0.3 - high * slim, np.full_like(foot, _BACK), _BACK - chance.between(0, 1)],
        soft=3,
    )
    shape = inside(rim, floor.at(frame.x) - frame.y, -back.beyond(frame.y, frame.x), frame.x - np.float32(_TOE))
    return shape, rim


def _panels(shoe: Shoe, frame: Frame, floor: Curve, value: Array, chance: Chance, stripes: float) -> Array:
    """Return the upper with a toe cap, a heel counter, side stripes, an elastic inset or a zip."""
    above = floor.at(frame.x) - frame.y
    cap = frame.x - over(chance.between(-9.5, -6)) + (above - 3) * over(chance.between(-0.2, 0.8))
    value = value * (1 + over(chance.happens(0.45) * chance.about(0, 0.25)) * cover(-cap))
    value = value * (1 - over(chance.happens(0.5) * chance.between(0.1, 0.45)) * line(cap, 0.5))
    counter = frame.x - over(chance.between(7, 10)) - (above - 5) * over(chance.between(-0.4, 0.4))
    value = value * (1 + over(chance.happens(0.5) * chance.about(0, 0.25)) * cover(counter))
    value = value * (1 - over(chance.happens(0.4) * chance.between(0.1, 0.4)) * line(counter, 0.5))

    low = shoe.ground - shoe.sole - 1
    foot, head = chance.between(-3, 5), shoe.ground - shoe.throat + chance.between(0, 2)
    swoosh = stroke(
        frame,
        arch((foot + chance.between(-2, 5), head), (foot, low), (foot + 5, low - 2), 3),
        [chance.between(0.3, 0.8)] * 4,
    )
    mark = over(chance.happens(stripes) * chance.mix((0.5, (-0.6, -0.2)), (0.5, (0.2, 0.5))))
    value = value + mark * cover(swoosh)

    inset = over(chance.between(1, 2.4)) - np.abs(frame.x - over(shoe.front_at + chance.between(3, 5)))
    shaft = cover(inset) * cover(above - over(chance.between(5, 8))) * over((shoe.front > 12).astype(np.float32))
    return value * (1 - shaft * over(chance.happens(0.35) * chance.between(0.15, 0.6)))


def _laces(shoe: Shoe, frame: Frame, value: Array, rim: Array, chance: Chance, laced: float) -> Array:
    """Return the upper with laces below its front edge, and the shade of the opening."""
    front = over(shoe.front_at)
    depth = over(chance.between(1, 2.2))
    reach = cover(front + np.float32(0.8) - frame.x) * cover(frame.x - front + over(chance.between(5, 8)))
    beat = np.sin((frame.x - frame.y) * over(chance.between(1.6, 2.6)) + over(chance.between(0, 6.28)))
    mark = over(chance.happens(laced) * chance.between(-0.45, 0.45))
    value = value + mark * reach * cover(depth - rim) * clip(beat * 2, -0.3, 1)
    opening = cover(frame.x - front) * cover(over(chance.between(0.8, 1.6)) - rim)
    return value * (1 + opening * over(chance.about(-0.25, 0.25)))


def _straps(shoe: Shoe, frame: Frame, floor: Curve, image: Array, tone: Array, chance: Chance) -> Array:
    """Return the image with straps over the toes, over the instep and around the ankle, each on some sandals."""
    tones = [clip(tone + chance.about(0, 0.13), 0.12, 1) for _ in range(5)]
    lifted = shoe.ground - shoe.sole * 1.5
    heel_y = lifted - shoe.heel
    ankle_y = shoe.ground - shoe.heel - shoe.front

    toe = chance.between(-11, -7.5)
    span = chance.between(3, 8)
    bow = (toe + span * chance.between(0.3, 1.1), lifted - chance.between(4, 10))
    first = stroke(frame, arch((toe, lifted), bow, (toe + span, lifted), 4), [chance.between(0.45, 1.7)] * 5)

    middle = chance.between(-8, -2)
    knot: Point = (chance.between(-1, 4), (lifted + ankle_y) / 2 + chance.between(-2, 1))
    second = stroke(frame, [(middle, lifted), knot, (shoe.front_at, ankle_y + 1)], [chance.between(0.35, 1.1)] * 3)

    back = toe * 0 + (_BACK - 1.5)
    sling = (chance.between(12, 16), (heel_y + ankle_y) / 2)
    third = stroke(frame, arch((back, heel_y), sling, (shoe.front_at + 3, ankle_y), 4), [chance.between(0.4, 1.3)] * 5)

    ankle: list[Point] = [
        (shoe.front_at - 1.5, ankle_y + chance.between(0, 1.5)),
        (back + 0.3, ankle_y + chance.between(-0.5, 1)),
    ]
    fourth = stroke(frame, ankle, [chance.between(0.4, 1.0)] * 2)

    cross = chance.between(0, 6)
    fifth = stroke(
        frame,
        [(cross - chance.between(3, 7), knot[1] - 0.5), (cross + 3, lifted - shoe.heel * 0.7)],
        [chance.between(0.35, 1.4)] * 2,
    )
    shares = (0.9, 0.55, 0.6, 0.6, 0.45)
    # Flat sandals are often mere slides or thongs: without anything around the heel.
    slide = chance.happens(0.3) * (shoe.heel < 3)
    for number, (strap, shade, share) in enumerate(
        zip((first, second, third, fourth, fifth), tones, shares, strict=True)
    ):
        shown = chance.happens(share) * (1 - slide if number in (2, 3) else 1)
        grain = 1 + chance.grain(SIZE, SIZE) * np.float32(0.08)
        image = paint(image, cover(strap) * over(shown), over(shade) * grain)
    return image
