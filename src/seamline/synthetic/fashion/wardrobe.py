"""The measures of the five classes that cover the upper body.

Where two classes share a range their images look alike on purpose: shirts without visible buttons, coats like
pullovers, sleeveless tops like dresses. No label is ever changed; what cannot be told apart was drawn that way.
"""

import numpy as np

from seamline.synthetic.fashion import tops
from seamline.synthetic.fashion.chance import Array, Chance, Range, clip
from seamline.synthetic.fashion.tops import Top

_LONG: Range = (18.5, 21.5)
_SHORT: Range = (3.8, 7.0)
_MIDDLE: Range = (9.0, 14.5)
_NONE: Range = (0.0, 0.5)


def t_shirts(chance: Chance) -> Array:
    """Return T-shirts and tops as (n, 28, 28) float32."""
    top = _top(chance, sleeve=chance.mix((0.80, _SHORT), (0.12, _NONE), (0.05, _MIDDLE), (0.03, _LONG)))
    top.lean = top.lean + 0.12
    _long(top, chance, 0.07)
    top.neck = top.neck + 0.25
    _faintly_open(top, chance, 0.06)
    fabrics = {
        "plain": 0.36,
        "chest": 0.28,
        "stripes": 0.1,
        "heather": 0.12,
        "blocks": 0.05,
        "flowers": 0.05,
        "knit": 0.02,
    }
    return tops.draw(top, chance, fabrics, folds=0.05)


def pullovers(chance: Chance) -> Array:
    """Return pullovers as (n, 28, 28) float32."""
    top = _top(chance, sleeve=chance.mix((0.93, _LONG), (0.07, _MIDDLE)))
    top.chest, top.waist, top.hem = top.chest + 0.2, top.waist + 0.4, top.hem + 0.1
    top.arm, top.cuff = top.arm + 0.15, top.cuff + 0.1
    top.lower = chance.between(23.5, 27)
    top.band = chance.happens(0.6) * chance.about(-0.16, 0.12)
    top.hood = chance.happens(0.1)
    top.tail = top.tail * 0.2
    _faintly_open(top, chance, 0.08)
    top.opening_end = chance.mix((0.6, (0.3, 0.45)), (0.4, (0.9, 1.1)))
    fabrics = {
        "plain": 0.34,
        "knit": 0.22,
        "heather": 0.14,
        "stripes": 0.1,
        "chest": 0.12,
        "blocks": 0.05,
        "patches": 0.03,
    }
    return tops.draw(top, chance, fabrics, folds=0.06)


def coats(chance: Chance) -> Array:
    """Return coats and jackets as (n, 28, 28) float32."""
    top = _top(chance, sleeve=chance.mix((0.97, _LONG), (0.03, _MIDDLE)))
    longer = chance.happens(0.3)
    squeeze = 1 - 0.12 * longer
    for name in ("shoulder", "chest", "waist", "hem"):
        setattr(top, name, (getattr(top, name) + 0.45) * squeeze)
    top.lower = np.maximum(chance.between(25, 28), longer * 27.3)
    top.sleeve = top.sleeve + 0.5
    top.arm, top.cuff = top.arm * 1.15, top.cuff * 1.18
    top.opening = chance.mix((0.09, (-0.1, 0.1)), (0.65, (-0.95, -0.3)), (0.26, (0.25, 0.7)))
    top.opening_end = chance.between(0.95, 1.1)
    top.gap = chance.happens(0.12) * chance.between(0.3, 2)
    top.buttons = chance.happens(0.35) * chance.between(0.05, 0.5)
    top.collar = chance.happens(0.5) * chance.between(0.05, 0.5)
    top.hood = chance.happens(0.15) * (top.collar == 0)
    top.pockets = chance.happens(0.55) * chance.between(0.05, 0.4)
    top.belt = chance.happens(0.16) * chance.between(-0.4, -0.1)
    top.band = chance.happens(0.25) * chance.about(-0.1, 0.1)
    top.depth = chance.between(1, 4)
    fabrics = {"plain": 0.55, "heather": 0.18, "knit": 0.1, "checks": 0.06, "patches": 0.05, "stripes": 0.06}
    return tops.draw(top, chance, fabrics, folds=0.09)


def shirts(chance: Chance) -> Array:
    """Return shirts and blouses as (n, 28, 28) float32."""
    top = _top(chance, sleeve=chance.mix((0.5, _LONG), (0.24, _SHORT), (0.19, _MIDDLE), (0.07, _NONE)))
    top.chest, top.waist = top.chest - 0.1, top.waist - 0.25
    top.lower = np.where(top.sleeve > 16, chance.between(26, 28.2), top.lower)
    top.arm, top.cuff = top.arm * 0.95, top.cuff * 0.92
    top.lean = top.lean + chance.between(0, 0.06)
    _long(top, chance, 0.07)
    plain = chance.happens(0.33)  # blouses and shirts whose front shows nothing
    top.opening = chance.mix((0.2, (-0.08, 0.08)), (0.55, (-0.8, -0.2)), (0.25, (0.2, 0.6))) * (1 - plain)
    top.opening_end = chance.mix((0.8, (0.95, 1.1)), (0.2, (0.3, 0.5)))
    top.buttons = chance.mix((0.2, (0, 0.1)), (0.8, (0.3, 1))) * (1 - plain)
    top.collar = chance.happens(0.62) * chance.between(0.03, 0.5) * (1 - plain * chance.happens(0.7))
    top.pockets = chance.happens(0.2) * chance.between(0.05, 0.3)
    top.tail = chance.happens(0.65) * chance.between(0.5, 3)
    top.depth = chance.between(1.2, 5)
    fabrics = {"plain": 0.4, "checks": 0.14, "flowers": 0.14, "stripes": 0.06, "pinstripes": 0.08, "dots": 0.05}
    return tops.draw(top, chance, fabrics | {"heather": 0.08, "patches": 0.05}, folds=0.09)


def dresses(chance: Chance) -> Array:
    """Return dresses as (n, 28, 28) float32."""
    top = _top(chance, sleeve=chance.mix((0.5, _NONE), (0.28, (2.5, 5)), (0.08, (6, 9)), (0.14, (13, 16))))
    narrow = chance.mix((0.85, (0.5, 0.75)), (0.15, (0.75, 0.95)))
    top.shoulder, top.neck = top.shoulder * narrow, top.neck * (narrow + 0.15)
    top.chest = top.chest * narrow
    top.waist = top.chest * chance.between(0.68, 1.02)
    top.waist_at = chance.between(0.15, 0.45)
    top.hem = top.waist * chance.mix((0.4, (0.95, 1.25)), (0.6, (1.2, 2.1)))
    top.upper, top.lower = chance.between(0, 0.8), chance.mix((0.9, (27, 28.2)), (0.1, (24, 27)))
    top.slope = top.slope * 0.7
    top.arm, top.cuff = top.arm * 0.68, top.cuff * 0.68
    top.depth = chance.between(0.8, 6)
    top.pleats = chance.happens(0.55) * chance.between(0.05, 0.3)
    top.belt = chance.happens(0.35) * chance.between(-0.5, 0.2)
    top.tail = chance.happens(0.15) * chance.between(-1, 1.5)
    _faintly_open(top, chance, 0.12)
    fabrics = {
        "plain": 0.46,
        "flowers": 0.16,
        "patches": 0.08,
        "stripes": 0.08,
        "dots": 0.04,
        "blocks": 0.08,
        "heather": 0.1,
    }
    return tops.draw(top, chance, fabrics, folds=0.07)


def _long(top: Top, chance: Chance, share: float) -> None:
    """Make some garments long and narrow like a dress."""
    narrow = 1 - chance.happens(share) * chance.between(0.12, 0.32)
    for name in ("shoulder", "chest", "waist", "hem", "arm", "cuff", "neck"):
        setattr(top, name, getattr(top, name) * narrow)
    top.lower = np.where(narrow < 1, chance.between(26.5, 28), top.lower)


def _faintly_open(top: Top, chance: Chance, share: float) -> None:
    """Give some garments an opening, buttons or a collar like a shirt's."""
    some = chance.happens(share)
    top.opening = some * chance.between(-0.5, 0.3)
    top.opening_end = chance.mix((0.6, (0.28, 0.45)), (0.4, (0.95, 1.1)))
    top.buttons = some * chance.happens(0.5) * chance.between(0.03, 0.4)
    top.collar = some * chance.happens(0.6) * chance.between(0.03, 0.4)


def _top(chance: Chance, sleeve: Array) -> Top:
    """Return what all five have in common; each class then changes what it is known by."""
    none = np.zeros(chance.count, dtype=np.float32)
    size = chance.about(0, 0.55)
    shoulder = 7.3 + size * 0.7 + chance.about(0, 0.4)
    chest = 7.2 + size + chance.about(0, 0.45)
    # Long sleeves hang beside the body and leave less of the image's width to it; short ones stand off.
    hang = clip(sleeve / 20, 0, 1)
    chest = chest - hang * 1.1
    return Top(
        tone=chance.mix((0.18, (0.15, 0.4)), (0.42, (0.4, 0.75)), (0.4, (0.75, 0.98))),
        strength=chance.mix((0.25, (0.05, 0.25)), (0.75, (0.25, 0.9))),
        shoulder=shoulder,
        chest=chest,
        waist=chest - chance.between(-0.3, 1.3),
        hem=chest + chance.about(-0.2, 0.7),
        waist_at=chance.between(0.35, 0.6),
        upper=chance.between(0, 1.2),
        lower=np.where(sleeve > 1, chance.between(24, 28), chance.between(26, 28)).astype(np.float32),
        slope=chance.between(1.2, 2.8),
        neck=chance.between(2.2, 4.2),
        depth=chance.mix((0.75, (0.8, 2.5)), (0.25, (2.5, 5.5))),
        point=chance.mix((0.65, (0, 0.2)), (0.35, (0.6, 1))),
        sleeve=sleeve,
        arm=chance.between(1.9, 2.7) + (1 - hang) * 0.6,
        cuff=chance.between(1.2, 1.8) + (1 - hang) * 1.1,
        lean=0.17 + 0.62 * (1 - hang) ** 1.5 + chance.about(0, 0.05),
        collar=none,
        hood=none,
        opening=none,
        opening_end=none,
        gap=none,
        buttons=none,
        band=none,
        pockets=none,
        belt=none,
        tail=chance.between(-0.4, 0.8),
        pleats=none,
    )
