"""What is on a wall beside its windows: joints between blocks, ornament, boxes, dishes and rain pipes.

Labels: joints and fittings are wall, being thin or small; ornament is other.
"""

from math import cos, pi, sin

from seamline.synthetic.facades.canvas import METAL, OTHER, SMOOTH, Canvas, Colour, Paint, shade
from seamline.synthetic.facades.chance import Chance

Box = tuple[float, float, float, float]
"""Left end, foot, right end and top, in metres."""


def cut_joints(canvas: Canvas, chance: Chance, box: Box) -> None:
    """Cut joints into a wall: always across, at times upright too."""
    x0, y0, x1, y1 = box
    course = chance.between(0.36, 0.55)
    joint = Paint(relief=-0.03)
    blocks = chance.happens(0.5)
    row = 0
    while y0 + (row + 1) * course < y1 - 0.2:
        y = y0 + row * course
        canvas.rect(x0, y, x1, y + 0.05, joint)
        if blocks:
            x = x0 + (course if row % 2 else 0)
            while x < x1:
                canvas.rect(x, y, x + 0.04, y + course, joint)
                x += course * 2
        row += 1


def set_medallions(canvas: Canvas, colour: Colour, places: list[float], y: float) -> None:
    """Set a round ornament with a drop below it at each of `places`, `y` metres up."""
    for x in places:
        for radius, relief in ((0.26, 0.1), (0.16, 0.02), (0.08, 0.1)):
            circle = [(x + radius * cos(step * pi / 8), y + radius * sin(step * pi / 8)) for step in range(16)]
            canvas.poly(circle, Paint(colour, OTHER, relief, SMOOTH))
        drop = [(x - 0.16, y - 0.3), (x + 0.16, y - 0.3), (x + 0.05, y - 0.85), (x - 0.05, y - 0.85)]
        canvas.poly(drop, Paint(colour, OTHER, 0.07, SMOOTH))


def hang_fittings(canvas: Canvas, chance: Chance, box: Box) -> None:
    """Hang boxes of air conditioners and dishes on a wall, as people do who live there."""
    x0, y0, x1, y1 = box
    for _ in range(chance.whole(1, 6)):
        x, y = chance.between(x0 + 0.5, x1 - 0.5), chance.between(y0 + 1, y1 - 1)
        if chance.happens(0.6):
            canvas.rect(x - 0.38, y - 0.27, x + 0.38, y + 0.27, Paint((206, 206, 200), None, 0.32, SMOOTH))
            canvas.rect(x - 0.3, y - 0.2, x + 0.1, y + 0.2, Paint((150, 150, 146), None, 0.28, METAL))
        else:
            dish = [(x + 0.3 * cos(step * pi / 8), y + 0.34 * sin(step * pi / 8)) for step in range(16)]
            canvas.poly(dish, Paint((196, 196, 192), None, 0.25, SMOOTH))


def run_downpipes(canvas: Canvas, chance: Chance, wall: Colour, box: Box) -> None:
    """Run rain pipes down the ends of a wall."""
    x0, y0, x1, y1 = box
    colour = chance.pick({(96, 100, 100): 3, shade(wall, 0.85): 3, (110, 74, 56): 1})
    for x, share in ((x0 + 0.14, 0.5), (x1 - 0.14, 0.4)):
        if chance.happens(share):
            canvas.rect(x - 0.05, y0, x + 0.05, y1, Paint(colour, None, 0.14, METAL))
