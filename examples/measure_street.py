"""Measure buildings: draw photos of two houses, measure them, and print the window-to-wall ratio of each side.

    python examples/measure_street.py [FOLDER]

The photos are synthetic, so that no data are needed. Each shows a side of a house at an angle, and has the EXIF data
that phones write: focal length, position and direction of the camera. Photos and results are written to FOLDER, by
default `street-measures/`. For your own photos, `measure_street` below is all that is needed.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

import seamline
from seamline.synthetic.facades.camera import photograph, sample_camera
from seamline.synthetic.facades.canvas import GROUND, OTHER, WALL, Canvas, Paint
from seamline.synthetic.facades.houses import draw_house, plan_house
from seamline.synthetic.facades.lighting import illuminate, sample_light
from seamline.synthetic.facades.streets import draw_sky
from seamline.synthetic.facades.styles import sample_style
from seamline.synthetic.facades.textures import surface_texture
from seamline.synthetic.sampling import Sampler, make_generator

PHOTOS = {
    # photo: seed of the house, what its side faces and what the camera is aimed at, both in degrees from north
    "mill/south.jpg": (7, 180, 20),
    "mill/west.jpg": (4, 270, 104),
    "school/south.jpg": (8, 180, 348),
    "school/north.jpg": (11, 0, 162),
}
SIZE = (1280, 960)
"""Width and height of a photo in pixels."""
FOCAL_MM = 26
"""Focal length as of 35 mm film: that of a phone's main camera."""
PIXELS_PER_METER = 30


def main() -> None:
    """Draw the photos and measure them."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "street-measures")
    draw_photos(folder / "photos")
    measure_street(folder / "photos", folder / "measures")


def measure_street(photos: Path, out: Path) -> None:
    """Measure a folder that has a folder of photos for each building, and print what is known of each side."""
    measures = seamline.measure(
        photos,
        out=out,
        group="folder",  # a building per folder
        options=seamline.MeasureOptions(storey_height_m=3.3),  # gives meters
    )
    for photo in measures.record.photos:
        for front in photo.fronts:
            area = f"{front.area_m2:.0f} m²" if front.area_m2 else "unknown area"
            print(
                f"{photo.file}, front {front.number}: faces {front.direction}, {front.windows} windows, "
                f"{len(front.storeys)} storeys, {area}, window-to-wall ratio {front.wwr.value:.2f}"
            )
    for error in measures.record.errors:
        print(f"{error.file}: {error.reason}")
    print()
    for total in measures.record.totals:
        assumed = " (assumed)" if total.assumed else ""
        print(f"{total.building:8} {total.direction or 'all':3} window-to-wall ratio {total.wwr:.2f}{assumed}")
    print(f"\nPage: {measures.page}")


def draw_photos(folder: Path) -> None:
    """Write the photos of `PHOTOS` into a folder."""
    for name, (seed, facing, direction) in PHOTOS.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        photo = draw_photo(seed, turn=direction - facing - 180)
        Image.fromarray(photo).save(file, quality=92, exif=camera_exif(direction))


def draw_photo(seed: int, turn: float) -> NDArray[np.uint8]:
    """Draw a side of a house by a camera that is turned to the right by `turn` degrees: (960, 1280, 3) uint8."""
    rng = Sampler(make_generator(seed))
    canvas, light = Canvas(70.0, 36.0, 8.0, PIXELS_PER_METER), sample_light(rng)  # width, height, depth in meters
    draw_sky(canvas, rng, light)
    style = sample_style(rng)
    plan = plan_house(style, canvas.width / 2 - 9, 18)
    draw_house(canvas, rng, style, plan)
    canvas.rect(0, -canvas.below, canvas.width, 0, Paint((128, 124, 118), OTHER, 0.3, GROUND))  # pavement
    canvas.rect(0, -canvas.below, canvas.width, -0.7, Paint((74, 74, 76), OTHER, 0.2, GROUND))  # road
    scene = illuminate(canvas, light, rng, surface_texture(canvas, rng))
    wall = scene[canvas.label == WALL]
    camera = sample_camera(rng, float(np.median(wall)), float(np.quantile(wall, 0.95)))
    aim = np.array([(plan.left + plan.right) / 2, 0.52 * plan.top])
    corners = photo_corners(aim, 1.25 * max(plan.right - plan.left, 1.5 * plan.top), turn, tilt=9)
    pixels = np.array([0, canvas.row(0)]) + np.array([1, -1]) * PIXELS_PER_METER * corners
    photo, _ = photograph(scene, canvas.label, pixels, camera, rng, (SIZE[1], SIZE[0]))
    return photo


def photo_corners(aim: NDArray[np.float64], width: float, turn: float, tilt: float) -> NDArray[np.float64]:
    """Return where on a wall the corners of a photo lie, (4, 2) float64, in meters to the right and up.

    Args:
        aim: (2,) float64, the point of the wall at which the camera is aimed.
        width: of the wall, in meters, that the photo would show from the front.
        turn: degrees by which the camera is turned to the right.
        tilt: degrees by which it is tilted up.
    """
    focal = FOCAL_MM / 43.27 * np.hypot(*SIZE)  # 43.27 mm is the diagonal of 35 mm film
    x, y = SIZE[0] / 2, SIZE[1] / 2
    rays = np.array([(-x, y, focal), (x, y, focal), (x, -y, focal), (-x, -y, focal), (0, 0, focal)])
    a, b = np.radians([turn, tilt])
    upward = np.array([(1, 0, 0), (0, np.cos(b), np.sin(b)), (0, -np.sin(b), np.cos(b))])
    rightward = np.array([(np.cos(a), 0, np.sin(a)), (0, 1, 0), (-np.sin(a), 0, np.cos(a))])
    *corners, axis = rays @ (rightward @ upward).T
    eye = -axis * width / SIZE[0]  # from the aim
    return np.array([aim + eye[:2] - ray[:2] / ray[2] * eye[2] for ray in corners])


def camera_exif(direction: float) -> Image.Exif:
    """Return EXIF data with focal length, position and direction."""
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = FOCAL_MM
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            ExifTags.GPS.GPSLatitudeRef: "N",
            ExifTags.GPS.GPSLatitude: (47.0, 22.0, 8.4),
            ExifTags.GPS.GPSLongitudeRef: "E",
            ExifTags.GPS.GPSLongitude: (8.0, 32.0, 31.2),
            ExifTags.GPS.GPSImgDirectionRef: "T",
            ExifTags.GPS.GPSImgDirection: direction,
        }
    )
    return exif


if __name__ == "__main__":
    main()
