"""What is seen in a pane: the dark of a room, curtains and blinds, and the street mirrored in it."""

import cv2
import numpy as np

from seamline.synthetic.facades.chance import Array, Chance

_SIZE = 384  # pixels of the picture of the street opposite, 40 to a metre as most canvases have


class Panes:
    """The panes of one house: they mirror the same houses and sky, each pane at a slightly other angle.

    Args:
        chance: decides what stands opposite, how strongly it shows and how people furnish.
        scale: pixels a metre.
    """

    def __init__(self, chance: Chance, scale: float) -> None:
        self._mirror = _opposite(chance)
        self._scale = scale
        self._strength = chance.between(0.18, 0.65)
        self._dark = chance.between(14, 46)
        self._curtains = chance.between(0.1, 0.6)
        self._blinds = chance.between(0, 0.35)
        self._lights = max(0.0, chance.between(-0.03, 0.025))

    def look(self, chance: Chance, rows: int, columns: int) -> Array:
        """Return how one window's glass looks: (rows, columns, 3) float32, 0..255."""
        view = np.empty((rows, columns, 3), dtype=np.float32)
        room = self._dark * chance.between(0.6, 1.5)
        fall = np.linspace(0.8, 1.2, rows, dtype=np.float32)[:, None]
        lamp = chance.happens(self._lights)
        tint = (170, 128, 76) if lamp else (room, room * 1.03, room * 1.08)
        for channel, value in enumerate(tint):
            view[:, :, channel] = value * fall
        if chance.happens(self._curtains):
            _curtain(view, chance)
        if chance.happens(self._blinds):
            depth = round(rows * chance.pick({0.2: 2, 0.35: 3, 0.5: 2, 0.8: 1}))
            pale = chance.between(120, 200)
            view[:depth] = (pale, pale * 0.98, pale * 0.93)
        mirrored = self._reflection(chance, rows, columns)
        strength = min(0.85, max(0.03, self._strength * chance.between(0.5, 1.5)))
        return view + np.float32(strength) * (mirrored - view * np.float32(0.5))

    def _reflection(self, chance: Chance, rows: int, columns: int) -> Array:
        """Return a piece of the street opposite, the left and the right casement at angles of their own."""
        zoom = chance.between(1.3, 1.8)
        high = min(_SIZE - 1, max(2, round(rows / self._scale * 40 / zoom)))
        wide = min(_SIZE // 2, max(2, round(columns / self._scale * 40 / zoom)))
        top = round((_SIZE - high) * min(1, max(0, chance.about(0.45, 0.22))))
        pieces = []
        for _ in range(2):
            left = chance.whole(0, _SIZE - wide - 1)
            pieces.append(self._mirror[top : top + high, left : left + wide])
        first, second = (cv2.resize(piece, (columns, rows), interpolation=cv2.INTER_LINEAR) for piece in pieces)
        if chance.happens(0.4):
            first[:, columns // 2 :] = second[:, columns // 2 :]
        return first.astype(np.float32)


def _opposite(chance: Chance) -> Array:
    """Return the street opposite: sky and clouds above roofs and a dim front with windows, (S, S, 3) float32."""
    sky = np.array(chance.pick({(188, 206, 228): 2.0, (222, 226, 230): 3.0, (150, 182, 220): 1.0}), dtype=np.float32)
    picture = np.empty((_SIZE, _SIZE, 3), dtype=np.float32)
    picture[:] = sky * np.linspace(0.8, 1.05, _SIZE, dtype=np.float32)[:, None, None]
    picture += chance.clouds(_SIZE, _SIZE, 70, 35)[:, :, None] * np.float32(16)
    left = 0
    while left < _SIZE:
        right = left + chance.whole(40, 130)
        roof = round(_SIZE * chance.between(0.3, 0.6))
        tone = np.array((1.0, 0.94, 0.84), dtype=np.float32) * np.float32(chance.between(46, 120))
        picture[roof:, left:right] = tone
        for row in range(roof + 12, _SIZE, 44):
            for column in range(left + 8, right - 14, 26):
                picture[row : row + 24, column : column + 12] = tone * np.float32(0.45)
        left = right
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 2.0), dtype=np.float32)


def _curtain(view: Array, chance: Chance) -> None:
    """Hang a curtain: at both sides, or a net over the lower part or the whole; in place."""
    rows, columns = view.shape[:2]
    pale = np.array((1.0, 0.97, 0.9), dtype=np.float32) * np.float32(chance.between(110, 205))
    across = np.arange(columns, dtype=np.float32)
    folds = 1 + np.float32(0.12) * np.sin(across * np.float32(6.3 * chance.between(4, 9) / columns))
    net = chance.happens(0.55)
    cover = np.zeros((rows, columns), dtype=np.float32)
    if net:
        cover[round(rows * chance.pick({0.0: 2, 0.35: 1, 0.5: 1})) :] = chance.between(0.25, 0.75)
    else:
        side = max(1, round(columns * chance.between(0.12, 0.34)))
        cover[:, :side] = cover[:, columns - side :] = chance.between(0.6, 0.95)
    view += cover[:, :, None] * (folds[None, :, None] * pale - view)
