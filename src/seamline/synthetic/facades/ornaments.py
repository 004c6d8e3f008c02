"""Wall details beside the windows: joints, medallions, fittings and downpipes.

Labels: joints and fittings are thin or small and stay `facade`; medallions are `other`.
"""

from math import cos, pi, sin

from seamline.synthetic.facades.canvas import METAL, OTHER, SMOOTH, Box, Canvas, Color, Paint, Point, shade
from seamline.synthetic.sampling import Sampler


def draw_joints(canvas: Canvas, rng: Sampler, wall: Box) -> None:
    """Draw the joints of a wall: always between courses, sometimes between blocks too."""
    x0, y0, x1, y1 = wall
    course = rng.uniform(0.36, 0.55)
    joint = Paint(relief=-0.03)
    blocks = rng.bernoulli(0.5)
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


def draw_medallions(canvas: Canvas, color: Color, centers: list[float], y: float) -> None:
    """Draw round ornaments with a pendant at each of `centers`, `y` meters up."""
    for x in centers:
        for radius, relief in ((0.26, 0.1), (0.16, 0.02), (0.08, 0.1)):
            canvas.poly(_ellipse(x, y, radius, radius), Paint(color, OTHER, relief, SMOOTH))
        pendant = [(x - 0.16, y - 0.3), (x + 0.16, y - 0.3), (x + 0.05, y - 0.85), (x - 0.05, y - 0.85)]
        canvas.poly(pendant, Paint(color, OTHER, 0.07, SMOOTH))


def draw_fittings(canvas: Canvas, rng: Sampler, wall: Box) -> None:
    """Draw some air conditioners and satellite dishes on a wall."""
    x0, y0, x1, y1 = wall
    for _ in range(rng.integer(1, 6)):
        x, y = rng.uniform(x0 + 0.5, x1 - 0.5), rng.uniform(y0 + 1, y1 - 1)
        if rng.bernoulli(0.6):
            canvas.rect(x - 0.38, y - 0.27, x + 0.38, y + 0.27, Paint((206, 206, 200), None, 0.32, SMOOTH))
            canvas.rect(x - 0.3, y - 0.2, x + 0.1, y + 0.2, Paint((150, 150, 146), None, 0.28, METAL))
        else:
            canvas.poly(_ellipse(x, y, 0.3, 0.34), Paint((196, 196, 192), None, 0.25, SMOOTH))


def draw_downpipes(canvas: Canvas, rng: Sampler, wall_color: Color, wall: Box) -> None:
    """Draw downpipes at the ends of a wall."""
    x0, y0, x1, y1 = wall
    color = rng.choice({(96, 100, 100): 3, shade(wall_color, 0.85): 3, (110, 74, 56): 1})
    for x, probability in ((x0 + 0.14, 0.5), (x1 - 0.14, 0.4)):
        if rng.bernoulli(probability):
            canvas.rect(x - 0.05, y0, x + 0.05, y1, Paint(color, None, 0.14, METAL))


def _ellipse(x: float, y: float, radius_x: float, radius_y: float) -> list[Point]:
    """Return the outline of an ellipse as 16 points."""
    return [(x + radius_x * cos(step * pi / 8), y + radius_y * sin(step * pi / 8)) for step in range(16)]
