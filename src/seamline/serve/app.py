"""The application: the page, the API and its description."""

from collections.abc import Callable, Collection, Coroutine, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from seamline.data.masks import ignored_color
from seamline.inference.predictor import Predictor
from seamline.run_folder import Task
from seamline.serve.card import CardResponse, read_card
from seamline.serve.collect import CorrectionStore, add_collection
from seamline.serve.documentation import add_documentation
from seamline.serve.inference_worker import ClassificationResponse, InferenceWorker, SegmentationResponse
from seamline.serve.measurement import MeasureQuery, MeasureResponse, response_schemas
from seamline.serve.middleware import Limits, SecurityMiddleware
from seamline.serve.responses import COMMON_ERRORS, PHOTO_ERRORS, TEXT, errors, success
from seamline.serve.samples import Sample, load_samples
from seamline.serve.upload import PHOTO_BODY, read_photo_bytes


class InputSize(BaseModel):
    """Size of the images that the model was trained on."""

    height: int
    width: int
    channels: int = Field(description="1 for gray, 3 for red, green and blue.")


class PhotoLimits(BaseModel):
    """Limits of a photo."""

    bytes: int = Field(description="Size of the request's body.")
    pixels: int


class SampleResponse(BaseModel):
    """A photo to try the model with."""

    path: str
    drawn: bool = Field(description="Whether a program drew it; else it is a validation image of the run.")


class ModelResponse(BaseModel):
    """The model."""

    name: str
    task: Task = Field(description="Whether the model predicts one class, or one for each pixel.")
    dataset: str = Field(description="Title of the dataset that it was trained on.")
    classes: list[str]
    palette: list[list[int]] = Field(description="Red, green and blue, 0 to 255, of each class; empty for labels.")
    ignored_color: list[int] | None = Field(
        description="The color of pixels whose class a correction leaves open; null for labels."
    )
    input_size: InputSize
    false_alarm_rate: float | None = Field(
        description="Fraction of images like the training images whose novelty is above 1; null where novelty is not "
        "available."
    )
    interval_level: float | None = Field(description="Probability of conformal intervals; null where there are none.")
    collects: bool = Field(description="Whether the server saves corrections: it was started with `--collect`.")
    queue: int | None = Field(description="Number of photos to correct, of `--queue`; null without.")
    measures: bool = Field(description="Whether the model measures buildings: it segments facades and windows.")
    limits: PhotoLimits
    samples: list[SampleResponse] = Field(description="Photos to try the model with.")


class Health(BaseModel):
    """The status of the server."""

    status: Literal["ok"] = "ok"


SCRIPTS = (
    *(
        "page.js",
        "api.js",
        "board.js",
        "colors.js",
        "card.js",
        "cards.js",
        "corners.js",
        "docs.js",
        "elements.js",
        "fronts.js",
        "inputs.js",
        "intake.js",
        "labels.js",
    ),
    *("legend.js", "mask.js", "mask_view.js", "measure.js", "model.js", "photos.js", "probe.js"),
    *("progress.js", "samples.js", "totals.js"),
    *(
        "correct.js",
        "correct_api.js",
        "correct_history.js",
        "correct_labels.js",
        "correct_mask.js",
        "correct_shapes.js",
        "correct_stage.js",
    ),
)
"""The modules of the page's program."""

_SEGMENTER_ERRORS = errors(409, *PHOTO_ERRORS)
_MASK = success("A palette PNG of class indices.", "image/png") | _SEGMENTER_ERRORS
_OVERLAY = success("The photo with the mask overlaid.", "image/png") | _SEGMENTER_ERRORS
_MEASURES = _SEGMENTER_ERRORS | success(
    "The fronts of the photo.", "application/json", {"$ref": f"#/components/schemas/{MeasureResponse.__name__}"}
)


def make_app(
    predictor: Predictor,
    limits: Limits | None = None,
    hosts: Collection[str] = (),
    samples: Sequence[Sample] | None = None,
    store: CorrectionStore | None = None,
) -> FastAPI:
    """Create the application that serves a model.

    Args:
        predictor: the model.
        limits: limits of requests.
        hosts: names that it is served on besides those of this machine.
        samples: photos to try it with; by default those of the model.
        store: where corrections are saved; None if they are not.
    """
    limits = limits or Limits()
    worker = InferenceWorker(predictor, limits)
    samples = load_samples(predictor) if samples is None else samples

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> Any:
        yield
        worker.close()

    app = FastAPI(
        title=f"Seamline: {predictor.name}",
        description="Predicts photos with a trained model. Photos are not stored"
        + (", unless a correction of one is saved." if store else "."),
        version=version("seamline"),
        docs_url=None,  # its page loads scripts of other sites; see `documentation`
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        responses=errors(*COMMON_ERRORS),
        separate_input_output_schemas=False,
    )
    app.add_middleware(SecurityMiddleware, limits=limits, hosts=hosts)
    _add_error_handlers(app)
    _add_page(app)
    _add_samples(app, samples)
    _add_model(app, worker, samples, store)
    _add_predictions(app, worker)
    add_documentation(app, predictor.task, measures=worker.measures, store=store)
    if store is not None:
        add_collection(app, worker, store)
    _add_schemas(app, response_schemas())
    return app


def _add_schemas(app: FastAPI, schemas: dict[str, Any]) -> None:
    """Add JSON schemas to the description of the API: those of responses that are no pydantic models."""
    describe = app.openapi

    def describe_all() -> dict[str, Any]:
        description = describe()
        description["components"]["schemas"].update(schemas)
        return description

    app.openapi = describe_all  # type: ignore[method-assign]


def _add_error_handlers(app: FastAPI) -> None:
    """Make every error one line of JSON."""

    def respond(status: int, reason: str, headers: Any = None) -> JSONResponse:
        return JSONResponse({"error": reason}, status, headers)

    async def on_http_error(request: Request, error: Any) -> JSONResponse:
        details = {
            404: f"{request.url.path}: not found; the page is at / and the description of the API at /docs"
            if error.detail == "Not Found"
            else error.detail,
            405: f"{request.url.path}: does not support {request.method}; see /docs",
        }
        return respond(error.status_code, details.get(error.status_code, str(error.detail)), error.headers)

    async def on_invalid(_: Request, error: Any) -> JSONResponse:
        first = error.errors()[0]
        return respond(422, f"{'.'.join(map(str, first['loc']))}: {first['msg'][:1].lower()}{first['msg'][1:]}")

    async def on_defect(_: Request, error: Exception) -> JSONResponse:
        return respond(500, f"internal server error ({type(error).__name__}); see the output of the server")

    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(Exception, on_defect)


def _add_page(app: FastAPI) -> None:
    """Serve the page from memory."""
    folder = Path(__file__).parent
    theme = folder.parent / "report" / "templates" / "theme.css"
    for path, name, media_type, files in (
        ("/", "page.html", "text/html", (folder / "page.html",)),
        (
            "/page.css",
            "page.css",
            "text/css",
            (theme, *map(folder.joinpath, ("common.css", "page.css", "correct.css"))),
        ),
        ("/docs.css", "docs.css", "text/css", (folder / "docs.css",)),
        *((f"/{name}", name, "text/javascript", (folder / name,)) for name in SCRIPTS),
    ):
        content = b"".join(file.read_bytes() for file in files)
        responses = success("A file of the page.", media_type, TEXT)
        app.get(path, response_class=Response, responses=responses, name=name)(
            _static(content, f"{media_type}; charset=utf-8")
        )


def _static(content: bytes, media_type: str) -> Callable[[], Coroutine[Any, Any, Response]]:
    """Return an endpoint that always returns the same content."""

    async def endpoint() -> Response:
        return Response(content, media_type=media_type)

    return endpoint


def _add_samples(app: FastAPI, samples: Sequence[Sample]) -> None:
    """Serve the sample photos from memory."""
    for sample in samples:
        responses = success("A sample photo.", sample.media_type)
        endpoint = _static(sample.content, sample.media_type)
        app.get(_path(sample), response_class=Response, responses=responses, name=sample.name)(endpoint)


def _path(sample: Sample) -> str:
    return f"/samples/{sample.name}"


def _add_model(app: FastAPI, worker: InferenceWorker, samples: Sequence[Sample], store: CorrectionStore | None) -> None:
    """Serve `/health`, the model and its card."""
    predictor, limits = worker.predictor, worker.limits
    metadata = predictor.metadata
    height, width, channels = metadata.input_size
    description = ModelResponse(
        name=predictor.name,
        task=predictor.task,
        dataset=metadata.dataset,
        classes=list(predictor.classes),
        palette=[list(color) for color in predictor.palette],
        ignored_color=[*ignored_color(predictor.palette)] if predictor.task == "segmentation" else None,
        input_size=InputSize(height=height, width=width, channels=channels),
        false_alarm_rate=predictor.false_alarm_rate,
        interval_level=predictor.interval_level,
        collects=store is not None,
        queue=len(store.queue) if store and store.queue else None,
        measures=worker.measures,
        limits=PhotoLimits(bytes=limits.bytes, pixels=limits.pixels),
        samples=[SampleResponse(path=_path(sample), drawn=sample.drawn) for sample in samples],
    )
    card_content = read_card(predictor)

    @app.get("/health")
    async def health() -> Health:
        """Return the status of the server."""
        return Health()

    @app.get("/api/model")
    async def model() -> ModelResponse:
        """Describe the model and the limits of a photo."""
        return description

    @app.get("/api/card")
    async def card() -> CardResponse:
        """Return the model's card: intended use, limits, figures, data and license."""
        return card_content


def _add_predictions(app: FastAPI, worker: InferenceWorker) -> None:
    """Serve predictions of photos."""
    limits = worker.limits
    response = SegmentationResponse if worker.predictor.task == "segmentation" else ClassificationResponse

    @app.post("/api/predict", response_model=response, responses=errors(*PHOTO_ERRORS), openapi_extra=PHOTO_BODY)
    async def predict(
        request: Request,
        mask: Annotated[bool, Query(description="Whether to include the mask of a segmentation model.")] = True,
        confidence: Annotated[
            bool, Query(description="Whether to include the probability of each pixel's class.")
        ] = False,
    ) -> SegmentationResponse | ClassificationResponse:
        """Predict a photo."""
        content = await read_photo_bytes(request, limits)
        return await worker.predict(content, with_mask=mask, with_confidence=confidence)

    @app.post("/api/mask", response_class=Response, responses=_MASK, openapi_extra=PHOTO_BODY)
    async def mask(request: Request) -> Response:
        """Return a photo's mask. For segmentation models only."""
        return Response(await worker.mask(await read_photo_bytes(request, limits)), media_type="image/png")

    @app.post("/api/overlay", response_class=Response, responses=_OVERLAY, openapi_extra=PHOTO_BODY)
    async def overlay(request: Request) -> Response:
        """Return a photo with its mask laid over it, half and half. For segmentation models only."""
        return Response(await worker.overlay(await read_photo_bytes(request, limits)), media_type="image/png")

    @app.post("/api/measure", response_class=Response, responses=_MEASURES, openapi_extra=PHOTO_BODY)
    async def measure(request: Request, query: Annotated[MeasureQuery, Query()]) -> Response:
        """Measure the buildings in a photo: windows, storeys and window-to-wall ratio of each front.

        For segmentation models with classes for facades and windows only.
        """
        content = await worker.measure(await read_photo_bytes(request, limits), query)
        return Response(content, media_type="application/json")
