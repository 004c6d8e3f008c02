"""Drawing of garments for the upper body from their measures: T-shirts, pullovers, dresses, coats and shirts.

`top_classes` samples the measures. The classes share this program and many ranges, which makes them hard to separate.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from seamline.synthetic.fashion.fabrics import add_light, fabric_brightness
from seamline.synthetic.fashion.geometry import (
    Curve,
    Frame,
    blend,
    coverage,
    expand,
    intersect,
    line,
    sample_frame,
    smooth_noise,
    stroke,
)
from seamline.synthetic.sampling import Array, BatchSampler, clip


@dataclass
class Top:
    """Measures of n garments, each (n,) float32; lengths in pixels, fractions, tones and strengths in 0..1."""

    tone: Array
    """Brightness of the fabric."""
    contrast: Array
    """Contrast of the pattern."""
    shoulder: Array
    """Half width at the shoulders."""
    chest: Array
    """Half width under the arms."""
    waist: Array
    """Half width at the waist."""
    hem: Array
    """Half width at the hem."""
    waist_position: Array
    """Position of the waist between arm and hem, as a fraction."""
    top_y: Array
    """y of the highest point."""
    hem_y: Array
    """y of the hem."""
    slope: Array
    """Drop of the shoulder from neck to arm."""
    neck: Array
    """Half width of the neckline."""
    depth: Array
    """Depth of the neckline."""
    point: Array
    """0 for a round neckline, 1 for a V-neck."""
    sleeve: Array
    """Length of the sleeves."""
    arm: Array
    """Half width of the sleeves at the shoulder."""
    cuff: Array
    """Half width of the sleeves at the cuff."""
    sleeve_angle: Array
    """Angle of the sleeves from the vertical, in radians."""
    collar: Array
    """Contrast of a collar, 0 for none."""
    hood: Array
    """1 for a hood, else 0."""
    opening: Array
    """Contrast of the front opening, negative for darker, 0 for none."""
    opening_end: Array
    """End of the opening, as a fraction of the length."""
    gap: Array
    """Half width of the gap at the hem of an open garment."""
    buttons: Array
    """Contrast of the buttons, 0 for none."""
    band: Array
    """Contrast of a band at the hem, 0 for none."""
    pockets: Array
    """Contrast of the pockets, 0 for none."""
    belt: Array
    """Contrast of a belt or waist seam, 0 for none."""
    tail: Array
    """Rise of the hem at the sides."""
    pleats: Array
    """Depth of the folds that widen toward the hem."""


def draw_tops(top: Top, rng: BatchSampler, patterns: Mapping[str, float], *, folds: float) -> Array:
    """Draw n garments from their measures.

    Args:
        top: The measures.
        rng: Source of everything else.
        patterns: Weights of the patterns.
        folds: Mean depth of the folds as a fraction of the brightness.

    Returns:
        (n, 28, 28) float32 of about 0..1, 0 outside.
    """
    frame = sample_frame(rng, bend=0.4, shift=0.6, scale=0.04)
    side = np.abs(frame.x)  # the shape is symmetric; the frame makes it slightly irregular
    shape = _torso(top, frame, side)
    sleeves = _sleeves(top, frame, side, rng)
    value = fabric_brightness(frame, rng, patterns, top.tone, top.contrast)
    value = add_light(frame, rng, value, shape, folds=folds)
    value = value * (1 + _pleats(top, frame, rng))
    body = _add_details(top, frame, side, value, rng)

    image = np.zeros_like(body)
    image = blend(image, coverage(_inner_back(top, frame, side)), _inner_back_tone(top, rng))
    image = blend(image, coverage(sleeves) * expand(_has_sleeve(top)), _sleeve_tone(top, value, sleeves, rng))
    image = blend(image, coverage(shape), body)
    image = image * (1 - _armhole(top, shape, sleeves, rng))
    image = _add_collar(top, frame, side, image, rng)
    # The gap of an open garment is black and widens toward the hem.
    gap = expand(top.gap) * clip((frame.y - expand(top.top_y)) / expand(top.hem_y - top.top_y), 0, 1)
    return image * (1 - coverage(gap - side) * (gap > 0.05))


def _has_sleeve(top: Top) -> Array:
    """Return 1 for sleeves longer than a pixel and else 0, (n,) float32."""
    return (top.sleeve > 1).astype(np.float32)


def _torso(top: Top, frame: Frame, side: Array) -> Array:
    """Return the signed distance of the garment without sleeves, (n, 28, 28) float32."""
    armpit = top.top_y + top.slope + 6
    waist_y = armpit + (top.hem_y - armpit) * top.waist_position
    outline = Curve(
        [top.top_y + top.slope, armpit, waist_y, top.hem_y],
        [top.shoulder, top.chest, top.waist, top.hem],
        smoothing=3,
    )
    hem = expand(top.hem_y) - expand(top.tail) * (side / expand(top.hem)) ** 2
    return intersect(-outline.distance(frame.y, side), _neckline(top, top.depth).distance(side, frame.y), hem - frame.y)


def _neckline(top: Top, depth: Array) -> Curve:
    """Return the upper edge, y as a function of the distance from the middle: neckline, then shoulder."""
    fractions = (0.0, 0.4, 0.7, 0.9)
    knots = [fraction * top.neck for fraction in fractions]
    values = [top.top_y + depth * (top.point * (1 - s) + (1 - top.point) * (1 - s * s) ** 0.5) for s in fractions]
    knots += [top.neck, top.shoulder, top.shoulder + 1.5]
    values += [top.top_y, top.top_y + top.slope, top.top_y + top.slope + 1.5]
    return Curve(knots, values, smoothing=0.8)


def _inner_back(top: Top, frame: Frame, side: Array) -> Array:
    """Return the signed distance of the inner back that is visible in the neckline."""
    above = _neckline(top, np.minimum(top.depth * 0.25, 1.0)).distance(side, frame.y)
    return intersect(above, expand(top.neck) - side, expand(top.top_y + top.depth + 1) - frame.y)


def _inner_back_tone(top: Top, rng: BatchSampler) -> Array:
    """Sample the brightness of the inner back, (n, 1, 1) float32: nearly black, or darker than the front."""
    return expand(top.tone * rng.mixture((0.35, (0, 0.1)), (0.65, (0.3, 0.95))))


def _sleeves(top: Top, frame: Frame, side: Array, rng: BatchSampler) -> Array:
    """Return the signed distance of both sleeves."""
    bend = rng.uniform(-0.05, 0.22)  # the forearm is closer to the vertical
    upper_angle, lower_angle = top.sleeve_angle, top.sleeve_angle - bend * clip(top.sleeve / 12, 0, 1)
    half = top.sleeve / 2
    start = (top.shoulder - top.arm * 0.75, top.top_y + top.slope + top.arm * 0.7)
    elbow = (start[0] + half * np.sin(upper_angle), start[1] + half * np.cos(upper_angle))
    end = (elbow[0] + half * np.sin(lower_angle), elbow[1] + half * np.cos(lower_angle))
    middle = (top.arm + top.cuff) / 2
    return stroke(Frame(side, frame.y), [start, elbow, end], [top.arm, middle, top.cuff], flat=True)


def _sleeve_tone(top: Top, value: Array, sleeves: Array, rng: BatchSampler) -> Array:
    """Return the brightness of the sleeves, (n, 28, 28) float32: that of the body with its own light."""
    contrast = rng.normal(0, 0.05) + rng.bernoulli(0.06) * rng.uniform(-0.4, 0.4)
    rim = expand(rng.uniform(-0.12, 0.2)) * clip(1 - sleeves, 0, 1)
    return value * (1 + expand(contrast) + rim)


def _armhole(top: Top, shape: Array, sleeves: Array, rng: BatchSampler) -> Array:
    """Return how much the seam between body and sleeve darkens each pixel, 0..1."""
    seam = line(shape - np.float32(0.3), 0.45) * coverage(sleeves)
    return seam * expand(rng.mixture((0.6, (0.05, 0.3)), (0.4, (0.3, 0.7))) * _has_sleeve(top))


def _pleats(top: Top, frame: Frame, rng: BatchSampler) -> Array:
    """Return the relative brightness of folds that start at the waist and widen toward the hem."""
    fall = clip((frame.y - expand(top.top_y + (top.hem_y - top.top_y) * 0.35)) / 12, 0, 1)
    width = 1 + fall * np.float32(0.4)
    waves = np.sin(frame.x / width * expand(rng.uniform(1.2, 2.4)) + expand(rng.uniform(0, 6.28)))
    return expand(top.pleats) * fall * (waves * np.float32(0.7) + smooth_noise(rng, 2, 9) * np.float32(0.4))


def _add_details(top: Top, frame: Frame, side: Array, value: Array, rng: BatchSampler) -> Array:
    """Add opening, buttons, band, pockets, belt and the trim of the neckline to the body."""
    value = _add_opening(top, frame, value, rng)
    below = expand(top.hem_y) - frame.y
    ribs = 1 + np.float32(0.25) * np.sin(frame.x * np.float32(2.6))
    value = value * (1 + expand(top.band) * coverage(expand(rng.uniform(1.5, 3)) - below) * ribs)
    belt_y = top.top_y + (top.hem_y - top.top_y) * rng.uniform(0.4, 0.52)
    value = value * (1 + expand(top.belt) * line(frame.y - expand(belt_y), rng.uniform(0.4, 1)))
    value = value * (1 + _pockets(top, frame, side, rng))
    neck = -_neckline(top, top.depth).distance(side, frame.y) * (side < expand(top.neck + 0.5))
    trim = rng.mixture((0.5, (-0.05, 0.05)), (0.5, (-0.35, 0.25)))
    return value * (1 + expand(trim) * line(neck + np.float32(0.7), 0.7) * (side < expand(top.neck + 0.8)))


def _add_opening(top: Top, frame: Frame, value: Array, rng: BatchSampler) -> Array:
    """Add the front opening, a placket with two seams or a zipper, and buttons along it."""
    offset = frame.x - expand(rng.normal(0, 0.3))
    start = top.top_y + top.depth * 0.8
    end = top.top_y + (top.hem_y - top.top_y) * top.opening_end
    extent = coverage(frame.y - expand(start)) * coverage(expand(end) - frame.y)
    half = rng.uniform(0.7, 1.3)
    seams = line(np.abs(offset) - expand(half), 0.4)
    zipper = expand(rng.bernoulli(0.45))
    mark = zipper * line(offset, 0.55) + (1 - zipper) * (
        seams * np.float32(0.8) + coverage(expand(half) - np.abs(offset)) * 0.25
    )
    value = value + expand(top.opening) * extent * mark * np.float32(0.6)
    wave = np.cos(frame.y * expand(np.float32(2 * np.pi) / rng.uniform(2.6, 4.6)) + expand(rng.uniform(0, 6.28)))
    dots = clip(wave * 3 - np.float32(1.6), 0, 1) * coverage(np.float32(0.5) - np.abs(offset))
    sign = np.where(top.tone > 0.4, -1, 1).astype(np.float32)
    return value + expand(top.buttons * sign) * extent * dots * np.float32(0.7)


def _pockets(top: Top, frame: Frame, side: Array, rng: BatchSampler) -> Array:
    """Return the relative brightness of the lines of pockets: two on the chest, or two below."""
    low = expand(rng.bernoulli(0.55))
    y = low * expand(top.top_y + (top.hem_y - top.top_y) * 0.68) + (1 - low) * expand(top.top_y + top.slope + 6)
    slope = low * expand(rng.uniform(-0.9, 0.1))
    middle = expand(top.chest * 0.55)
    extent = coverage(expand(rng.uniform(1, 2.2)) - np.abs(side - middle))
    return -expand(top.pockets) * extent * line(frame.y - y - slope * (side - middle), 0.6)


def _add_collar(top: Top, frame: Frame, side: Array, image: Array, rng: BatchSampler) -> Array:
    """Add a turned-down collar, or a hood around the neck."""
    half = Frame(side, frame.y)
    half_width = rng.uniform(0.7, 1.3)
    tip = (top.neck * rng.uniform(0.5, 0.95), top.top_y + rng.uniform(2.2, 4.2))
    wing = stroke(half, [(top.neck * 0.75, top.top_y + 0.6), tip], [half_width, half_width * 0.7])
    collar_tone = expand(clip(top.tone + rng.uniform(-0.12, 0.16), 0, 1))
    present = expand((top.collar > 0.02).astype(np.float32))
    image = blend(image, coverage(wing) * present * expand(clip(top.collar * 3, 0, 1)), collar_tone)
    image = image * (1 - expand(top.collar) * line(wing + np.float32(0.4), 0.5))

    ring = stroke(
        half, [(top.neck * 0, top.top_y + 0.9), (top.neck + 0.6, top.top_y + 2.4)], [half_width, half_width * 1.6]
    )
    ring = np.maximum(
        ring, stroke(half, [(top.neck + 0.6, top.top_y + 2.4), (top.neck * 0, top.top_y + 5)], [half_width] * 2)
    )
    image = blend(image, coverage(ring) * expand(top.hood), expand(top.tone * rng.uniform(0.8, 1.05)))
    return image * (1 - expand(top.hood * rng.uniform(0.2, 0.5)) * line(ring + np.float32(0.2), 0.5))
