"""Fronts and photos made by hand."""

from typing import Any

from seamline.run_folder import Front, GpsPosition, Interval, MeasuredPhoto, Plane, Storey


def make_front(number: int = 1, *, width: int = 100, left: int = 0, wwr: float = 0.2, **fields: Any) -> Front:
    """A front of `width` x 50 pixels in its photo; fields of the plane are named `plane_…`."""
    plane = {key.removeprefix("plane_"): fields.pop(key) for key in [*fields] if key.startswith("plane_")}
    corners = ((left, 0), (left + width, 0), (left + width, 50), (left, 50))
    return Front(
        number=number,
        plane=Plane(
            method="vanishing points",
            homography=(1, 0, -left, 0, 1, 0, 0, 0, 1),
            width=width,
            height=50,
            corners=corners,
            **plane,
        ),
        outline=corners,
        wwr=Interval(wwr),
        **fields,
    )


def make_storeys(*wwr: float, height: float = 10) -> tuple[Storey, ...]:
    """Storeys of equal height from the ground floor up, with one window each."""
    return tuple(
        Storey(
            number=number,
            ground=number == 0,
            top=50 - (number + 1) * height,
            bottom=50 - number * height,
            windows=1,
            wwr=Interval(value),
        )
        for number, value in enumerate(wwr)
    )


def make_photo(*fronts: Front, name: str = "a", gps: GpsPosition | None = None) -> MeasuredPhoto:
    return MeasuredPhoto(file=f"{name}.jpg", stem=name, width=1000, height=800, fronts=fronts, gps=gps)
