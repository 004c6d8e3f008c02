"""Color palettes of European city facades, each a color and its weight."""

from seamline.synthetic.facades.canvas import Color, mix, shade
from seamline.synthetic.sampling import Sampler

PLASTERS: dict[Color, float] = {
    (226, 208, 168): 3,  # cream
    (232, 214, 150): 2,  # pale yellow
    (206, 164, 96): 2,  # ochre
    (216, 164, 134): 1.5,  # salmon
    (206, 170, 160): 1.5,  # old rose
    (186, 180, 168): 3,  # warm gray
    (224, 220, 208): 3,  # off white
    (178, 188, 160): 1.2,  # sage
    (160, 174, 188): 1,  # blue gray
    (182, 108, 78): 1,  # terracotta
    (150, 134, 114): 1.5,  # umber
    (118, 118, 120): 0.7,  # soot
}

BRICKS: dict[Color, float] = {
    (148, 82, 62): 3,
    (166, 98, 70): 2,
    (120, 72, 60): 2,
    (188, 156, 108): 1.5,
    (104, 84, 74): 1,
}

STONES: dict[Color, float] = {
    (200, 188, 158): 3,
    (178, 170, 154): 3,
    (150, 146, 138): 2,
    (190, 164, 126): 1,
}

FRAMES: dict[Color, float] = {
    (234, 232, 224): 6,
    (206, 198, 182): 1.5,
    (92, 64, 46): 1.5,
    (52, 44, 40): 1.2,
    (48, 62, 52): 0.8,
    (120, 122, 120): 1,
}

SHUTTERS: dict[Color, float] = {
    (56, 92, 72): 3,
    (110, 128, 104): 2,
    (122, 84, 58): 2,
    (146, 48, 44): 1,
    (176, 176, 168): 1,
    (70, 88, 112): 1,
}

ROOFS: dict[Color, float] = {
    (132, 78, 58): 3,
    (108, 68, 56): 2,
    (84, 82, 84): 3,
    (98, 88, 80): 2,
    (104, 128, 116): 0.5,
}

DOORS: dict[Color, float] = {
    (84, 56, 38): 3,
    (60, 42, 32): 3,
    (44, 62, 50): 1.5,
    (46, 54, 74): 1,
    (96, 36, 34): 1,
    (70, 70, 72): 1,
}

IRON: dict[Color, float] = {(34, 34, 36): 5, (58, 60, 60): 2, (52, 70, 62): 1, (188, 188, 182): 0.7}


def vary(rng: Sampler, colors: dict[Color, float], spread: float = 9) -> Color:
    """Return one of the colors with small random changes of brightness and tint."""
    base = rng.choice(colors)
    brightness = rng.normal(0, spread)
    red, green, blue = (round(min(250, max(8, channel + brightness + rng.normal(0, spread / 3)))) for channel in base)
    return red, green, blue


def trim_color(rng: Sampler, wall: Color) -> Color:
    """Return a color for cornices and frames: mostly lighter than the wall, sometimes stone or the wall's own."""
    kind = rng.choice({"light": 5, "own": 2.5, "stone": 2, "dark": 1})
    if kind == "light":
        return mix(wall, (240, 234, 220), rng.uniform(0.35, 0.8))
    if kind == "own":
        return shade(wall, rng.uniform(0.95, 1.1))
    if kind == "stone":
        return vary(rng, STONES)
    return shade(wall, rng.uniform(0.72, 0.88))
