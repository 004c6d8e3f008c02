"""What a house is like: its storeys, walls, windows, pillars and balconies, chosen so that they go together."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from seamline.synthetic.facades.balconies import BalconyStyle
from seamline.synthetic.facades.canvas import BRICK, PLASTER, SMOOTH, STONE, Colour, shade
from seamline.synthetic.facades.chance import Chance
from seamline.synthetic.facades.palette import (
    BRICKS,
    FRAMES,
    IRON,
    PLASTERS,
    SHUTTERS,
    STONES,
    trim_for,
    varied,
)
from seamline.synthetic.facades.pillars import PillarStyle
from seamline.synthetic.facades.windows import WindowStyle


@dataclass(frozen=True)
class HouseStyle:
    """All that a house repeats; lengths in metres.

    Attributes:
        wall: colour of the wall.
        material: of the wall.
        trim: colour of bands and cornices.
        storeys: height of each, the ground floor first.
        bay: width of a bay.
        windows: how they look in each storey above the ground floor.
        bands: height of the band below each storey; 0 for none.
        cornice: height of the main cornice.
        dentils: whether small blocks stand below it.
        quoins: whether its corners are set with blocks.
        pillars: how they look, or None.
        pillars_at: `bays`, `middle` or `ends`.
        balconies: how they look, or None.
        balconies_at: `middle`, `every`, `long`, `some` or `stack`.
        ground: `shops`, `rustic` or `plain`.
        roof: `slope`, `mansard`, `flat` or `balustrade`.
        accent: whether the middle bays stand out a little.
        oriel: whether they stand out far, as an oriel of some storeys.
        joints: whether the wall shows joints between blocks upstairs too.
        medallions: whether there are ornaments between the windows.
        fittings: whether air conditioners and dishes hang on it.
    """

    wall: Colour
    material: int
    trim: Colour
    storeys: tuple[float, ...]
    bay: float
    windows: tuple[WindowStyle, ...]
    bands: float
    cornice: float
    dentils: bool
    quoins: bool
    pillars: PillarStyle | None
    pillars_at: str
    balconies: BalconyStyle | None
    balconies_at: str
    ground: str
    roof: str
    accent: bool
    oriel: bool = False
    joints: bool = False
    medallions: bool = False
    fittings: bool = False


def house_style(chance: Chance) -> HouseStyle:
    """Return the style of a house of one of the kinds in `KINDS`."""
    kind = chance.pick({name: share for name, (share, _) in KINDS.items()})
    return KINDS[kind][1](chance)


def _window(chance: Chance, trim: Colour, bay: float, storey: float) -> WindowStyle:
    """Return a plain window that fits a bay and a storey."""
    lights = chance.pick({1: 8, 2: 1.6, 3: 0.5})
    width = min(chance.between(1.05, 1.65), bay * 0.6)
    if lights > 1:
        width = min(chance.between(0.7, 1.0), (bay * 0.76) / lights - 0.2)
    height = min(width * chance.between(1.5, 2.1) * (1.25 if lights > 1 else 1), storey * 0.66)
    return WindowStyle(
        width=width,
        height=max(height, 1.0),
        head="flat",
        lights=lights,
        casements=chance.pick({1: 1.2, 2: 5}) if width > 0.75 else 1,
        transom=chance.pick({0.0: 2, 0.68: 3, 0.74: 2}),
        bars=chance.pick({0: 4, 1: 1, 2: 1}),
        frame=varied(chance, FRAMES),
        trim=trim,
        surround=0.0,
        hood="none",
        columns=False,
        sill=chance.happens(0.7),
        apron=False,
        shutters=None,
        closed=chance.pick({0.0: 5, 0.06: 2, 0.2: 0.7}),
        deep=chance.between(0.1, 0.24),
    )


def _storeys(chance: Chance, count: int, ground: tuple[float, float], upper: tuple[float, float]) -> tuple[float, ...]:
    """Return the heights of the ground floor and the storeys above it, each a little lower than the one below."""
    high = chance.between(*upper)
    fall = chance.between(0.0, 0.16)
    return (chance.between(*ground), *(max(2.7, high - fall * storey) for storey in range(count)))


def _plain(chance: Chance) -> HouseStyle:
    """Return a tenement: plaster, windows in rows, hardly any ornament."""
    wall = varied(chance, PLASTERS)
    trim = trim_for(chance, wall)
    storeys = _storeys(chance, chance.whole(3, 5), (3.6, 4.6), (3.0, 3.7))
    bay = chance.between(2.2, 3.3)
    surround = chance.pick({0.0: 2, 0.14: 3})
    window = replace(
        _window(chance, trim, bay, storeys[1]), surround=surround, hood=chance.pick({"none": 5, "ledge": 1.5})
    )
    return HouseStyle(
        wall=wall,
        material=PLASTER,
        trim=trim,
        storeys=storeys,
        bay=bay,
        windows=tuple(window for _ in storeys[1:]),
        bands=chance.pick({0.0: 2, 0.2: 3}),
        cornice=chance.between(0.25, 0.6),
        dentils=False,
        quoins=chance.happens(0.15),
        pillars=None,
        pillars_at="bays",
        balconies=_balcony(chance, trim, wall) if chance.happens(0.45) else None,
        balconies_at=chance.pick({"middle": 3, "some": 2, "stack": 1}),
        ground=chance.pick({"shops": 4, "plain": 2, "rustic": 2}),
        roof=chance.pick({"slope": 5, "flat": 1, "mansard": 1}),
        accent=False,
        oriel=chance.happens(0.1),
        fittings=chance.happens(0.15),
    )


def _classical(chance: Chance) -> HouseStyle:
    """Return a house of the nineteenth century: pediments, pilasters, a large cornice, each storey its own windows."""
    material = chance.pick({PLASTER: 5, STONE: 2})
    wall = varied(chance, PLASTERS if material == PLASTER else STONES)
    trim = trim_for(chance, wall)
    storeys = _storeys(chance, chance.whole(2, 4), (4.0, 5.2), (3.7, 4.5))
    bay = chance.between(2.4, 3.5)
    plain = replace(_window(chance, trim, bay, storeys[1]), surround=chance.between(0.12, 0.22), sill=True)
    tall = min(storeys[1] * 0.6, plain.height * 1.15)
    noble = replace(
        plain,
        height=tall,
        columns=chance.happens(0.2),
        hood=chance.pick({"triangle": 3, "round": 2, "ledge": 2}),
        apron=chance.happens(0.65),
        head=chance.pick({"flat": 3, "arch": 1}) if plain.lights == 1 else "flat",
    )
    second = replace(plain, hood=chance.pick({"ledge": 3, "keystone": 2, "none": 2}), apron=chance.happens(0.5))
    windows = [noble, *(second if storey == 0 else plain for storey in range(len(storeys) - 2))]
    pillars = _pillars(chance, wall, trim, material) if chance.happens(0.7) else None
    return HouseStyle(
        wall=wall,
        material=material,
        trim=trim,
        storeys=storeys,
        bay=bay,
        windows=tuple(windows),
        bands=chance.pick({0.25: 2, 0.42: 3, 0.0: 0.5}),
        cornice=chance.between(0.7, 1.2),
        dentils=chance.happens(0.7),
        quoins=pillars is None and chance.happens(0.35),
        pillars=pillars,
        pillars_at=chance.pick({"bays": 3, "middle": 2, "ends": 1.5}),
        balconies=_balcony(chance, trim, wall) if chance.happens(0.52) else None,
        balconies_at=chance.pick({"middle": 4, "long": 2, "every": 0.6, "some": 1}),
        ground=chance.pick({"rustic": 3, "shops": 3, "plain": 1}),
        roof=chance.pick({"slope": 3, "mansard": 2, "balustrade": 2}),
        accent=chance.happens(0.4),
        oriel=chance.happens(0.15),
        joints=chance.happens(0.2),
        medallions=pillars is None and chance.happens(0.5),
    )


def _brick(chance: Chance) -> HouseStyle:
    """Return a brick house with light trim, at times with round heads or flat arches."""
    wall = varied(chance, BRICKS)
    trim = varied(chance, STONES) if chance.happens(0.7) else shade(wall, chance.between(0.75, 1.2))
    storeys = _storeys(chance, chance.whole(3, 5), (3.8, 4.8), (3.2, 3.9))
    bay = chance.between(2.1, 3.1)
    window = replace(
        _window(chance, trim, bay, storeys[1]),
        head=chance.pick({"flat": 3, "segment": 2, "arch": 1.2}),
        hood=chance.pick({"keystone": 2, "none": 3, "ledge": 1}),
        surround=chance.pick({0.0: 3, 0.15: 1}),
        sill=True,
    )
    return HouseStyle(
        wall=wall,
        material=BRICK,
        trim=trim,
        storeys=storeys,
        bay=bay,
        windows=tuple(window for _ in storeys[1:]),
        bands=chance.pick({0.0: 2, 0.2: 3}),
        cornice=chance.between(0.4, 0.8),
        dentils=chance.happens(0.6),
        quoins=chance.happens(0.25),
        pillars=_pillars(chance, wall, trim, BRICK) if chance.happens(0.26) else None,
        pillars_at=chance.pick({"bays": 3, "ends": 2}),
        balconies=_balcony(chance, trim, wall) if chance.happens(0.3) else None,
        balconies_at=chance.pick({"middle": 2, "some": 2}),
        ground=chance.pick({"shops": 4, "rustic": 2, "plain": 1}),
        roof=chance.pick({"flat": 3, "slope": 2, "mansard": 1}),
        accent=False,
    )


def _southern(chance: Chance) -> HouseStyle:
    """Return a house of the south: shutters, or a balcony of iron at every window."""
    house = _plain(chance)
    rows = chance.happens(0.55)
    shutters = varied(chance, SHUTTERS)
    window = replace(
        house.windows[0],
        lights=1,
        width=min(chance.between(0.9, 1.2), house.bay * 0.4),
        height=min(storey_height(house) * 0.64, chance.between(1.7, 2.3)),
        casements=2,
        shutters=shutters if not rows or chance.happens(0.5) else None,
        closed=chance.pick({0.0: 1, 0.12: 2, 0.3: 1}),
    )
    return replace(
        house,
        windows=tuple(window for _ in house.windows),
        balconies=_balcony(chance, house.trim, house.wall) if rows else house.balconies,
        balconies_at=chance.pick({"every": 5, "long": 2, "some": 1}) if rows else "some",
        cornice=chance.between(0.4, 0.8),
        dentils=chance.happens(0.3),
    )


def _modern(chance: Chance) -> HouseStyle:
    """Return a block of the last sixty years: wide windows, parapets, no ornament."""
    wall = varied(chance, PLASTERS)
    storeys = _storeys(chance, chance.whole(4, 6), (3.2, 3.8), (2.8, 3.0))
    bay = chance.between(3.0, 4.4)
    window = replace(
        _window(chance, wall, bay, storeys[1]),
        lights=1,
        width=bay * chance.between(0.4, 0.66),
        height=chance.between(1.3, 1.65),
        casements=chance.whole(2, 3),
        transom=0.0,
        bars=0,
        closed=chance.pick({0.0: 1, 0.15: 2, 0.3: 2}),
        sill=chance.happens(0.6),
        deep=chance.between(0.06, 0.16),
    )
    balcony = replace(
        _balcony(chance, shade(wall, 0.92), wall),
        railing=chance.pick({"solid": 3, "iron": 2, "glass": 1.5}),
        consoles=False,
        high=chance.between(0.95, 1.1),
        deep=chance.between(1.0, 1.4),
    )
    return HouseStyle(
        wall=wall,
        material=chance.pick({PLASTER: 5, STONE: 1}),
        trim=shade(wall, chance.between(0.85, 1.05)),
        storeys=storeys,
        bay=bay,
        windows=tuple(window for _ in storeys[1:]),
        bands=0.0,
        cornice=chance.between(0.15, 0.3),
        dentils=False,
        quoins=False,
        pillars=None,
        pillars_at="bays",
        balconies=balcony if chance.happens(0.75) else None,
        balconies_at=chance.pick({"stack": 4, "every": 1, "long": 1}),
        ground=chance.pick({"shops": 3, "plain": 3}),
        roof=chance.pick({"flat": 4, "slope": 1}),
        accent=False,
        fittings=chance.happens(0.25),
    )


def storey_height(house: HouseStyle) -> float:
    """Return the height of the first storey above the ground floor."""
    return house.storeys[1]


def _pillars(chance: Chance, wall: Colour, trim: Colour, material: int) -> PillarStyle:
    """Return pillars: of the wall's colour as often as of the trim's."""
    own = chance.happens(0.5)
    rounded = chance.happens(0.3)
    return PillarStyle(
        width=chance.between(0.4, 0.74),
        colour=shade(wall, chance.pick({0.92: 1, 0.96: 1, 1.04: 1, 1.09: 2})) if own else trim,
        out=0.34 if rounded else chance.between(0.12, 0.22),
        round=rounded,
        fluted=chance.happens(0.35),
        capital=chance.pick({"plain": 2, "block": 2, "leaves": 2}),
        material=material if own else SMOOTH,
    )


def _balcony(chance: Chance, trim: Colour, wall: Colour) -> BalconyStyle:
    """Return balconies that go with a house."""
    railing = chance.pick({"iron": 3, "ornate": 2.5, "stone": 2.2, "solid": 0.5})
    return BalconyStyle(
        railing=railing,
        colour=shade(wall, chance.between(0.9, 1.05)) if railing == "solid" else varied(chance, IRON, 5),
        trim=trim,
        high=chance.between(0.9, 1.1),
        deep=chance.between(0.7, 1.15),
        consoles=chance.happens(0.75),
        flowers=chance.pick({0.0: 3, 0.15: 2, 0.4: 1}),
    )


KINDS: dict[str, tuple[float, Callable[[Chance], HouseStyle]]] = {
    "plain": (2.2, _plain),
    "classical": (4.0, _classical),
    "brick": (1.7, _brick),
    "southern": (1.9, _southern),
    "modern": (1.1, _modern),
}
"""Kind of house -> how often it comes, and what chooses its style."""
