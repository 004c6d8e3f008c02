"""How a garment for the upper body is drawn from its measures: T-shirts, pullovers, dresses, coats and shirts alike.

Which measures each class has is said in `wardrobe`; that the classes share this program and much of their ranges is
what makes them hard to tell apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from seamline.synthetic.fashion.canvas import (
    Curve,
    Frame,
    clouds,
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


@dataclass
class Top:
    """The measures of n garments, each field (n,) float32; lengths are in pixels, shares and tones 0..1."""

    tone: Array
    """brightness of the cloth"""
    strength: Array
    """how much its pattern stands out"""
    shoulder: Array
    """half-width at the shoulders"""
    chest: Array
    """half-width under the arms"""
    waist: Array
    """half-width at the waist"""
    hem: Array
    """half-width at the hem"""
    waist_at: Array
    """where the waist lies between arm and hem, as a share"""
    upper: Array
    """y of the highest point"""
    lower: Array
    """y of the hem"""
    slope: Array
    """how far the shoulder's end lies below the neck"""
    neck: Array
    """half-width of the neck's opening"""
    depth: Array
    """depth of the neck's opening"""
    point: Array
    """0 for a round opening, 1 for a pointed one"""
    sleeve: Array
    """length of the sleeves"""
    arm: Array
    """half-width of the sleeves at the shoulder"""
    cuff: Array
    """half-width of the sleeves at their end"""
    lean: Array
    """angle of the sleeves from upright, in radians"""
    collar: Array
    """how much a turned-down collar stands out; 0 for none"""
    hood: Array
    """1 for a hood"""
    opening: Array
    """how much the opening down the front stands out, from the dark (-) or the light (+); 0 for none"""
    opening_end: Array
    """how far down the opening goes, as a share of the length"""
    gap: Array
    """half-width of the opening at the hem, where it hangs open"""
    buttons: Array
    """how much the buttons stand out; 0 for none"""
    band: Array
    """how much a band at hem and cuffs stands out; 0 for none"""
    pockets: Array
    """how much pockets stand out; 0 for none"""
    belt: Array
    """how much a belt or seam at the waist stands out; 0 for none"""
    tail: Array
    """how far the hem is curved up at the sides"""
    pleats: Array
    """depth of the folds that widen towards the hem"""


def draw(top: Top, chance: Chance, fabrics: Mapping[str, float], *, folds: float) -> Array:
    """Return the garments as (n, 28, 28) float32, about 0..1, black outside.

    Args:
        top: their measures.
        chance: decides everything else.
        fabrics: how often each pattern comes.
        folds: depth of the folds, as a share of the brightness.
    """
    frame = place(chance, sway=0.4, move=0.6, size=0.04)
    side = np.abs(frame.x)  # both halves are the same; `place` has made them a little uneven
    shape = _torso(top, frame, side)
    sleeves = _sleeves(top, frame, side, chance)
    value = cloth(frame, chance, fabrics, top.tone, top.strength)
    value = lit(frame, chance, value, shape, folds=folds)
    value = value * (1 + _pleats(top, frame, chance))
    body = _details(top, frame, side, value, chance)

    image = np.zeros_like(body)
    image = paint(image, cover(_back(top, frame, side)), _back_tone(top, chance))
    image = paint(image, cover(sleeves) * over(_has(top.sleeve)), _sleeve_tone(top, value, sleeves, chance))
    image = paint(image, cover(shape), body)
    image = image * (1 - _armhole(top, shape, sleeves, chance))
    image = _collar(top, frame, side, image, chance)
    # A garment that hangs open shows black between its fronts, more of it towards the hem.
    hanging = over(top.gap) * clip((frame.y - over(top.upper)) / over(top.lower - top.upper), 0, 1)
    return image * (1 - cover(hanging - side) * (hanging > 0.05))


def _has(length: Array) -> Array:
    """Return 1 where there is a sleeve of more than a pixel, else 0, as (n,)."""
    return (length > 1).astype(np.float32)


def _torso(top: Top, frame: Frame, side: Array) -> Array:
    """Return the signed distance of the garment without sleeves."""
    armpit = top.upper + top.slope + 6
    waist_at = armpit + (top.lower - armpit) * top.waist_at
    sides = Curve(
        [top.upper + top.slope, armpit, waist_at, top.lower],
        [top.shoulder, top.chest, top.waist, top.hem],
        soft=3,
    )
    hem = over(top.lower) - over(top.tail) * (side / over(top.hem)) ** 2
    return inside(-sides.beyond(frame.y, side), _neckline(top, top.depth).beyond(side, frame.y), hem - frame.y)


def _neckline(top: Top, depth: Array) -> Curve:
    """Return the upper edge, as y by the distance from the middle: the neck's opening, then the shoulder."""
    shares = (0.0, 0.4, 0.7, 0.9)
    along = [share * top.neck for share in shares]
    across = [top.upper + depth * (top.point * (1 - s) + (1 - top.point) * (1 - s * s) ** 0.5) for s in shares]
    along += [top.neck, top.shoulder, top.shoulder + 1.5]
    across += [top.upper, top.upper + top.slope, top.upper + top.slope + 1.5]
    return Curve(along, across, soft=0.8)


def _back(top: Top, frame: Frame, side: Array) -> Array:
    """Return the signed distance of the inner back that shows in the neck's opening."""
    above = _neckline(top, np.minimum(top.depth * 0.25, 1.0)).beyond(side, frame.y)
    return inside(above, over(top.neck) - side, over(top.upper + top.depth + 1) - frame.y)


def _back_tone(top: Top, chance: Chance) -> Array:
    """Return the brightness of the inner back (n, 1, 1): shadow, black, or nearly that of the front."""
    return over(top.tone * chance.mix((0.35, (0, 0.1)), (0.65, (0.3, 0.95))))


def _sleeves(top: Top, frame: Frame, side: Array, chance: Chance) -> Array:
    """Return the signed distance of both sleeves."""
    bend = chance.between(-0.05, 0.22)  # arms hang more upright below the elbow
    upper, lower = top.lean, top.lean - bend * clip(top.sleeve / 12, 0, 1)
    half = top.sleeve / 2
    start = (top.shoulder - top.arm * 0.75, top.upper + top.slope + top.arm * 0.7)
    elbow = (start[0] + half * np.sin(upper), start[1] + half * np.cos(upper))
    end = (elbow[0] + half * np.sin(lower), elbow[1] + half * np.cos(lower))
    middle = (top.arm + top.cuff) / 2
    return stroke(Frame(side, frame.y), [start, elbow, end], [top.arm, middle, top.cuff], flat=True)


def _sleeve_tone(top: Top, value: Array, sleeves: Array, chance: Chance) -> Array:
    """Return the brightness of the sleeves: that of the body with its own light, some of another colour."""
    contrast = chance.about(0, 0.05) + chance.happens(0.06) * chance.between(-0.4, 0.4)
    rim = over(chance.between(-0.12, 0.2)) * clip(1 - sleeves, 0, 1)
    return value * (1 + over(contrast) + rim)


def _armhole(top: Top, shape: Array, sleeves: Array, chance: Chance) -> Array:
    """Return how much the seam or gap between body and sleeve darkens each pixel, 0..1."""
    seam = line(shape - np.float32(0.3), 0.45) * cover(sleeves)
    return seam * over(chance.mix((0.6, (0.05, 0.3)), (0.4, (0.3, 0.7))) * _has(top.sleeve))


def _pleats(top: Top, frame: Frame, chance: Chance) -> Array:
    """Return folds that start at the waist and open towards the hem."""
    fall = clip((frame.y - over(top.upper + (top.lower - top.upper) * 0.35)) / 12, 0, 1)
    width = 1 + fall * np.float32(0.4)
    waves = np.sin(frame.x / width * over(chance.between(1.2, 2.4)) + over(chance.between(0, 6.28)))
    return over(top.pleats) * fall * (waves * np.float32(0.7) + clouds(chance, 2, 9) * np.float32(0.4))


def _details(top: Top, frame: Frame, side: Array, value: Array, chance: Chance) -> Array:
    """Return the body with opening, buttons, bands, pockets, belt and the seam of the neck."""
    value = _front(top, frame, value, chance)
    below = over(top.lower) - frame.y
    ribs = 1 + np.float32(0.25) * np.sin(frame.x * np.float32(2.6))
    value = value * (1 + over(top.band) * cover(over(chance.between(1.5, 3)) - below) * ribs)
    at = top.upper + (top.lower - top.upper) * chance.between(0.4, 0.52)
    value = value * (1 + over(top.belt) * line(frame.y - over(at), chance.between(0.4, 1)))
    value = value * (1 + _pockets(top, frame, side, chance))
    neck = -_neckline(top, top.depth).beyond(side, frame.y) * (side < over(top.neck + 0.5))
    trim = chance.mix((0.5, (-0.05, 0.05)), (0.5, (-0.35, 0.25)))
    return value * (1 + over(trim) * line(neck + np.float32(0.7), 0.7) * (side < over(top.neck + 0.8)))


def _front(top: Top, frame: Frame, value: Array, chance: Chance) -> Array:
    """Return the body with its opening: a strip with two seams or a single line, and buttons along it."""
    off = frame.x - over(chance.about(0, 0.3))
    start = top.upper + top.depth * 0.8
    end = top.upper + (top.lower - top.upper) * top.opening_end
    reach = cover(frame.y - over(start)) * cover(over(end) - frame.y)
    half = chance.between(0.7, 1.3)
    seams = line(np.abs(off) - over(half), 0.4)
    zipped = over(chance.happens(0.45))
    mark = zipped * line(off, 0.55) + (1 - zipped) * (seams * np.float32(0.8) + cover(over(half) - np.abs(off)) * 0.25)
    value = value + over(top.opening) * reach * mark * np.float32(0.6)
    beat = np.cos(frame.y * over(np.float32(2 * np.pi) / chance.between(2.6, 4.6)) + over(chance.between(0, 6.28)))
    dots = clip(beat * 3 - np.float32(1.6), 0, 1) * cover(np.float32(0.5) - np.abs(off))
    dark = np.where(top.tone > 0.4, -1, 1).astype(np.float32)
    return value + over(top.buttons * dark) * reach * dots * np.float32(0.7)


def _pockets(top: Top, frame: Frame, side: Array, chance: Chance) -> Array:
    """Return the lines of pockets: two flaps on the chest, or two slits below."""
    low = over(chance.happens(0.55))
    down = low * over(top.upper + (top.lower - top.upper) * 0.68) + (1 - low) * over(top.upper + top.slope + 6)
    lean = low * over(chance.between(-0.9, 0.1))
    middle = over(top.chest * 0.55)
    reach = cover(over(chance.between(1, 2.2)) - np.abs(side - middle))
    return -over(top.pockets) * reach * line(frame.y - down - lean * (side - middle), 0.6)


def _collar(top: Top, frame: Frame, side: Array, image: Array, chance: Chance) -> Array:
    """Return the image with a turned-down collar, or a hood that lies around the neck."""
    half = Frame(side, frame.y)
    width = chance.between(0.7, 1.3)
    tip = (top.neck * chance.between(0.5, 0.95), top.upper + chance.between(2.2, 4.2))
    wing = stroke(half, [(top.neck * 0.75, top.upper + 0.6), tip], [width, width * 0.7])
    shine = over(clip(top.tone + chance.between(-0.12, 0.16), 0, 1))
    present = over((top.collar > 0.02).astype(np.float32))
    image = paint(image, cover(wing) * present * over(clip(top.collar * 3, 0, 1)), shine)
    image = image * (1 - over(top.collar) * line(wing + np.float32(0.4), 0.5))

    ring = stroke(half, [(top.neck * 0, top.upper + 0.9), (top.neck + 0.6, top.upper + 2.4)], [width, width * 1.6])
    ring = np.maximum(
        ring, stroke(half, [(top.neck + 0.6, top.upper + 2.4), (top.neck * 0, top.upper + 5)], [width] * 2)
    )
    image = paint(image, cover(ring) * over(top.hood), over(top.tone * chance.between(0.8, 1.05)))
    return image * (1 - over(top.hood * chance.between(0.2, 0.5)) * line(ring + np.float32(0.2), 0.5))
