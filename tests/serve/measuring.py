"""A server that measures: its model has a facade and windows, and its measures are made by hand."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from measures_factories import changed_front, house_photo
from seamline.buildings.measurer import Measurer
from seamline.buildings.options import MeasureOptions
from seamline.errors import SeamlineError
from seamline.inference.predictor import Predictor, load_model
from seamline.run_folder import MeasuredPhoto

HOUSE_AREA, STOREY_AREA = 120_000.0, 40_000.0


def measuring_model(run: Path) -> Predictor:
    """The model of a run of two classes, as one of a facade and windows."""
    model = load_model(run)
    return replace(model, metadata=structs.replace(model.metadata, classes=("facade", "window")))


def house() -> MeasuredPhoto:
    """The house and its garage, with the visible areas of the house."""
    photo = house_photo()
    storeys = tuple(structs.replace(storey, visible_area=STOREY_AREA) for storey in photo.fronts[0].storeys)
    return changed_front(photo, visible_area=HOUSE_AREA, storeys=storeys)


@dataclass
class HandMadeMeasures:
    """What stands in for measuring: returns `photo` for every photo, or fails with `reason`."""

    photo: MeasuredPhoto = field(default_factory=house)
    reason: str = ""
    options: list[MeasureOptions] = field(default_factory=list)  # of each call

    def install(self, patch: pytest.MonkeyPatch) -> "HandMadeMeasures":
        """Replace measuring."""

        def measure(measurer: Measurer, photo: Any, origin: Any) -> MeasuredPhoto:
            self.options.append(measurer.options)
            if self.reason:
                raise SeamlineError(self.reason)
            return self.photo

        patch.setattr(Measurer, "__call__", measure)
        return self


@contextmanager
def in_thread(app: Any) -> Iterator[str]:
    """Serve an application in a thread of this process; gives its address."""
    import uvicorn

    from seamline.serve.server import Server

    listener, up = socket.create_server(("127.0.0.1", 0)), threading.Event()
    config = uvicorn.Config(app, loop="asyncio", ws="none", log_config=None, log_level="error", access_log=False)
    server = Server(config, up.set)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        assert up.wait(30)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(30)
