"""What garments are made of: patterns, folds, light.

A pattern is a field 0..1 that says how much of the second colour each pixel shows.
"""

from collections.abc import Callable, Mapping

import numpy as np

from seamline.synthetic.fashion.canvas import SIZE, Frame, clouds, cover, over
from seamline.synthetic.fashion.chance import Array, Chance, clip

_TURN = np.float32(2 * np.pi)


def cloth(frame: Frame, chance: Chance, shares: Mapping[str, float], tone: Array, strength: Array) -> Array:
    """Return the cloth's brightness (n, 28, 28), about 0..1, without light and folds.

    Args:
        frame: where the pixels lie.
        chance: decides each image's pattern.
        shares: how often each pattern of `PATTERNS` comes.
        tone: (n,) brightness of the ground, 0..1.
        strength: (n,) how far the second colour is from the first, 0..1 of what the scale allows.
    """
    # The second colour lies towards the far end of the scale, as the eye finds it on dark and on light cloth.
    room = np.where(tone > 0.45, -tone, 1 - tone).astype(np.float32)
    return over(tone) + over(room * strength) * pattern(frame, chance, shares)


def pattern(frame: Frame, chance: Chance, shares: Mapping[str, float]) -> Array:
    """Return a pattern (n, 28, 28) in 0..1 for each image, of the kinds in `shares`."""
    kinds = chance.pick(list(shares.values()))
    field = np.zeros(frame.x.shape, dtype=np.float32)
    for number, name in enumerate(shares):
        which = np.flatnonzero(kinds == number)
        if len(which):
            field[which] = PATTERNS[name](frame.take(which), chance.of(len(which)))
    return field


def lit(frame: Frame, chance: Chance, value: Array, edge: Array, *, folds: float, across: int = 7) -> Array:
    """Return the brightness with light, folds, darker or lighter rims and the grain of a photograph.

    Args:
        frame: where the pixels lie.
        chance: decides how.
        value: (n, 28, 28) brightness of the cloth.
        edge: (n, 28, 28) distance from the outline, in pixels.
        folds: depth of the folds as a share of the brightness, on average.
        across: how many folds lie side by side.
    """
    deep = over(np.abs(chance.about(folds, folds * 0.6)))
    slope = over(chance.about(0, 0.006)) * frame.x + over(chance.about(0, 0.004)) * (frame.y - SIZE / 2)
    # Round bodies turn away from the light within about two pixels of the outline; some cloth shines there instead.
    rim = over(chance.about(-0.09, 0.1)) * clip(1 - edge / 2, 0, 1)
    grain = chance.grain(SIZE, SIZE) * over(chance.between(0.008, 0.035))
    return value * (1 + slope + rim + deep * clouds(chance, 3, across)) + grain


def _plain(frame: Frame, chance: Chance) -> Array:
    return np.zeros(frame.x.shape, dtype=np.float32)


def _heather(frame: Frame, chance: Chance) -> Array:
    return np.abs(chance.grain(SIZE, SIZE)) * over(chance.between(0.2, 0.5))


def _waves(along: Array, chance: Chance, low: float, high: float) -> Array:
    """Return stripes 0..1 with a period of low..high pixels, soft to sharp, thin to wide."""
    wave = np.sin(along * over(_TURN / chance.between(low, high)) + over(chance.between(0, 6.28)))
    return clip(wave * over(chance.between(0.7, 2.5)) + over(chance.between(0, 0.8)), 0, 1)


def _stripes(frame: Frame, chance: Chance) -> Array:
    return _waves(frame.y, chance, 2.3, 7)


def _pinstripes(frame: Frame, chance: Chance) -> Array:
    return _waves(frame.x, chance, 2.1, 5)


def _checks(frame: Frame, chance: Chance) -> Array:
    return (_waves(frame.x, chance, 2.6, 6) + _waves(frame.y, chance, 2.6, 6)) / 2


def _flowers(frame: Frame, chance: Chance) -> Array:
    spots = clouds(chance, 11, 11) + over(chance.between(-0.9, 0.3))
    return clip(spots * 2, 0, 1)


def _patches(frame: Frame, chance: Chance) -> Array:
    return clip(clouds(chance, 6, 6) * 2 + over(chance.between(-0.8, 0.6)), 0, 1)


def _dots(frame: Frame, chance: Chance) -> Array:
    step = over(_TURN / chance.between(3, 5))
    rows = np.sin(frame.x * step + over(chance.between(0, 6))) * np.sin(frame.y * step)
    return clip(rows * 3 - 1, 0, 1)


def _knit(frame: Frame, chance: Chance) -> Array:
    ribs = np.sin(frame.x * over(_TURN / chance.between(2.2, 4))) * over(chance.between(0.1, 0.5))
    return clip(ribs + np.float32(0.3) + chance.grain(SIZE, SIZE) * over(chance.between(0.05, 0.25)), 0, 1)


def _chest(frame: Frame, chance: Chance) -> Array:
    """Return a picture or words on the chest: broken marks within a rectangle."""
    half_width, half_height = chance.between(1.5, 5.5), chance.between(0.6, 4.5)
    middle_x, middle_y = chance.about(0, 0.8), chance.between(7.5, 13)
    window = cover(over(half_width) - np.abs(frame.x - over(middle_x)))
    window = window * cover(over(half_height) - np.abs(frame.y - over(middle_y)))
    return window * clip(chance.grain(SIZE, SIZE) * over(chance.between(0.1, 0.9)) + np.float32(0.7), 0, 1)


def _blocks(frame: Frame, chance: Chance) -> Array:
    """Return a second colour above or below a level, or between two."""
    start = chance.between(5, 17)
    end = start + chance.mix((0.5, (3, 6)), (0.5, (20, 30)))
    band = cover(frame.y - over(start)) * cover(over(end) - frame.y)
    flip = over(chance.happens(0.4))
    return band + flip * (1 - 2 * band)


PATTERNS: dict[str, Callable[[Frame, Chance], Array]] = {
    "plain": _plain,
    "heather": _heather,
    "stripes": _stripes,
    "pinstripes": _pinstripes,
    "checks": _checks,
    "flowers": _flowers,
    "patches": _patches,
    "dots": _dots,
    "knit": _knit,
    "chest": _chest,
    "blocks": _blocks,
}
