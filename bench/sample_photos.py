"""Draw the sample photos of the web page: streets, facades and garments.

python bench/sample_photos.py
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import seamline.serve
from seamline.synthetic import fashion
from seamline.synthetic.facades.camera import photograph, sample_camera
from seamline.synthetic.facades.streets import draw_street
from seamline.synthetic.sampling import STREAMS, Sampler, make_generator

FOLDER = Path(seamline.serve.__file__).parent / "sample_photos"
SEED = 2026
HOUSES = {
    "streets": ((576, 672), (0.14, 0.12), {"1-shops": 1, "2-balconies": 7, "3-tree-and-cars": 11}),
    "facades": ((480, 480), (0.02, -0.06), {"1-shutters": 14, "2-balconies": 8, "3-bay-window": 2}),
}
"""Model -> size of its photos, margins above and below a house in heights of it, and name of a photo -> its house."""

GARMENTS = {"1-t-shirt": 5, "2-trouser": 4, "3-ankle-boot": 8}
"""Name of an image -> its place among those of a seed."""


def main() -> None:
    """Draw all photos."""
    for model, (size, margins, houses) in HOUSES.items():
        for name, house in houses.items():
            file = FOLDER / model / f"{name}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(draw_house(house, margins, size)).save(file, quality=82, optimize=True)
    images, _ = fashion.generate(10, 3)
    for name, place in GARMENTS.items():
        file = FOLDER / "garments" / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[place, :, :, 0]).save(file, optimize=True)


def draw_house(building: int, margins: tuple[float, float], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a photo (H, W, 3) uint8 of a house in its street."""
    rng = Sampler(make_generator(SEED, STREAMS["train"], building, 1))
    street = draw_street(rng)
    left, right, top, bottom = street.house
    width = min((bottom - top) * (1 + sum(margins)) * size[1] / size[0], street.scene.shape[1])
    height = width * size[0] / size[1]
    x = min(max((left + right) / 2, width / 2), street.scene.shape[1] - width / 2)
    y = bottom + margins[1] * (bottom - top) - height
    ends = ((x - width / 2, y), (x + width / 2, y), (x + width / 2, y + height), (x - width / 2, y + height))
    camera = sample_camera(rng, street.median, street.highlight)
    return photograph(street.scene, street.labels, np.array(ends), camera, rng, size)[0]


if __name__ == "__main__":
    main()
