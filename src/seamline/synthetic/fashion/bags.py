"""Drawing of bags."""

import numpy as np

from seamline.synthetic.fashion.fabrics import add_light, fabric_brightness
from seamline.synthetic.fashion.geometry import (
    Frame,
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

_PATTERN_WEIGHTS = {
    "plain": 0.6,
    "heather": 0.1,
    "checks": 0.08,
    "flowers": 0.07,
    "stripes": 0.04,
    "knit": 0.06,
    "dots": 0.05,
}


def draw_bags(rng: BatchSampler) -> Array:
    """Draw n bags, (n, 28, 28) float32 of about 0..1, 0 outside."""
    frame = sample_frame(rng, bend=0.2, shift=0.6, scale=0.04)
    half = rng.mixture((0.8, (9.8, 13.5)), (0.2, (6.5, 9.8)))
    height = np.minimum(rng.uniform(9, 22), half * rng.uniform(1.1, 2.3))
    handle = np.where(height < 19, rng.bernoulli(0.85), 0) * np.minimum(rng.uniform(3, 13), 27 - height)
    top = 14 - (height + handle) / 2 + handle
    shape = _body(frame, half, top, height, rng)

    tone = rng.mixture((0.22, (0.15, 0.45)), (0.78, (0.45, 0.97)))
    value = fabric_brightness(frame, rng, _PATTERN_WEIGHTS, tone, rng.uniform(0.1, 0.6))
    value = add_light(frame, rng, value, shape, folds=0.05, columns=4)
    value = _add_flap(frame, half, top, height, value, rng)
    value = _add_seams(frame, half, top, height, shape, value, rng)

    handle_shape = _handle(frame, half, top, handle, rng)
    handle_tone = (handle > 1).astype(np.float32) * clip(tone * rng.uniform(0.6, 1.3), 0.12, 1)
    image: Array = coverage(handle_shape) * expand(handle_tone)
    image = blend(image, coverage(shape), value)
    return _add_strap(frame, half, top, height, image, tone, rng)


def _body(frame: Frame, half: Array, top: Array, height: Array, rng: BatchSampler) -> Array:
    """Return the signed distance of a box with rounded corners, tapered up or down."""
    bottom = top + height
    flare = rng.normal(0.02, 0.09)
    width = expand(half) + expand(flare) * (frame.y - expand(bottom))
    # The corner radius differs between top and bottom.
    position = (frame.y - expand(top)) / expand(height)
    max_radius = np.minimum(half, height / 2)
    top_radius = max_radius * rng.mixture((0.7, (0.05, 0.3)), (0.3, (0.4, 0.95)))
    bottom_radius = max_radius * rng.uniform(0.05, 0.45)
    radius = expand(top_radius) + clip(position, 0, 1) * expand(bottom_radius - top_radius)
    dx = np.maximum(np.abs(frame.x) - width + radius, 0)
    dy = np.maximum(np.abs(frame.y - expand((top + bottom) / 2)) - expand(height / 2) + radius, 0)
    box = intersect(width - np.abs(frame.x), frame.y - expand(top), expand(bottom) - frame.y)
    return intersect(box, radius - np.sqrt(dx * dx + dy * dy))


def _handle(frame: Frame, half: Array, top: Array, handle: Array, rng: BatchSampler) -> Array:
    """Return the signed distance of a handle above the bag: an arch or a long strap."""
    foot_x = half * rng.mixture((0.6, (0.3, 0.55)), (0.4, (0.7, 0.97)))
    foot_y = top + rng.uniform(0.5, 2)
    # The control point of a parabola is twice as high as its vertex.
    control_height = np.maximum(handle, 1) * rng.uniform(1.75, 1.95)
    points = parabola((-foot_x, foot_y), (rng.normal(0, 1), top - control_height), (foot_x, foot_y), 6)
    half_width = rng.uniform(0.45, 1.0)
    return stroke(frame, points, [half_width] * 7)


def _add_strap(
    frame: Frame, half: Array, top: Array, height: Array, image: Array, tone: Array, rng: BatchSampler
) -> Array:
    """Add a shoulder strap to some bags, in front of them or beside them."""
    left = -half + rng.uniform(-1, 1.5)
    right = half + rng.uniform(-1.5, 1)
    start, end = (left, top + rng.uniform(0, 2)), (right, top + rng.uniform(0, 3))
    control = (rng.normal(0, 1) * half * 0.7, top + height * rng.uniform(0.5, 1.7))
    half_width = rng.uniform(0.35, 0.7)
    strap = stroke(frame, parabola(start, control, end, 6), [half_width] * 7)
    strap_tone = clip(tone + rng.mixture((0.5, (-0.4, -0.15)), (0.5, (0.1, 0.35))), 0.05, 1)
    return blend(image, coverage(strap) * expand(rng.bernoulli(0.28)), expand(strap_tone))


def _add_flap(frame: Frame, half: Array, top: Array, height: Array, value: Array, rng: BatchSampler) -> Array:
    """Add a flap with a curved or pointed edge, sometimes of another tone, and a clasp."""
    side = np.abs(frame.x) / expand(half)
    depth = expand(top + height * rng.uniform(0.3, 0.7))
    edge = depth - expand(height * rng.uniform(0, 0.35)) * side ** expand(rng.uniform(1, 3))
    tone = expand(rng.bernoulli(0.35) * rng.uniform(-0.5, 0.3))
    flap = frame.y - edge
    with_flap = value * (1 + coverage(-flap) * tone)
    with_flap = with_flap * (1 - expand(rng.uniform(0.15, 0.6)) * line(flap, 0.55))
    present = expand(rng.bernoulli(0.5))
    value = value + present * (with_flap - value)
    clasp_width, clasp_height = expand(rng.uniform(0.6, 1.8)), expand(rng.uniform(0.6, 1.3))
    clasp = intersect(clasp_width - np.abs(frame.x), clasp_height - np.abs(flap))
    return blend(value, coverage(clasp) * present * expand(rng.bernoulli(0.6)), expand(rng.uniform(0, 1)))


def _add_seams(
    frame: Frame, half: Array, top: Array, height: Array, shape: Array, value: Array, rng: BatchSampler
) -> Array:
    """Add stitched borders, vertical seams, a zipper and a label."""
    value = value * (1 + expand(rng.normal(-0.05, 0.14)) * line(shape - expand(rng.uniform(0.8, 2)), 0.5))
    seam_x = expand(half * rng.uniform(0.35, 0.7))
    value = value * (1 - expand(rng.bernoulli(0.3) * rng.uniform(0.1, 0.4)) * line(np.abs(frame.x) - seam_x, 0.5))
    zipper = expand(rng.bernoulli(0.4) * rng.uniform(0.1, 0.5))
    value = value * (1 - zipper * line(frame.y - expand(top + rng.uniform(1, 3.5)), 0.5))
    label_x, label_y = half * rng.uniform(-0.6, 0.6), top + height * rng.uniform(0.3, 0.85)
    label = intersect(
        expand(rng.uniform(0.6, 2)) - np.abs(frame.x - expand(label_x)), 1 - np.abs(frame.y - expand(label_y))
    )
    return blend(value, coverage(label) * expand(rng.bernoulli(0.3)), expand(rng.uniform(0, 1)))
