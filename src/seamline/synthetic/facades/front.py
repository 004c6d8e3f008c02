"""What stands between the camera and the houses: cars, trees, lamps, wires.

Labels: cars and the crowns of trees in leaf hide what is behind them and are other. What is thin keeps the label of
what is behind it, as in the real set: wires, lamps, signs, people, bare branches, trunks, single leaves at a crown's
rim.
"""

from itertools import pairwise
from math import cos, pi, sin

import cv2
import numpy as np

from seamline.synthetic.facades.canvas import OTHER, Canvas, Colour, Point, mix, shade
from seamline.synthetic.facades.chance import Array, Chance
from seamline.synthetic.facades.light import Light, linear


class Front:
    """Draws over a lit picture and its labels, in metres as a canvas does.

    Args:
        image: (R, C, 3) float32, amounts of light; drawn on in place.
        canvas: its labels are drawn on in place.
        light: the weather.
    """

    def __init__(self, image: Array, canvas: Canvas, light: Light) -> None:
        self._image, self._canvas, self._light = image, canvas, light
        self._level = 0.75 + 0.5 * light.sun

    def _tone(self, colour: Colour) -> tuple[float, float, float]:
        """Return a colour as an amount of light."""
        red, green, blue = linear(np.array(colour, dtype=np.uint8)) * self._level
        return float(red), float(green), float(blue)

    def _point(self, point: Point) -> tuple[int, int]:
        return self._canvas.column(point[0]), self._canvas.row(point[1])

    def line(self, start: Point, end: Point, width: float, colour: Colour) -> None:
        """Draw a line that keeps the label behind it."""
        thick = max(1, round(width * self._canvas.scale))
        cv2.line(self._image, self._point(start), self._point(end), self._tone(colour), thick, cv2.LINE_AA)

    def poly(self, points: list[Point], colour: Colour, *, hides: bool) -> None:
        """Fill a polygon; where it `hides` what is behind it, its label is other."""
        corners = [np.array([self._point(point) for point in points], dtype=np.int32)]
        cv2.fillPoly(self._image, corners, self._tone(colour), cv2.LINE_AA)
        if hides:
            cv2.fillPoly(self._canvas.label, corners, (OTHER,))

    def disc(self, centre: Point, radius: float, colour: Colour, *, hides: bool) -> None:
        """Fill a disc, as `poly` does a polygon."""
        size = max(1, round(radius * self._canvas.scale))
        cv2.circle(self._image, self._point(centre), size, self._tone(colour), -1)
        if hides:
            cv2.circle(self._canvas.label, self._point(centre), size, (OTHER,), -1)

    def tree(self, chance: Chance, x: float, foot: float) -> None:
        """Draw a tree in leaf: boughs in the dark of the crown, over them leaves, lighter towards the sun."""
        high, wide = chance.between(4.5, 11.0), chance.between(1.5, 3.0)
        green = chance.pick({(74, 94, 48): 3, (92, 106, 58): 2, (118, 108, 52): 0.7, (62, 80, 50): 2})
        middle, tall = foot + high * 0.66, high * 0.27
        self.line((x, foot), (x + chance.about(0, 0.1), middle), 0.07 + 0.025 * high, (72, 60, 50))
        crown = []
        for _ in range(26):
            angle, out = chance.between(0, 2 * pi), chance.between(0.1, 1.0) ** 0.5
            radius = chance.between(0.2, 0.4) * wide
            crown.append((x + wide * out * cos(angle) * 0.85, middle + tall * out * sin(angle) * 1.1, radius))
        crown.sort(key=lambda bough: -bough[1])  # the lower boughs hang in front of the upper ones
        for bx, by, radius in crown:
            self.disc((bx, by), radius * 0.85, shade(green, 0.5), hides=True)
        side = -1 if self._light.across > 0 else 1
        sunny = 0.16 + 0.26 * self._light.sun
        for bx, by, radius in crown:
            within = sunny * (by - middle) / tall
            for leaf in range(70):
                angle, out = chance.between(0, 2 * pi), radius * chance.between(0.0, 1.25) ** 0.6
                dx, dy = out * cos(angle), out * sin(angle)
                bright = 0.6 + 0.005 * leaf + within + sunny * (dy + 0.6 * side * dx) / radius + chance.about(0, 0.1)
                colour = shade(green, max(0.35, bright))
                self._leaves(chance, (bx + dx, by + dy), colour, hides=out < 1.02 * radius)

    def _leaves(self, chance: Chance, place: Point, colour: Colour, *, hides: bool) -> None:
        """Draw a tuft of leaves."""
        reach = self._canvas.scale * chance.between(0.05, 0.17)
        axes = max(1, round(reach)), max(1, round(reach * chance.between(0.35, 0.8)))
        turn = chance.between(0, 180)
        cv2.ellipse(self._image, self._point(place), axes, turn, 0, 360, self._tone(colour), -1)
        if hides:
            cv2.ellipse(self._canvas.label, self._point(place), axes, turn, 0, 360, (OTHER,), -1)

    def bare_tree(self, chance: Chance, x: float, foot: float) -> None:
        """Draw a tree in winter."""
        self._branch(chance, (x, foot), pi / 2 + chance.about(0, 0.05), chance.between(2.2, 3.2), 0.2)

    def _branch(self, chance: Chance, start: Point, angle: float, length: float, width: float) -> None:
        end = (start[0] + length * cos(angle), start[1] + length * sin(angle))
        self.line(start, end, width, (66, 58, 52))
        if width < 0.022 or length < 0.3:
            return
        for turn in (-1, 1) if chance.happens(0.75) else (-1, 0, 1):
            lean = angle + turn * chance.between(0.25, 0.6) + chance.about(0, 0.08)
            self._branch(chance, end, lean, length * chance.between(0.62, 0.84), width * 0.62)

    def lamp(self, chance: Chance, x: float, foot: float) -> None:
        """Draw a street lamp."""
        iron = chance.pick({(52, 56, 54): 2, (128, 130, 130): 2})
        high = foot + chance.between(4.5, 8.5)
        self.line((x, foot), (x, high), 0.11, iron)
        arm = chance.between(0.8, 1.8) * (1 if chance.happens(0.5) else -1)
        self.line((x, high), (x + arm, high + 0.25), 0.07, iron)
        self.line((x + arm * 0.75, high + 0.2), (x + arm * 1.2, high + 0.28), 0.17, shade(iron, 1.3))

    def person(self, chance: Chance, x: float, foot: float) -> None:
        """Draw someone who walks by."""
        high, lean = chance.between(1.55, 1.85), chance.between(0.05, 0.3)
        coat = shade((96, 88, 84), chance.between(0.3, 1.6)) if chance.happens(0.6) else (150, 52, 48)
        hips, neck = foot + high * 0.5, foot + high * 0.84
        for step in (-lean, lean):
            self.line((x, hips), (x + step, foot), 0.15, (44, 44, 52))
        body = [
            (x - 0.16, hips - 0.1),
            (x + 0.16, hips - 0.1),
            (x + 0.22, neck - 0.06),
            (x, neck),
            (x - 0.22, neck - 0.06),
        ]
        self.poly(body, coat, hides=False)
        self.line((x + 0.2, neck - 0.1), (x + 0.24 + lean * 0.4, hips - 0.05), 0.09, shade(coat, 0.85))
        self.disc((x, foot + high * 0.92), 0.115, (176, 136, 112), hides=False)
        self.disc((x, foot + high * 0.95), 0.1, chance.pick({(52, 40, 32): 3, (130, 100, 60): 1}), hides=False)

    def sign(self, chance: Chance, x: float, foot: float) -> None:
        """Draw a traffic sign."""
        self.line((x, foot), (x, foot + 2.5), 0.07, (140, 142, 144))
        face = chance.pick({(38, 76, 160): 2, (190, 40, 44): 2, (226, 224, 218): 1})
        self.disc((x, foot + 2.5), 0.3, (230, 230, 228), hides=False)
        self.disc((x, foot + 2.5), 0.26, face, hides=False)

    def wire(self, chance: Chance, y: float) -> None:
        """Draw a wire across the street's front."""
        tilt, sag, steps = chance.about(0, 1.2), chance.between(0.1, 0.7), 24
        points = []
        for step in range(steps + 1):
            share = step / steps
            points.append((self._canvas.width * share, y + tilt * share - sag * 4 * share * (1 - share)))
        for start, end in pairwise(points):
            self.line(start, end, 0.03, (46, 46, 48))

    def car(self, chance: Chance, x: float, foot: float) -> None:
        """Draw a parked car from its side."""
        paints = {(206, 208, 210): 3, (150, 154, 158): 3, (44, 46, 50): 3, (132, 34, 36): 1.2, (40, 62, 104): 1.2}
        body = shade(chance.pick(paints), chance.between(0.85, 1.1))
        long, facing = chance.between(3.7, 4.5), 1 if chance.happens(0.5) else -1
        van = chance.happens(0.25)
        roof = 1.75 if van else 1.45

        def spot(along: float, up: float) -> Point:
            return x + facing * long * (along - 0.5), foot + up

        shell = [(0.0, 0.3), (0.02, 0.8), (0.08, 0.9), (0.24, 0.98), (0.36, roof - 0.06), (0.42, roof)]
        shell += [
            (0.78, roof),
            (0.9 if van else 0.84, roof - 0.08),
            (0.97, 0.95),
            (1.0, 0.85),
            (1.0, 0.35),
            (0.97, 0.26),
        ]
        under = [spot(a, u) for a, u in ((0.03, 0.02), (0.03, 0.4), (0.97, 0.4), (0.97, 0.02))]
        self.poly(under, (24, 24, 26), hides=True)
        self.poly([spot(a, u) for a, u in [*shell, (0.03, 0.26)]], body, hides=True)
        self.poly(
            [spot(a, u) for a, u in ((0.0, 0.3), (0.01, 0.55), (1.0, 0.55), (0.99, 0.28))],
            shade(body, 0.72),
            hides=True,
        )
        glass = mix((40, 46, 52), (150, 164, 176), chance.between(0.1, 0.5))
        end = 0.9 if van else 0.86
        for first, last in ((0.38, 0.58), (0.6, end - 0.06)):
            lean = 0.09 if first == 0.38 else 0.0
            tail = 0.0 if last < 0.6 else 0.05
            pane = [(first - lean, 0.96), (first + 0.03, roof - 0.09), (last - tail, roof - 0.09), (last, 0.96)]
            self.poly([spot(a, u) for a, u in pane], glass, hides=True)
        self.line(spot(0.05, 0.84), spot(0.97, 0.84), 0.03, mix(body, (255, 255, 255), 0.3))
        for along in (0.18, 0.8):
            self.disc(spot(along, 0.31), 0.34, (22, 22, 24), hides=True)
            self.disc(spot(along, 0.31), 0.2, (132, 134, 136), hides=True)
            self.disc(spot(along, 0.31), 0.07, (70, 72, 74), hides=True)


def draw_front(image: Array, canvas: Canvas, chance: Chance, light: Light) -> None:
    """Draw what stands in the street: much in some streets, nothing in others."""
    front = Front(image, canvas, light)
    if chance.happens(0.22):
        for _ in range(chance.whole(1, 3)):
            front.wire(chance, chance.between(5, canvas.height * 0.8))
    season = chance.pick({"none": 6, "leaf": 2.2, "bare": 1.2})
    for _ in range(chance.whole(1, 2)):
        x = chance.between(0, canvas.width)
        if season == "leaf":
            front.tree(chance, x, -0.4)
        elif season == "bare":
            front.bare_tree(chance, x, -0.4)
    if chance.happens(0.25):
        front.lamp(chance, chance.between(0, canvas.width), -0.5)
    if chance.happens(0.15):
        front.sign(chance, chance.between(0, canvas.width), -0.5)
    if chance.happens(0.4):
        for _ in range(chance.whole(1, 5)):
            front.person(chance, chance.between(0, canvas.width), -0.35)
    if chance.happens(0.5):
        x = chance.between(0, 6)
        while x < canvas.width:
            front.car(chance, x, -1.35)
            x += chance.pick({4.9: 3, 5.4: 2, 12.0: 2})
