"""Styles of houses: stories, walls, windows, pillars and balconies, sampled so that they match."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from seamline.synthetic.facades.balconies import BalconyStyle
from seamline.synthetic.facades.canvas import BRICK, PLASTER, SMOOTH, STONE, Color, shade
from seamline.synthetic.facades.colors import (
    BRICKS,
    FRAMES,
    IRON,
    PLASTERS,
    SHUTTERS,
    STONES,
    trim_color,
    vary,
)
from seamline.synthetic.facades.pillars import PillarStyle
from seamline.synthetic.facades.windows import WindowStyle
from seamline.synthetic.sampling import Range, Sampler


@dataclass(frozen=True)
class HouseStyle:
    """Everything that repeats within a house; lengths in meters.

    Attributes:
        wall: Color of the wall.
        material: Material of the wall.
        trim: Color of bands and cornices.
        story_heights: Height of each story, the ground floor first.
        bay_width: Width of a bay.
        windows: Windows of each story above the ground floor.
        band_height: Height of the band below each story, 0 for none.
        cornice_height: Height of the main cornice.
        dentils: Whether the cornice has dentils.
        quoins: Whether the corners have quoins.
        pillars: Style of the pillars, or None.
        pillar_layout: `bays`, `middle` or `ends`.
        balconies: Style of the balconies, or None.
        balcony_layout: `middle`, `every`, `long`, `some` or `stack`.
        ground_floor: `shops`, `rustic` or `plain`.
        roof: `slope`, `mansard`, `flat` or `balustrade`.
        accent: Whether the middle bays project a little.
        oriel: Whether some stories of the middle bays project far, as an oriel.
        joints: Whether the upper wall shows joints between blocks.
        medallions: Whether there are ornaments between the windows.
        fittings: Whether air conditioners and satellite dishes hang on the wall.
    """

    wall: Color
    material: int
    trim: Color
    story_heights: tuple[float, ...]
    bay_width: float
    windows: tuple[WindowStyle, ...]
    band_height: float
    cornice_height: float
    dentils: bool
    quoins: bool
    pillars: PillarStyle | None
    pillar_layout: str
    balconies: BalconyStyle | None
    balcony_layout: str
    ground_floor: str
    roof: str
    accent: bool
    oriel: bool = False
    joints: bool = False
    medallions: bool = False
    fittings: bool = False


def sample_style(rng: Sampler) -> HouseStyle:
    """Sample the style of a house of one of `KINDS`."""
    kind = rng.choice({name: weight for name, (weight, _) in KINDS.items()})
    return KINDS[kind][1](rng)


def _window(rng: Sampler, trim: Color, bay_width: float, story_height: float) -> WindowStyle:
    """Sample a plain window that fits a bay and a story."""
    lights = rng.choice({1: 8, 2: 1.6, 3: 0.5})
    width = min(rng.uniform(1.05, 1.65), bay_width * 0.6)
    if lights > 1:
        width = min(rng.uniform(0.7, 1.0), (bay_width * 0.76) / lights - 0.2)
    height = min(width * rng.uniform(1.5, 2.1) * (1.25 if lights > 1 else 1), story_height * 0.66)
    return WindowStyle(
        width=width,
        height=max(height, 1.0),
        head="flat",
        lights=lights,
        casements=rng.choice({1: 1.2, 2: 5}) if width > 0.75 else 1,
        transom=rng.choice({0.0: 2, 0.68: 3, 0.74: 2}),
        bars=rng.choice({0: 4, 1: 1, 2: 1}),
        frame=vary(rng, FRAMES),
        trim=trim,
        surround=0.0,
        hood="none",
        columns=False,
        sill=rng.bernoulli(0.7),
        apron=False,
        shutters=None,
        closed_probability=rng.choice({0.0: 5, 0.06: 2, 0.2: 0.7}),
        recess=rng.uniform(0.1, 0.24),
    )


def _story_heights(rng: Sampler, count: int, ground_floor: Range, upper: Range) -> tuple[float, ...]:
    """Sample the heights of the ground floor and the stories above it, which decrease upward."""
    height = rng.uniform(*upper)
    decrease = rng.uniform(0.0, 0.16)
    return (rng.uniform(*ground_floor), *(max(2.7, height - decrease * story) for story in range(count)))


def _plain(rng: Sampler) -> HouseStyle:
    """Sample a tenement: plaster, regular windows, little ornament."""
    wall = vary(rng, PLASTERS)
    trim = trim_color(rng, wall)
    heights = _story_heights(rng, rng.integer(3, 5), (3.6, 4.6), (3.0, 3.7))
    bay_width = rng.uniform(2.2, 3.3)
    surround = rng.choice({0.0: 2, 0.14: 3})
    window = replace(
        _window(rng, trim, bay_width, heights[1]), surround=surround, hood=rng.choice({"none": 5, "ledge": 1.5})
    )
    return HouseStyle(
        wall=wall,
        material=PLASTER,
        trim=trim,
        story_heights=heights,
        bay_width=bay_width,
        windows=tuple(window for _ in heights[1:]),
        band_height=rng.choice({0.0: 2, 0.2: 3}),
        cornice_height=rng.uniform(0.25, 0.6),
        dentils=False,
        quoins=rng.bernoulli(0.15),
        pillars=None,
        pillar_layout="bays",
        balconies=_balcony(rng, trim, wall) if rng.bernoulli(0.45) else None,
        balcony_layout=rng.choice({"middle": 3, "some": 2, "stack": 1}),
        ground_floor=rng.choice({"shops": 4, "plain": 2, "rustic": 2}),
        roof=rng.choice({"slope": 5, "flat": 1, "mansard": 1}),
        accent=False,
        oriel=rng.bernoulli(0.1),
        fittings=rng.bernoulli(0.15),
    )


def _classical(rng: Sampler) -> HouseStyle:
    """Sample a house of the nineteenth century: pediments, pilasters, a large cornice, windows that vary by story."""
    material = rng.choice({PLASTER: 5, STONE: 2})
    wall = vary(rng, PLASTERS if material == PLASTER else STONES)
    trim = trim_color(rng, wall)
    heights = _story_heights(rng, rng.integer(2, 4), (4.0, 5.2), (3.7, 4.5))
    bay_width = rng.uniform(2.4, 3.5)
    plain = replace(_window(rng, trim, bay_width, heights[1]), surround=rng.uniform(0.12, 0.22), sill=True)
    tall = min(heights[1] * 0.6, plain.height * 1.15)
    first_floor = replace(
        plain,
        height=tall,
        columns=rng.bernoulli(0.2),
        hood=rng.choice({"triangle": 3, "round": 2, "ledge": 2}),
        apron=rng.bernoulli(0.65),
        head=rng.choice({"flat": 3, "arch": 1}) if plain.lights == 1 else "flat",
    )
    second_floor = replace(plain, hood=rng.choice({"ledge": 3, "keystone": 2, "none": 2}), apron=rng.bernoulli(0.5))
    windows = [first_floor, *(second_floor if story == 0 else plain for story in range(len(heights) - 2))]
    pillars = _pillars(rng, wall, trim, material) if rng.bernoulli(0.7) else None
    return HouseStyle(
        wall=wall,
        material=material,
        trim=trim,
        story_heights=heights,
        bay_width=bay_width,
        windows=tuple(windows),
        band_height=rng.choice({0.25: 2, 0.42: 3, 0.0: 0.5}),
        cornice_height=rng.uniform(0.7, 1.2),
        dentils=rng.bernoulli(0.7),
        quoins=pillars is None and rng.bernoulli(0.35),
        pillars=pillars,
        pillar_layout=rng.choice({"bays": 3, "middle": 2, "ends": 1.5}),
        balconies=_balcony(rng, trim, wall) if rng.bernoulli(0.52) else None,
        balcony_layout=rng.choice({"middle": 4, "long": 2, "every": 0.6, "some": 1}),
        ground_floor=rng.choice({"rustic": 3, "shops": 3, "plain": 1}),
        roof=rng.choice({"slope": 3, "mansard": 2, "balustrade": 2}),
        accent=rng.bernoulli(0.4),
        oriel=rng.bernoulli(0.15),
        joints=rng.bernoulli(0.2),
        medallions=pillars is None and rng.bernoulli(0.5),
    )


def _brick(rng: Sampler) -> HouseStyle:
    """Sample a brick house with light trim, sometimes with arched windows."""
    wall = vary(rng, BRICKS)
    trim = vary(rng, STONES) if rng.bernoulli(0.7) else shade(wall, rng.uniform(0.75, 1.2))
    heights = _story_heights(rng, rng.integer(3, 5), (3.8, 4.8), (3.2, 3.9))
    bay_width = rng.uniform(2.1, 3.1)
    window = replace(
        _window(rng, trim, bay_width, heights[1]),
        head=rng.choice({"flat": 3, "segment": 2, "arch": 1.2}),
        hood=rng.choice({"keystone": 2, "none": 3, "ledge": 1}),
        surround=rng.choice({0.0: 3, 0.15: 1}),
        sill=True,
    )
    return HouseStyle(
        wall=wall,
        material=BRICK,
        trim=trim,
        story_heights=heights,
        bay_width=bay_width,
        windows=tuple(window for _ in heights[1:]),
        band_height=rng.choice({0.0: 2, 0.2: 3}),
        cornice_height=rng.uniform(0.4, 0.8),
        dentils=rng.bernoulli(0.6),
        quoins=rng.bernoulli(0.25),
        pillars=_pillars(rng, wall, trim, BRICK) if rng.bernoulli(0.26) else None,
        pillar_layout=rng.choice({"bays": 3, "ends": 2}),
        balconies=_balcony(rng, trim, wall) if rng.bernoulli(0.3) else None,
        balcony_layout=rng.choice({"middle": 2, "some": 2}),
        ground_floor=rng.choice({"shops": 4, "rustic": 2, "plain": 1}),
        roof=rng.choice({"flat": 3, "slope": 2, "mansard": 1}),
        accent=False,
    )


def _mediterranean(rng: Sampler) -> HouseStyle:
    """Sample a Mediterranean house: shutters, or an iron balcony at every window."""
    house = _plain(rng)
    has_balconies = rng.bernoulli(0.55)
    shutters = vary(rng, SHUTTERS)
    window = replace(
        house.windows[0],
        lights=1,
        width=min(rng.uniform(0.9, 1.2), house.bay_width * 0.4),
        height=min(house.story_heights[1] * 0.64, rng.uniform(1.7, 2.3)),
        casements=2,
        shutters=shutters if not has_balconies or rng.bernoulli(0.5) else None,
        closed_probability=rng.choice({0.0: 1, 0.12: 2, 0.3: 1}),
    )
    return replace(
        house,
        windows=tuple(window for _ in house.windows),
        balconies=_balcony(rng, house.trim, house.wall) if has_balconies else house.balconies,
        balcony_layout=rng.choice({"every": 5, "long": 2, "some": 1}) if has_balconies else "some",
        cornice_height=rng.uniform(0.4, 0.8),
        dentils=rng.bernoulli(0.3),
    )


def _modern(rng: Sampler) -> HouseStyle:
    """Sample a modern block: wide windows, solid parapets, no ornament."""
    wall = vary(rng, PLASTERS)
    heights = _story_heights(rng, rng.integer(4, 6), (3.2, 3.8), (2.8, 3.0))
    bay_width = rng.uniform(3.0, 4.4)
    window = replace(
        _window(rng, wall, bay_width, heights[1]),
        lights=1,
        width=bay_width * rng.uniform(0.4, 0.66),
        height=rng.uniform(1.3, 1.65),
        casements=rng.integer(2, 3),
        transom=0.0,
        bars=0,
        closed_probability=rng.choice({0.0: 1, 0.15: 2, 0.3: 2}),
        sill=rng.bernoulli(0.6),
        recess=rng.uniform(0.06, 0.16),
    )
    balcony = replace(
        _balcony(rng, shade(wall, 0.92), wall),
        railing=rng.choice({"solid": 3, "iron": 2, "glass": 1.5}),
        consoles=False,
        height=rng.uniform(0.95, 1.1),
        depth=rng.uniform(1.0, 1.4),
    )
    return HouseStyle(
        wall=wall,
        material=rng.choice({PLASTER: 5, STONE: 1}),
        trim=shade(wall, rng.uniform(0.85, 1.05)),
        story_heights=heights,
        bay_width=bay_width,
        windows=tuple(window for _ in heights[1:]),
        band_height=0.0,
        cornice_height=rng.uniform(0.15, 0.3),
        dentils=False,
        quoins=False,
        pillars=None,
        pillar_layout="bays",
        balconies=balcony if rng.bernoulli(0.75) else None,
        balcony_layout=rng.choice({"stack": 4, "every": 1, "long": 1}),
        ground_floor=rng.choice({"shops": 3, "plain": 3}),
        roof=rng.choice({"flat": 4, "slope": 1}),
        accent=False,
        fittings=rng.bernoulli(0.25),
    )


def _pillars(rng: Sampler, wall: Color, trim: Color, material: int) -> PillarStyle:
    """Sample pillars, in the color of the wall as often as in that of the trim."""
    wall_color = rng.bernoulli(0.5)
    rounded = rng.bernoulli(0.3)
    return PillarStyle(
        width=rng.uniform(0.4, 0.74),
        color=shade(wall, rng.choice({0.92: 1, 0.96: 1, 1.04: 1, 1.09: 2})) if wall_color else trim,
        projection=0.34 if rounded else rng.uniform(0.12, 0.22),
        rounded=rounded,
        fluted=rng.bernoulli(0.35),
        capital=rng.choice({"plain": 2, "block": 2, "leaves": 2}),
        material=material if wall_color else SMOOTH,
    )


def _balcony(rng: Sampler, trim: Color, wall: Color) -> BalconyStyle:
    """Sample balconies that match a house."""
    railing = rng.choice({"iron": 3, "ornate": 2.5, "stone": 2.2, "solid": 0.5})
    return BalconyStyle(
        railing=railing,
        color=shade(wall, rng.uniform(0.9, 1.05)) if railing == "solid" else vary(rng, IRON, 5),
        trim=trim,
        height=rng.uniform(0.9, 1.1),
        depth=rng.uniform(0.7, 1.15),
        consoles=rng.bernoulli(0.75),
        flower_probability=rng.choice({0.0: 3, 0.15: 2, 0.4: 1}),
    )


KINDS: dict[str, tuple[float, Callable[[Sampler], HouseStyle]]] = {
    "plain": (2.2, _plain),
    "classical": (4.0, _classical),
    "brick": (1.7, _brick),
    "mediterranean": (1.9, _mediterranean),
    "modern": (1.1, _modern),
}
"""Kind of house -> its weight, and the function that samples its style."""
