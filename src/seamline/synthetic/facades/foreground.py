"""Objects between the camera and the houses: cars, trees, lamps, wires.

Labels: cars and leafy crowns are `other`. Thin objects keep the label behind them, as in the mini facade set: wires,
lamps, signs, people, bare branches, trunks, and single leaves at the rim of a crown.
"""

from itertools import pairwise
from math import cos, pi, sin

import cv2
import numpy as np

from seamline.synthetic.facades.canvas import OTHER, Canvas, Color, Point, mix, shade
from seamline.synthetic.facades.lighting import Light, to_linear
from seamline.synthetic.sampling import Array, Sampler


class Foreground:
    """Draws over an illuminated scene and its labels, in place and in meters.

    Args:
        scene: (R, C, 3) float32, linear light.
        canvas: The canvas of the scene, which holds its labels.
        light: The weather.
    """

    def __init__(self, scene: Array, canvas: Canvas, light: Light) -> None:
        self._scene, self._canvas, self._light = scene, canvas, light
        self._level = 0.75 + 0.5 * light.sun

    def _linear(self, color: Color) -> tuple[float, float, float]:
        """Return the linear light of a color."""
        red, green, blue = to_linear(np.array(color, dtype=np.uint8)) * self._level
        return float(red), float(green), float(blue)

    def _pixel(self, point: Point) -> tuple[int, int]:
        """Return the column and row of a point."""
        return self._canvas.column(point[0]), self._canvas.row(point[1])

    def line(self, start: Point, end: Point, width: float, color: Color) -> None:
        """Draw a line and keep the labels behind it."""
        thickness = max(1, round(width * self._canvas.scale))
        cv2.line(self._scene, self._pixel(start), self._pixel(end), self._linear(color), thickness, cv2.LINE_AA)

    def poly(self, points: list[Point], color: Color, *, occludes: bool) -> None:
        """Fill a polygon; if it `occludes`, its label is `other`."""
        corners = [np.array([self._pixel(point) for point in points], dtype=np.int32)]
        cv2.fillPoly(self._scene, corners, self._linear(color), cv2.LINE_AA)
        if occludes:
            cv2.fillPoly(self._canvas.label, corners, (OTHER,))

    def disc(self, center: Point, radius: float, color: Color, *, occludes: bool) -> None:
        """Fill a disc; if it `occludes`, its label is `other`."""
        pixels = max(1, round(radius * self._canvas.scale))
        cv2.circle(self._scene, self._pixel(center), pixels, self._linear(color), -1)
        if occludes:
            cv2.circle(self._canvas.label, self._pixel(center), pixels, (OTHER,), -1)

    def tree(self, rng: Sampler, x: float, foot: float) -> None:
        """Draw a leafy tree: dark boughs, and over them leaves that are lighter toward the sun."""
        height, width = rng.uniform(4.5, 11.0), rng.uniform(1.5, 3.0)
        green = rng.choice({(74, 94, 48): 3, (92, 106, 58): 2, (118, 108, 52): 0.7, (62, 80, 50): 2})
        center_y, crown_height = foot + height * 0.66, height * 0.27
        self.line((x, foot), (x + rng.normal(0, 0.1), center_y), 0.07 + 0.025 * height, (72, 60, 50))
        boughs = []
        for _ in range(26):
            angle, distance = rng.uniform(0, 2 * pi), rng.uniform(0.1, 1.0) ** 0.5
            radius = rng.uniform(0.2, 0.4) * width
            bough_x = x + width * distance * cos(angle) * 0.85
            boughs.append((bough_x, center_y + crown_height * distance * sin(angle) * 1.1, radius))
        boughs.sort(key=lambda bough: -bough[1])  # lower boughs are in front of upper ones
        for bough_x, bough_y, radius in boughs:
            self.disc((bough_x, bough_y), radius * 0.85, shade(green, 0.5), occludes=True)
        side = -1 if self._light.dx > 0 else 1
        contrast = 0.16 + 0.26 * self._light.sun
        for bough_x, bough_y, radius in boughs:
            base = contrast * (bough_y - center_y) / crown_height
            for leaf in range(70):
                angle, distance = rng.uniform(0, 2 * pi), radius * rng.uniform(0.0, 1.25) ** 0.6
                dx, dy = distance * cos(angle), distance * sin(angle)
                facing = contrast * (dy + 0.6 * side * dx) / radius
                brightness = 0.6 + 0.005 * leaf + base + facing + rng.normal(0, 0.1)
                color = shade(green, max(0.35, brightness))
                self._leaves(rng, (bough_x + dx, bough_y + dy), color, occludes=distance < 1.02 * radius)

    def _leaves(self, rng: Sampler, center: Point, color: Color, *, occludes: bool) -> None:
        """Draw a tuft of leaves as an ellipse."""
        length = self._canvas.scale * rng.uniform(0.05, 0.17)
        axes = max(1, round(length)), max(1, round(length * rng.uniform(0.35, 0.8)))
        angle = rng.uniform(0, 180)
        cv2.ellipse(self._scene, self._pixel(center), axes, angle, 0, 360, self._linear(color), -1)
        if occludes:
            cv2.ellipse(self._canvas.label, self._pixel(center), axes, angle, 0, 360, (OTHER,), -1)

    def bare_tree(self, rng: Sampler, x: float, foot: float) -> None:
        """Draw a tree without leaves."""
        self._branch(rng, (x, foot), pi / 2 + rng.normal(0, 0.05), rng.uniform(2.2, 3.2), 0.2)

    def _branch(self, rng: Sampler, start: Point, angle: float, length: float, width: float) -> None:
        """Draw a branch and, recursively, those that grow from its end."""
        end = (start[0] + length * cos(angle), start[1] + length * sin(angle))
        self.line(start, end, width, (66, 58, 52))
        if width < 0.022 or length < 0.3:
            return
        for side in (-1, 1) if rng.bernoulli(0.75) else (-1, 0, 1):
            child_angle = angle + side * rng.uniform(0.25, 0.6) + rng.normal(0, 0.08)
            self._branch(rng, end, child_angle, length * rng.uniform(0.62, 0.84), width * 0.62)

    def lamp(self, rng: Sampler, x: float, foot: float) -> None:
        """Draw a street lamp."""
        iron = rng.choice({(52, 56, 54): 2, (128, 130, 130): 2})
        top = foot + rng.uniform(4.5, 8.5)
        self.line((x, foot), (x, top), 0.11, iron)
        arm = rng.uniform(0.8, 1.8) * (1 if rng.bernoulli(0.5) else -1)
        self.line((x, top), (x + arm, top + 0.25), 0.07, iron)
        self.line((x + arm * 0.75, top + 0.2), (x + arm * 1.2, top + 0.28), 0.17, shade(iron, 1.3))

    def person(self, rng: Sampler, x: float, foot: float) -> None:
        """Draw a pedestrian."""
        height, stride = rng.uniform(1.55, 1.85), rng.uniform(0.05, 0.3)
        coat = shade((96, 88, 84), rng.uniform(0.3, 1.6)) if rng.bernoulli(0.6) else (150, 52, 48)
        hips, neck = foot + height * 0.5, foot + height * 0.84
        for step in (-stride, stride):
            self.line((x, hips), (x + step, foot), 0.15, (44, 44, 52))
        body = [
            (x - 0.16, hips - 0.1),
            (x + 0.16, hips - 0.1),
            (x + 0.22, neck - 0.06),
            (x, neck),
            (x - 0.22, neck - 0.06),
        ]
        self.poly(body, coat, occludes=False)
        self.line((x + 0.2, neck - 0.1), (x + 0.24 + stride * 0.4, hips - 0.05), 0.09, shade(coat, 0.85))
        self.disc((x, foot + height * 0.92), 0.115, (176, 136, 112), occludes=False)
        self.disc((x, foot + height * 0.95), 0.1, rng.choice({(52, 40, 32): 3, (130, 100, 60): 1}), occludes=False)

    def sign(self, rng: Sampler, x: float, foot: float) -> None:
        """Draw a traffic sign."""
        self.line((x, foot), (x, foot + 2.5), 0.07, (140, 142, 144))
        face = rng.choice({(38, 76, 160): 2, (190, 40, 44): 2, (226, 224, 218): 1})
        self.disc((x, foot + 2.5), 0.3, (230, 230, 228), occludes=False)
        self.disc((x, foot + 2.5), 0.26, face, occludes=False)

    def wire(self, rng: Sampler, y: float) -> None:
        """Draw a wire across the whole width."""
        tilt, sag, steps = rng.normal(0, 1.2), rng.uniform(0.1, 0.7), 24
        points = []
        for step in range(steps + 1):
            t = step / steps
            points.append((self._canvas.width * t, y + tilt * t - sag * 4 * t * (1 - t)))
        for start, end in pairwise(points):
            self.line(start, end, 0.03, (46, 46, 48))

    def car(self, rng: Sampler, x: float, foot: float) -> None:
        """Draw a parked car from the side."""
        colors = {(206, 208, 210): 3, (150, 154, 158): 3, (44, 46, 50): 3, (132, 34, 36): 1.2, (40, 62, 104): 1.2}
        body = shade(rng.choice(colors), rng.uniform(0.85, 1.1))
        length, facing = rng.uniform(3.7, 4.5), 1 if rng.bernoulli(0.5) else -1
        van = rng.bernoulli(0.25)
        roof = 1.75 if van else 1.45

        def point(along: float, up: float) -> Point:
            return x + facing * length * (along - 0.5), foot + up

        shell = [(0.0, 0.3), (0.02, 0.8), (0.08, 0.9), (0.24, 0.98), (0.36, roof - 0.06), (0.42, roof)]
        shell += [
            (0.78, roof),
            (0.9 if van else 0.84, roof - 0.08),
            (0.97, 0.95),
            (1.0, 0.85),
            (1.0, 0.35),
            (0.97, 0.26),
        ]
        underside = [point(a, u) for a, u in ((0.03, 0.02), (0.03, 0.4), (0.97, 0.4), (0.97, 0.02))]
        self.poly(underside, (24, 24, 26), occludes=True)
        self.poly([point(a, u) for a, u in [*shell, (0.03, 0.26)]], body, occludes=True)
        self.poly(
            [point(a, u) for a, u in ((0.0, 0.3), (0.01, 0.55), (1.0, 0.55), (0.99, 0.28))],
            shade(body, 0.72),
            occludes=True,
        )
        glass = mix((40, 46, 52), (150, 164, 176), rng.uniform(0.1, 0.5))
        end = 0.9 if van else 0.86
        for first, last in ((0.38, 0.58), (0.6, end - 0.06)):
            front_slope = 0.09 if first == 0.38 else 0.0
            rear_slope = 0.0 if last < 0.6 else 0.05
            pane = [
                (first - front_slope, 0.96),
                (first + 0.03, roof - 0.09),
                (last - rear_slope, roof - 0.09),
                (last, 0.96),
            ]
            self.poly([point(a, u) for a, u in pane], glass, occludes=True)
        self.line(point(0.05, 0.84), point(0.97, 0.84), 0.03, mix(body, (255, 255, 255), 0.3))
        for along in (0.18, 0.8):
            self.disc(point(along, 0.31), 0.34, (22, 22, 24), occludes=True)
            self.disc(point(along, 0.31), 0.2, (132, 134, 136), occludes=True)
            self.disc(point(along, 0.31), 0.07, (70, 72, 74), occludes=True)


def draw_foreground(scene: Array, canvas: Canvas, rng: Sampler, light: Light) -> None:
    """Draw random objects in front of the houses, in place; some streets stay empty.

    Args:
        scene: (R, C, 3) float32, linear light.
        canvas: The canvas of the scene, which holds its labels.
        rng: Source of randomness.
        light: The weather.
    """
    foreground = Foreground(scene, canvas, light)
    if rng.bernoulli(0.22):
        for _ in range(rng.integer(1, 3)):
            foreground.wire(rng, rng.uniform(5, canvas.height * 0.8))
    season = rng.choice({"none": 6, "leaf": 2.2, "bare": 1.2})
    for _ in range(rng.integer(1, 2)):
        x = rng.uniform(0, canvas.width)
        if season == "leaf":
            foreground.tree(rng, x, -0.4)
        elif season == "bare":
            foreground.bare_tree(rng, x, -0.4)
    if rng.bernoulli(0.25):
        foreground.lamp(rng, rng.uniform(0, canvas.width), -0.5)
    if rng.bernoulli(0.15):
        foreground.sign(rng, rng.uniform(0, canvas.width), -0.5)
    if rng.bernoulli(0.4):
        for _ in range(rng.integer(1, 5)):
            foreground.person(rng, rng.uniform(0, canvas.width), -0.35)
    if rng.bernoulli(0.5):
        x = rng.uniform(0, 6)
        while x < canvas.width:
            foreground.car(rng, x, -1.35)
            x += rng.choice({4.9: 3, 5.4: 2, 12.0: 2})
