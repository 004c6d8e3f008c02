"""Drawing of shoes from the side, pointing left.

Sneakers and ankle boots are one shape with different measures, so high sneakers and low boots overlap. Sandals share
sole and heel and have straps instead of an upper.
"""

from dataclasses import dataclass

import numpy as np

from seamline.synthetic.fashion.fabrics import add_light, fabric_brightness
from seamline.synthetic.fashion.geometry import (
    SIZE,
    Curve,
    Frame,
    Point,
    blend,
    coverage,
    expand,
    intersect,
    line,
    parabola,
    sample_frame,
    stroke,
)
from seamline.synthetic.sampling import Array, BatchSampler, clip

_TOE, _BACK = -13.3, 13.3  # x of the tip and the heel, which fill the width of the image


@dataclass
class Shoe:
    """Measures of n shoes, each (n,) float32; heights in pixels height the ground."""

    ground: Array
    """y of the ground."""
    heel: Array
    """Height of the heel."""
    sole: Array
    """Thickness of the sole."""
    toe_spring: Array
    """Height of the tip of the sole height the ground."""
    toe: Array
    """Height of the toe."""
    vamp: Array
    """Height where the instep begins to rise."""
    throat: Array
    """Height where the throat begins."""
    front: Array
    """Height of the front edge of the opening."""
    front_x: Array
    """x of the front edge of the opening."""
    dip: Array
    """Depth of the dip in the edge of the opening."""
    back: Array
    """Height of the back edge of the opening."""


def draw_sneakers(rng: BatchSampler) -> Array:
    """Draw n sneakers, (n, 28, 28) float32 of about 0..1, 0 outside."""
    high = rng.mixture((0.86, (0, 1)), (0.14, (3, 7)))
    height = rng.uniform(8.3, 11) + high
    shoe = Shoe(
        ground=14 + height / 2 + rng.normal(0.3, 0.4),
        heel=rng.mixture((0.9, (0, 0.4)), (0.1, (0.4, 1.5))),
        sole=rng.uniform(1.2, 2.9),
        toe_spring=rng.uniform(0, 1.3),
        toe=rng.uniform(2.9, 4.4),
        vamp=rng.uniform(4.4, 5.9),
        throat=np.minimum(rng.uniform(6.6, 8.6) + high * 0.2, height - 0.5),
        front=height,
        front_x=rng.uniform(1.5, 4.5) - high * 0.3,
        dip=rng.uniform(0.6, 2.2) * (1 - 0.6 * (high > 2).astype(np.float32)),
        back=height - rng.uniform(0, 1.6) + high * 0.1,
    )
    return _draw_closed(shoe, rng, laces=0.8, stripes=0.6, light_sole=0.6)


def draw_ankle_boots(rng: BatchSampler) -> Array:
    """Draw n ankle boots, (n, 28, 28) float32 of about 0..1, 0 outside."""
    heel = rng.mixture((0.45, (0, 1)), (0.4, (1, 3.5)), (0.15, (3.5, 7)))
    height = rng.mixture((0.14, (10.5, 14.5)), (0.48, (14.5, 20)), (0.38, (20, 26))) + heel * 0.15
    height = np.minimum(height, 26.5)
    shoe = Shoe(
        ground=np.minimum(14 + height / 2 + rng.normal(0, 0.4), 27.6),
        heel=np.minimum(heel, height * 0.28),
        sole=rng.uniform(0.8, 2.2),
        toe_spring=rng.uniform(0, 0.9),
        toe=rng.uniform(3, 4.8),
        vamp=rng.uniform(4.8, 6.4),
        throat=np.minimum(rng.uniform(6.8, 9.5) + height * 0.05, height - 2),
        front=height - rng.uniform(0, 1.5),
        front_x=rng.uniform(-0.5, 3.5),
        dip=rng.uniform(-0.5, 1.3),
        back=height - rng.uniform(0, 1),
    )
    return _draw_closed(shoe, rng, laces=0.4, stripes=0.08, light_sole=0.15)


def draw_sandals(rng: BatchSampler) -> Array:
    """Draw n sandals, (n, 28, 28) float32 of about 0..1, 0 outside."""
    zeros = np.zeros(rng.count, dtype=np.float32)
    heel = rng.mixture((0.55, (0, 1.5)), (0.17, (1.5, 5)), (0.28, (5, 11)))
    rise = rng.mixture((0.55, (3.5, 6.5)), (0.45, (6.5, 11))) + heel * 0.15
    height = np.minimum(heel + rise, 26)
    shoe = Shoe(
        ground=np.minimum(14 + height / 2, 27.3) + rng.normal(0, 0.4),
        heel=heel,
        sole=rng.mixture((0.7, (0.45, 0.95)), (0.3, (0.95, 1.7))),
        toe_spring=rng.uniform(0, 1),
        toe=zeros,
        vamp=zeros,
        throat=zeros,
        front=rise,
        front_x=rng.uniform(3, 8),
        dip=zeros,
        back=rise - rng.uniform(0, 2),
    )
    frame = sample_frame(rng, rotation=0.03, shift=0.5, scale=0.03)
    bottom = _bottom(shoe)
    tone = rng.mixture((0.22, (0.2, 0.5)), (0.78, (0.5, 0.97)))
    thickness = expand(shoe.sole) - np.abs(frame.y - bottom.evaluate(frame.x) + expand(shoe.sole))
    sole = intersect(thickness, frame.x - np.float32(_TOE), np.float32(_BACK) - frame.x)
    value = expand(clip(tone * rng.uniform(0.55, 1.2), 0.1, 1))
    image: Array = coverage(_heel(shoe, frame, bottom, rng)) * value * expand(rng.uniform(0.7, 1.1))
    image = blend(image, coverage(sole), value)
    return _add_straps(shoe, frame, bottom, image, tone, rng)


def _bottom(shoe: Shoe) -> Curve:
    """Return the lower edge of the sole, y as a function of x."""
    knots = [np.full_like(shoe.ground, x) for x in (_TOE, -9.5, -4.5, 0.5, 5.5, 9.5)]
    heights = [shoe.toe_spring, shoe.heel * 0, shoe.heel * 0, shoe.heel * 0.4, shoe.heel * 0.85, shoe.heel]
    return Curve(knots, [shoe.ground - height for height in heights], smoothing=3)


def _heel(shoe: Shoe, frame: Frame, bottom: Curve, rng: BatchSampler) -> Array:
    """Return the signed distance of the heel between sole and ground: a block, a stiletto or a wedge."""
    # Only high heels are thin; wedges extend to the ball of the foot.
    thin = (shoe.heel > 3.5) * rng.bernoulli(0.7)
    front = thin * rng.uniform(9.5, 11.5) + (1 - thin) * rng.mixture((0.7, (3.5, 8)), (0.3, (-6, 0)))
    taper = expand(rng.uniform(0, 0.3)) * (expand(shoe.ground) - frame.y)
    sides = intersect(frame.x - expand(front) + taper, np.float32(_BACK) - expand(rng.uniform(0, 0.8)) - frame.x)
    present = np.where(shoe.heel > 0.4, np.float32(0), np.float32(-9))
    return intersect(sides, expand(shoe.ground) - frame.y, frame.y - bottom.evaluate(frame.x) + 1) + expand(present)


def _draw_closed(shoe: Shoe, rng: BatchSampler, *, laces: float, stripes: float, light_sole: float) -> Array:
    """Draw n shoes with an upper, (n, 28, 28) float32; laces, stripes and light soles have these probabilities."""
    frame = sample_frame(rng, rotation=0.03, shift=0.5, bend=0.15, scale=0.03)
    bottom = _bottom(shoe)
    upper, rim = _upper(shoe, frame, bottom, rng)
    tone = rng.mixture((0.22, (0.18, 0.45)), (0.78, (0.45, 0.97)))
    patterns = {"plain": 0.62, "heather": 0.2, "patches": 0.08, "flowers": 0.05, "checks": 0.05}
    value = fabric_brightness(frame, rng, patterns, tone, rng.uniform(0.1, 0.55))
    value = add_light(frame, rng, value, upper, folds=0.1, columns=6)
    value = _add_panels(shoe, frame, bottom, value, rng, stripes)
    value = _add_laces(shoe, frame, value, rim, rng, laces)

    gradient = np.abs(rng.normal(0, 0.03))  # the sole gets lighter toward the heel
    is_light = rng.bernoulli(light_sole)
    sole_tone = clip(is_light * rng.uniform(0.75, 1) + (1 - is_light) * tone * rng.uniform(0.15, 1.1), 0.03, 1)
    image: Array = coverage(_heel(shoe, frame, bottom, rng)) * expand(sole_tone * rng.uniform(0.6, 1))
    image = blend(image, coverage(upper), value)
    height = bottom.evaluate(frame.x) - frame.y
    band = intersect(height, expand(shoe.sole) - height, upper + np.float32(0.4))
    seam = line(height - expand(shoe.sole), 0.45) * coverage(upper)
    image = blend(image, coverage(band), expand(sole_tone) * (1 + expand(gradient) * frame.x / 5))
    return image * (1 - seam * expand(rng.uniform(0, 0.5)))


def _upper(shoe: Shoe, frame: Frame, bottom: Curve, rng: BatchSampler) -> tuple[Array, Array]:
    """Return the signed distance of sole and upper, and the distance below the upper edge."""
    foot = shoe.ground - shoe.heel * 0.3  # the heel raises the instep as well
    knots = [np.full_like(foot, _TOE - 0.2), np.full_like(foot, _TOE + 1.2), rng.uniform(-9, -7.5)]
    knots += [shoe.front_x - rng.uniform(4, 6), shoe.front_x - rng.uniform(0.8, 1.8), shoe.front_x]
    heights = [
        shoe.toe * 0.45,
        shoe.toe,
        shoe.vamp,
        shoe.throat,
        np.maximum(shoe.front * 0.94, shoe.throat),
        shoe.front,
    ]
    values = [shoe.ground - shoe.toe_spring - heights[0], shoe.ground - shoe.toe_spring * 0.5 - heights[1]]
    values += [foot - height for height in heights[2:5]] + [shoe.ground - shoe.front]
    knots += [(shoe.front_x + 13) / 2, np.full_like(foot, 11.8), np.full_like(foot, _BACK)]
    values += [shoe.ground - np.minimum(shoe.front, shoe.back) + shoe.dip]
    values += [shoe.ground - shoe.back, shoe.ground - shoe.back + 0.8]
    edge = Curve(knots, values, smoothing=1.2)
    rim = edge.distance(frame.x, frame.y)
    # The back follows the foot: it bulges at the heel and narrows above the ankle.
    narrowing = rng.uniform(0, 0.12)
    above_heel = np.maximum(shoe.back - 6, 0)
    back = Curve(
        [shoe.ground - shoe.back, shoe.ground - shoe.back * 0.55, shoe.ground - 3, shoe.ground],
        [
            _BACK - above_heel * narrowing * 0.6,
            _BACK - 0.3 - above_heel * narrowing,
            np.full_like(foot, _BACK),
            _BACK - rng.uniform(0, 1),
        ],
        smoothing=3,
    )
    shape = intersect(
        rim, bottom.evaluate(frame.x) - frame.y, -back.distance(frame.y, frame.x), frame.x - np.float32(_TOE)
    )
    return shape, rim


def _add_panels(shoe: Shoe, frame: Frame, bottom: Curve, value: Array, rng: BatchSampler, stripes: float) -> Array:
    """Add toe cap, heel counter, side stripe and elastic inset to some uppers."""
    height = bottom.evaluate(frame.x) - frame.y
    cap = frame.x - expand(rng.uniform(-9.5, -6)) + (height - 3) * expand(rng.uniform(-0.2, 0.8))
    value = value * (1 + expand(rng.bernoulli(0.45) * rng.normal(0, 0.25)) * coverage(-cap))
    value = value * (1 - expand(rng.bernoulli(0.5) * rng.uniform(0.1, 0.45)) * line(cap, 0.5))
    counter = frame.x - expand(rng.uniform(7, 10)) - (height - 5) * expand(rng.uniform(-0.4, 0.4))
    value = value * (1 + expand(rng.bernoulli(0.5) * rng.normal(0, 0.25)) * coverage(counter))
    value = value * (1 - expand(rng.bernoulli(0.4) * rng.uniform(0.1, 0.4)) * line(counter, 0.5))

    low_y = shoe.ground - shoe.sole - 1
    low_x, high_y = rng.uniform(-3, 5), shoe.ground - shoe.throat + rng.uniform(0, 2)
    stripe = stroke(
        frame,
        parabola((low_x + rng.uniform(-2, 5), high_y), (low_x, low_y), (low_x + 5, low_y - 2), 3),
        [rng.uniform(0.3, 0.8)] * 4,
    )
    contrast = expand(rng.bernoulli(stripes) * rng.mixture((0.5, (-0.6, -0.2)), (0.5, (0.2, 0.5))))
    value = value + contrast * coverage(stripe)

    inset = expand(rng.uniform(1, 2.4)) - np.abs(frame.x - expand(shoe.front_x + rng.uniform(3, 5)))
    elastic = (
        coverage(inset) * coverage(height - expand(rng.uniform(5, 8))) * expand((shoe.front > 12).astype(np.float32))
    )
    return value * (1 - elastic * expand(rng.bernoulli(0.35) * rng.uniform(0.15, 0.6)))


def _add_laces(shoe: Shoe, frame: Frame, value: Array, rim: Array, rng: BatchSampler, probability: float) -> Array:
    """Add laces below the front edge to some uppers, and the shade of the opening to all."""
    front = expand(shoe.front_x)
    depth = expand(rng.uniform(1, 2.2))
    extent = coverage(front + np.float32(0.8) - frame.x) * coverage(frame.x - front + expand(rng.uniform(5, 8)))
    wave = np.sin((frame.x - frame.y) * expand(rng.uniform(1.6, 2.6)) + expand(rng.uniform(0, 6.28)))
    contrast = expand(rng.bernoulli(probability) * rng.uniform(-0.45, 0.45))
    value = value + contrast * extent * coverage(depth - rim) * clip(wave * 2, -0.3, 1)
    opening = coverage(frame.x - front) * coverage(expand(rng.uniform(0.8, 1.6)) - rim)
    return value * (1 + opening * expand(rng.normal(-0.25, 0.25)))


def _add_straps(shoe: Shoe, frame: Frame, bottom: Curve, image: Array, tone: Array, rng: BatchSampler) -> Array:
    """Add straps over the toes, over the instep and around the ankle, each to some sandals."""
    tones = [clip(tone + rng.normal(0, 0.13), 0.12, 1) for _ in range(5)]
    sole_y = shoe.ground - shoe.sole * 1.5
    heel_y = sole_y - shoe.heel
    ankle_y = shoe.ground - shoe.heel - shoe.front

    toe = rng.uniform(-11, -7.5)
    span = rng.uniform(3, 8)
    control: Point = (toe + span * rng.uniform(0.3, 1.1), sole_y - rng.uniform(4, 10))
    first = stroke(frame, parabola((toe, sole_y), control, (toe + span, sole_y), 4), [rng.uniform(0.45, 1.7)] * 5)

    middle = rng.uniform(-8, -2)
    knot: Point = (rng.uniform(-1, 4), (sole_y + ankle_y) / 2 + rng.uniform(-2, 1))
    second = stroke(frame, [(middle, sole_y), knot, (shoe.front_x, ankle_y + 1)], [rng.uniform(0.35, 1.1)] * 3)

    back = toe * 0 + (_BACK - 1.5)
    control = (rng.uniform(12, 16), (heel_y + ankle_y) / 2)
    third = stroke(
        frame, parabola((back, heel_y), control, (shoe.front_x + 3, ankle_y), 4), [rng.uniform(0.4, 1.3)] * 5
    )

    ankle: list[Point] = [
        (shoe.front_x - 1.5, ankle_y + rng.uniform(0, 1.5)),
        (back + 0.3, ankle_y + rng.uniform(-0.5, 1)),
    ]
    fourth = stroke(frame, ankle, [rng.uniform(0.4, 1.0)] * 2)

    cross = rng.uniform(0, 6)
    fifth = stroke(
        frame,
        [(cross - rng.uniform(3, 7), knot[1] - 0.5), (cross + 3, sole_y - shoe.heel * 0.7)],
        [rng.uniform(0.35, 1.4)] * 2,
    )
    probabilities = (0.9, 0.55, 0.6, 0.6, 0.45)
    # Flat sandals are often slides or thongs, without a strap around the heel.
    slide = rng.bernoulli(0.3) * (shoe.heel < 3)
    straps = (first, second, third, fourth, fifth)
    for index, (strap, strap_tone, probability) in enumerate(zip(straps, tones, probabilities, strict=True)):
        present = rng.bernoulli(probability) * (1 - slide if index in (2, 3) else 1)
        noise = 1 + rng.standard_normal(SIZE, SIZE) * np.float32(0.08)
        image = blend(image, coverage(strap) * expand(present), expand(strap_tone) * noise)
    return image
