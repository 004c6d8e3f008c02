"""Window panes: the dark room behind, curtains and blinds, and the reflected street."""

import cv2
import numpy as np

from seamline.synthetic.sampling import Array, Sampler

_SIZE = 384  # pixels of the image of the opposite street
_SCALE = 40  # pixels per meter of that image, about as most canvases


class Panes:
    """The panes of one house. They reflect the same street, each pane at a slightly different angle.

    Args:
        rng: Decides the opposite street, how strongly it shows, and how rooms are furnished.
        scale: Pixels per meter of the canvas.
    """

    def __init__(self, rng: Sampler, scale: float) -> None:
        self._mirror = _opposite_street(rng)
        self._scale = scale
        self._strength = rng.uniform(0.18, 0.65)
        self._brightness = rng.uniform(14, 46)
        self._curtains = rng.uniform(0.1, 0.6)
        self._blinds = rng.uniform(0, 0.35)
        self._lamps = max(0.0, rng.uniform(-0.03, 0.025))

    def render(self, rng: Sampler, rows: int, columns: int) -> Array:
        """Render the glass of one window, (rows, columns, 3) float32, 0..255."""
        view = np.empty((rows, columns, 3), dtype=np.float32)
        room = self._brightness * rng.uniform(0.6, 1.5)
        falloff = np.linspace(0.8, 1.2, rows, dtype=np.float32)[:, None]
        lamp = rng.bernoulli(self._lamps)
        tint = (170, 128, 76) if lamp else (room, room * 1.03, room * 1.08)
        for channel, value in enumerate(tint):
            view[:, :, channel] = value * falloff
        if rng.bernoulli(self._curtains):
            _draw_curtain(view, rng)
        if rng.bernoulli(self._blinds):
            depth = round(rows * rng.choice({0.2: 2, 0.35: 3, 0.5: 2, 0.8: 1}))
            level = rng.uniform(120, 200)
            view[:depth] = (level, level * 0.98, level * 0.93)
        reflection = self._reflection(rng, rows, columns)
        strength = min(0.85, max(0.03, self._strength * rng.uniform(0.5, 1.5)))
        return view + np.float32(strength) * (reflection - view * np.float32(0.5))

    def _reflection(self, rng: Sampler, rows: int, columns: int) -> Array:
        """Return a crop of the opposite street, sometimes with another one in the right half."""
        zoom = rng.uniform(1.3, 1.8)
        height = min(_SIZE - 1, max(2, round(rows / self._scale * _SCALE / zoom)))
        width = min(_SIZE // 2, max(2, round(columns / self._scale * _SCALE / zoom)))
        top = round((_SIZE - height) * min(1, max(0, rng.normal(0.45, 0.22))))
        crops = []
        for _ in range(2):
            left = rng.integer(0, _SIZE - width - 1)
            crops.append(self._mirror[top : top + height, left : left + width])
        first, second = (cv2.resize(crop, (columns, rows), interpolation=cv2.INTER_LINEAR) for crop in crops)
        if rng.bernoulli(0.4):
            first[:, columns // 2 :] = second[:, columns // 2 :]
        return first.astype(np.float32)


def _opposite_street(rng: Sampler) -> Array:
    """Draw the opposite street, sky and clouds above dim facades, (S, S, 3) float32."""
    sky = np.array(rng.choice({(188, 206, 228): 2.0, (222, 226, 230): 3.0, (150, 182, 220): 1.0}), dtype=np.float32)
    image = np.empty((_SIZE, _SIZE, 3), dtype=np.float32)
    image[:] = sky * np.linspace(0.8, 1.05, _SIZE, dtype=np.float32)[:, None, None]
    image += rng.smooth_noise(_SIZE, _SIZE, 70, 35)[:, :, None] * np.float32(16)
    left = 0
    while left < _SIZE:
        right = left + rng.integer(40, 130)
        roof = round(_SIZE * rng.uniform(0.3, 0.6))
        tone = np.array((1.0, 0.94, 0.84), dtype=np.float32) * np.float32(rng.uniform(46, 120))
        image[roof:, left:right] = tone
        for row in range(roof + 12, _SIZE, 44):
            for column in range(left + 8, right - 14, 26):
                image[row : row + 24, column : column + 12] = tone * np.float32(0.45)
        left = right
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 2.0), dtype=np.float32)


def _draw_curtain(view: Array, rng: Sampler) -> None:
    """Draw curtains at both sides, or a net over the lower part or all of the pane, in place."""
    rows, columns = view.shape[:2]
    color = np.array((1.0, 0.97, 0.9), dtype=np.float32) * np.float32(rng.uniform(110, 205))
    x = np.arange(columns, dtype=np.float32)
    folds = 1 + np.float32(0.12) * np.sin(x * np.float32(6.3 * rng.uniform(4, 9) / columns))
    net = rng.bernoulli(0.55)
    opacity = np.zeros((rows, columns), dtype=np.float32)
    if net:
        opacity[round(rows * rng.choice({0.0: 2, 0.35: 1, 0.5: 1})) :] = rng.uniform(0.25, 0.75)
    else:
        side = max(1, round(columns * rng.uniform(0.12, 0.34)))
        opacity[:, :side] = opacity[:, columns - side :] = rng.uniform(0.6, 0.95)
    view += opacity[:, :, None] * (folds[None, :, None] * color - view)
