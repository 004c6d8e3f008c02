"""The application: the page, the API and its description."""

from collections.abc import Callable, Collection, Coroutine
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from seamline.inference.predictor import Model
from seamline.serve.inference_worker import Answers, LabelAnswer, MaskAnswer
from seamline.serve.limits import Limits, Refusal
from seamline.serve.middleware import Guards
from seamline.serve.upload import FIELD, read_photo_bytes


class Problem(BaseModel):
    """Why a request was not answered."""

    error: str = Field(description="One line.")


class ImageSize(BaseModel):
    """The images that the network was trained with."""

    height: int
    width: int
    channels: int = Field(description="1 for grey, 3 for red, green and blue.")


class Allowed(BaseModel):
    """What a photo may cost."""

    bytes: int = Field(description="Of the request's body.")
    pixels: int


class ModelAnswer(BaseModel):
    """The network that is asked."""

    name: str
    dataset: str = Field(description="What it was trained with.")
    kind: Literal["masks", "labels"] = Field(description="Whether it gives a class for each pixel, or for the whole.")
    classes: list[str]
    colours: list[list[int]] = Field(description="Red, green and blue, 0 to 255, of each class; empty for labels.")
    image: ImageSize
    limits: Allowed


class Health(BaseModel):
    """That the server is there."""

    status: Literal["ok"] = "ok"


_BINARY = {"type": "string", "format": "binary"}
_PHOTO: dict[str, Any] = {
    "requestBody": {
        "description": "A photo: JPEG, PNG, WebP, TIFF, BMP or GIF; its bytes, or a form that holds it.",
        "required": True,
        "content": {
            "application/octet-stream": {"schema": _BINARY},
            "image/*": {"schema": _BINARY},
            "multipart/form-data": {
                "schema": {"type": "object", "required": [FIELD], "properties": {FIELD: _BINARY}},
            },
        },
    }
}
_REASONS = {
    400: "The request brings no photo, or a broken form.",
    403: "It comes from the page of another site.",
    405: "The address is not asked in this way.",
    408: "The photo came too slowly.",
    409: "The network gives no masks.",
    413: "The photo has too many bytes or pixels.",
    415: "It is no image of a known format.",
    421: "The server does not answer under this name.",
    422: "The photo is damaged, or a parameter is wrong.",
    500: "A defect of the server.",
    503: "Too many photos are waiting, or memory is short; ask again later.",
}
_ANYWHERE = (403, 405, 421, 500)
_WITH_PHOTO = (400, 403, 405, 408, 413, 415, 421, 422, 500, 503)


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the answers that say why there is none."""
    return {status: {"model": Problem, "description": _REASONS[status]} for status in statuses}


def _picture(what: str) -> dict[int | str, dict[str, Any]]:
    """Describe the answers of an address that sends pictures."""
    return {200: {"description": what, "content": {"image/png": {"schema": _BINARY}}}, **_problems(409, *_WITH_PHOTO)}


def make_app(model: Model, limits: Limits | None = None, hosts: Collection[str] = ()) -> FastAPI:
    """Make the application that serves a network.

    Args:
        model: the network.
        limits: what a request may cost; the usual limits by default.
        hosts: names under which it answers besides this machine's own.
    """
    allowed = Limits() if limits is None else limits
    answers = Answers(model, allowed)

    @asynccontextmanager
    async def life(_: FastAPI) -> Any:
        yield
        answers.close()

    app = FastAPI(
        title=f"Seamline: {model.name}",
        description="Asks a trained network about photos. Nothing that is sent is kept.",
        version=version("seamline"),
        docs_url=None,  # their pages load from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=life,
        separate_input_output_schemas=False,
    )
    app.add_middleware(Guards, limits=allowed, hosts=hosts)
    _add_errors(app)
    _add_page(app)
    _add_api(app, answers)
    return app


def _add_errors(app: FastAPI) -> None:
    """Make every error one line of JSON."""

    def problem(status: int, reason: str, headers: Any = None) -> JSONResponse:
        return JSONResponse({"error": reason}, status, headers)

    async def refused(_: Request, error: Any) -> JSONResponse:
        return problem(error.status, error.reason, error.headers)

    async def unknown(request: Request, error: Any) -> JSONResponse:
        reasons = {
            404: f"there is nothing at {request.url.path}; the page is at / and the API's description at /openapi.json",
            405: f"{request.url.path} is not asked with {request.method}; /openapi.json says how",
        }
        return problem(error.status_code, reasons.get(error.status_code, str(error.detail)), error.headers)

    async def invalid(_: Request, error: Any) -> JSONResponse:
        first = error.errors()[0]
        return problem(422, f"{'.'.join(map(str, first['loc']))}: {first['msg'][:1].lower()}{first['msg'][1:]}")

    async def defect(_: Request, error: Exception) -> JSONResponse:
        return problem(500, f"a defect of the server ({type(error).__name__}); its terminal says more")

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(HTTPException, unknown)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, defect)


def _add_page(app: FastAPI) -> None:
    """Serve the page from memory."""
    here = Path(__file__).parent
    dress = here.parent / "report" / "templates" / "dress.css"
    for path, name, kind, files in (
        ("/", "page.html", "text/html", (here / "page.html",)),
        ("/page.css", "page.css", "text/css", (dress, here / "page.css")),
        ("/page.js", "page.js", "text/javascript", (here / "page.js",)),
    ):
        content = b"".join(file.read_bytes() for file in files)
        described: dict[int | str, dict[str, Any]] = {
            200: {"description": "A file of the page.", "content": {kind: {"schema": {"type": "string"}}}},
            **_problems(*_ANYWHERE),
        }
        app.get(path, response_class=Response, responses=described, name=name)(_constant(content, kind))


def _constant(content: bytes, kind: str) -> Callable[[], Coroutine[Any, Any, Response]]:
    """Return what always answers with the same text."""

    async def answer() -> Response:
        return Response(content, media_type=f"{kind}; charset=utf-8")

    return answer


def _add_api(app: FastAPI, answers: Answers) -> None:
    """Serve what programs ask."""
    model, limits = answers.model, answers.limits
    height, width, channels = model.image
    told = ModelAnswer(
        name=model.name,
        dataset=model.dataset,
        kind="masks" if model.segments else "labels",
        classes=list(model.classes),
        colours=[list(colour) for colour in model.colours],
        image=ImageSize(height=height, width=width, channels=channels),
        limits=Allowed(bytes=limits.bytes, pixels=limits.pixels),
    )

    @app.get("/health", responses=_problems(*_ANYWHERE))
    async def health() -> Health:
        """Say that the server is there."""
        return Health()

    @app.get("/api/model", responses=_problems(*_ANYWHERE))
    async def describe() -> ModelAnswer:
        """Say what the network tells apart and what a photo may cost."""
        return told

    answer = MaskAnswer if model.segments else LabelAnswer

    @app.post("/api/predict", response_model=answer, responses=_problems(*_WITH_PHOTO), openapi_extra=_PHOTO)
    async def predict(request: Request, mask: bool = True) -> MaskAnswer | LabelAnswer:
        """Say what the network sees in a photo; `mask=false` leaves the mask out."""
        return await answers.predict(await read_photo_bytes(request, limits), with_mask=mask)

    @app.post(
        "/api/mask", response_class=Response, responses=_picture("A palette PNG of classes."), openapi_extra=_PHOTO
    )
    async def mask(request: Request) -> Response:
        """Return a photo's mask; only networks that give masks have one."""
        return Response(await answers.mask(await read_photo_bytes(request, limits)), media_type="image/png")

    @app.post("/api/overlay", response_class=Response, responses=_picture("The photo, coloured."), openapi_extra=_PHOTO)
    async def overlay(request: Request) -> Response:
        """Return a photo with its mask's colours half transparent over it; only networks that give masks have one."""
        return Response(await answers.overlay(await read_photo_bytes(request, limits)), media_type="image/png")
