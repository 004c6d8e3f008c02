"""Measures of the five classes for the upper body.

Where two classes share a range, their images are similar on purpose: shirts without visible buttons, coats like
pullovers, sleeveless tops like dresses. Labels are never changed.
"""

import numpy as np

from seamline.synthetic.fashion.tops import Top, draw_tops
from seamline.synthetic.sampling import Array, BatchSampler, Range, clip

_LONG: Range = (18.5, 21.5)
_SHORT: Range = (3.8, 7.0)
_MIDDLE: Range = (9.0, 14.5)
_NONE: Range = (0.0, 0.5)


def draw_t_shirts(rng: BatchSampler) -> Array:
    """Draw n T-shirts and tops, (n, 28, 28) float32 of about 0..1, 0 outside."""
    top = _sample_top(rng, sleeve=rng.mixture((0.80, _SHORT), (0.12, _NONE), (0.05, _MIDDLE), (0.03, _LONG)))
    top.sleeve_angle = top.sleeve_angle + 0.12
    _lengthen_some(top, rng, 0.07)
    top.neck = top.neck + 0.25
    _open_some(top, rng, 0.06)
    patterns = {
        "plain": 0.36,
        "chest": 0.28,
        "stripes": 0.1,
        "heather": 0.12,
        "blocks": 0.05,
        "flowers": 0.05,
        "knit": 0.02,
    }
    return draw_tops(top, rng, patterns, folds=0.05)


def draw_pullovers(rng: BatchSampler) -> Array:
    """Draw n pullovers, (n, 28, 28) float32 of about 0..1, 0 outside."""
    top = _sample_top(rng, sleeve=rng.mixture((0.93, _LONG), (0.07, _MIDDLE)))
    top.chest, top.waist, top.hem = top.chest + 0.2, top.waist + 0.4, top.hem + 0.1
    top.arm, top.cuff = top.arm + 0.15, top.cuff + 0.1
    top.hem_y = rng.uniform(23.5, 27)
    top.band = rng.bernoulli(0.6) * rng.normal(-0.16, 0.12)
    top.hood = rng.bernoulli(0.1)
    top.tail = top.tail * 0.2
    _open_some(top, rng, 0.08)
    top.opening_end = rng.mixture((0.6, (0.3, 0.45)), (0.4, (0.9, 1.1)))
    patterns = {
        "plain": 0.34,
        "knit": 0.22,
        "heather": 0.14,
        "stripes": 0.1,
        "chest": 0.12,
        "blocks": 0.05,
        "patches": 0.03,
    }
    return draw_tops(top, rng, patterns, folds=0.06)


def draw_coats(rng: BatchSampler) -> Array:
    """Draw n coats and jackets, (n, 28, 28) float32 of about 0..1, 0 outside."""
    top = _sample_top(rng, sleeve=rng.mixture((0.97, _LONG), (0.03, _MIDDLE)))
    is_long = rng.bernoulli(0.3)
    narrowing = 1 - 0.12 * is_long
    for name in ("shoulder", "chest", "waist", "hem"):
        setattr(top, name, (getattr(top, name) + 0.45) * narrowing)
    top.hem_y = np.maximum(rng.uniform(25, 28), is_long * 27.3)
    top.sleeve = top.sleeve + 0.5
    top.arm, top.cuff = top.arm * 1.15, top.cuff * 1.18
    top.opening = rng.mixture((0.09, (-0.1, 0.1)), (0.65, (-0.95, -0.3)), (0.26, (0.25, 0.7)))
    top.opening_end = rng.uniform(0.95, 1.1)
    top.gap = rng.bernoulli(0.12) * rng.uniform(0.3, 2)
    top.buttons = rng.bernoulli(0.35) * rng.uniform(0.05, 0.5)
    top.collar = rng.bernoulli(0.5) * rng.uniform(0.05, 0.5)
    top.hood = rng.bernoulli(0.15) * (top.collar == 0)
    top.pockets = rng.bernoulli(0.55) * rng.uniform(0.05, 0.4)
    top.belt = rng.bernoulli(0.16) * rng.uniform(-0.4, -0.1)
    top.band = rng.bernoulli(0.25) * rng.normal(-0.1, 0.1)
    top.depth = rng.uniform(1, 4)
    patterns = {"plain": 0.55, "heather": 0.18, "knit": 0.1, "checks": 0.06, "patches": 0.05, "stripes": 0.06}
    return draw_tops(top, rng, patterns, folds=0.09)


def draw_shirts(rng: BatchSampler) -> Array:
    """Draw n shirts and blouses, (n, 28, 28) float32 of about 0..1, 0 outside."""
    top = _sample_top(rng, sleeve=rng.mixture((0.5, _LONG), (0.24, _SHORT), (0.19, _MIDDLE), (0.07, _NONE)))
    top.chest, top.waist = top.chest - 0.1, top.waist - 0.25
    top.hem_y = np.where(top.sleeve > 16, rng.uniform(26, 28.2), top.hem_y)
    top.arm, top.cuff = top.arm * 0.95, top.cuff * 0.92
    top.sleeve_angle = top.sleeve_angle + rng.uniform(0, 0.06)
    _lengthen_some(top, rng, 0.07)
    plain = rng.bernoulli(0.33)  # without visible opening and buttons
    top.opening = rng.mixture((0.2, (-0.08, 0.08)), (0.55, (-0.8, -0.2)), (0.25, (0.2, 0.6))) * (1 - plain)
    top.opening_end = rng.mixture((0.8, (0.95, 1.1)), (0.2, (0.3, 0.5)))
    top.buttons = rng.mixture((0.2, (0, 0.1)), (0.8, (0.3, 1))) * (1 - plain)
    top.collar = rng.bernoulli(0.62) * rng.uniform(0.03, 0.5) * (1 - plain * rng.bernoulli(0.7))
    top.pockets = rng.bernoulli(0.2) * rng.uniform(0.05, 0.3)
    top.tail = rng.bernoulli(0.65) * rng.uniform(0.5, 3)
    top.depth = rng.uniform(1.2, 5)
    patterns = {"plain": 0.4, "checks": 0.14, "flowers": 0.14, "stripes": 0.06, "pinstripes": 0.08, "dots": 0.05}
    return draw_tops(top, rng, patterns | {"heather": 0.08, "patches": 0.05}, folds=0.09)


def draw_dresses(rng: BatchSampler) -> Array:
    """Draw n dresses, (n, 28, 28) float32 of about 0..1, 0 outside."""
    top = _sample_top(rng, sleeve=rng.mixture((0.5, _NONE), (0.28, (2.5, 5)), (0.08, (6, 9)), (0.14, (13, 16))))
    narrowing = rng.mixture((0.85, (0.5, 0.75)), (0.15, (0.75, 0.95)))
    top.shoulder, top.neck = top.shoulder * narrowing, top.neck * (narrowing + 0.15)
    top.chest = top.chest * narrowing
    top.waist = top.chest * rng.uniform(0.68, 1.02)
    top.waist_position = rng.uniform(0.15, 0.45)
    top.hem = top.waist * rng.mixture((0.4, (0.95, 1.25)), (0.6, (1.2, 2.1)))
    top.top_y, top.hem_y = rng.uniform(0, 0.8), rng.mixture((0.9, (27, 28.2)), (0.1, (24, 27)))
    top.slope = top.slope * 0.7
    top.arm, top.cuff = top.arm * 0.68, top.cuff * 0.68
    top.depth = rng.uniform(0.8, 6)
    top.pleats = rng.bernoulli(0.55) * rng.uniform(0.05, 0.3)
    top.belt = rng.bernoulli(0.35) * rng.uniform(-0.5, 0.2)
    top.tail = rng.bernoulli(0.15) * rng.uniform(-1, 1.5)
    _open_some(top, rng, 0.12)
    patterns = {
        "plain": 0.46,
        "flowers": 0.16,
        "patches": 0.08,
        "stripes": 0.08,
        "dots": 0.04,
        "blocks": 0.08,
        "heather": 0.1,
    }
    return draw_tops(top, rng, patterns, folds=0.07)


def _lengthen_some(top: Top, rng: BatchSampler, probability: float) -> None:
    """Make some garments long and narrow like a dress, in place."""
    narrowing = 1 - rng.bernoulli(probability) * rng.uniform(0.12, 0.32)
    for name in ("shoulder", "chest", "waist", "hem", "arm", "cuff", "neck"):
        setattr(top, name, getattr(top, name) * narrowing)
    top.hem_y = np.where(narrowing < 1, rng.uniform(26.5, 28), top.hem_y)


def _open_some(top: Top, rng: BatchSampler, probability: float) -> None:
    """Give some garments an opening, buttons or a collar like a shirt, in place."""
    selected = rng.bernoulli(probability)
    top.opening = selected * rng.uniform(-0.5, 0.3)
    top.opening_end = rng.mixture((0.6, (0.28, 0.45)), (0.4, (0.95, 1.1)))
    top.buttons = selected * rng.bernoulli(0.5) * rng.uniform(0.03, 0.4)
    top.collar = selected * rng.bernoulli(0.6) * rng.uniform(0.03, 0.4)


def _sample_top(rng: BatchSampler, sleeve: Array) -> Top:
    """Sample the measures that all five classes share; each class then changes some of them."""
    zeros = np.zeros(rng.count, dtype=np.float32)
    size = rng.normal(0, 0.55)
    shoulder = 7.3 + size * 0.7 + rng.normal(0, 0.4)
    chest = 7.2 + size + rng.normal(0, 0.45)
    # Long sleeves hang beside the body and leave less width to it; short ones stand off.
    hang = clip(sleeve / 20, 0, 1)
    chest = chest - hang * 1.1
    return Top(
        tone=rng.mixture((0.18, (0.15, 0.4)), (0.42, (0.4, 0.75)), (0.4, (0.75, 0.98))),
        contrast=rng.mixture((0.25, (0.05, 0.25)), (0.75, (0.25, 0.9))),
        shoulder=shoulder,
        chest=chest,
        waist=chest - rng.uniform(-0.3, 1.3),
        hem=chest + rng.normal(-0.2, 0.7),
        waist_position=rng.uniform(0.35, 0.6),
        top_y=rng.uniform(0, 1.2),
        hem_y=np.where(sleeve > 1, rng.uniform(24, 28), rng.uniform(26, 28)).astype(np.float32),
        slope=rng.uniform(1.2, 2.8),
        neck=rng.uniform(2.2, 4.2),
        depth=rng.mixture((0.75, (0.8, 2.5)), (0.25, (2.5, 5.5))),
        point=rng.mixture((0.65, (0, 0.2)), (0.35, (0.6, 1))),
        sleeve=sleeve,
        arm=rng.uniform(1.9, 2.7) + (1 - hang) * 0.6,
        cuff=rng.uniform(1.2, 1.8) + (1 - hang) * 1.1,
        sleeve_angle=0.17 + 0.62 * (1 - hang) ** 1.5 + rng.normal(0, 0.05),
        collar=zeros,
        hood=zeros,
        opening=zeros,
        opening_end=zeros,
        gap=zeros,
        buttons=zeros,
        band=zeros,
        pockets=zeros,
        belt=zeros,
        tail=rng.uniform(-0.4, 0.8),
        pleats=zeros,
    )
