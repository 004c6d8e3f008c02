"""`seamline predict`, `seamline export`, `seamline verify` and `seamline serve`."""

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import seamline
from seamline.cli.options import (
    BackendOption,
    DataDirOption,
    DeviceOption,
    JsonOption,
    ModelArgument,
    RunArgument,
    ThreadsOption,
    print_json,
)
from seamline.cli.photos import refuse_on_cluster, run_on_cluster, say_unused
from seamline.errors import SeamlineError, require_extra
from seamline.io import read_json
from seamline.progress import Reporter, result
from seamline.run_folder import PhotoPrediction
from seamline.threads import idle_threads, watch_load

if TYPE_CHECKING:
    from seamline.api.use import ExportArguments

_SHOWN_FRACTION = 0.0005
"""Fraction of a photo's pixels from which on a class is printed."""


def predict(
    model: ModelArgument,
    photos: Annotated[list[str], typer.Argument(metavar="PHOTO...", help="Photos, folders of photos, or patterns.")],
    out: Annotated[str | None, typer.Option("--out", help="Output folder; default: predictions/RUN.")] = None,
    max_side: Annotated[
        int | None,
        typer.Option("--max-side", help="Reduce a photo's longer side to this; 0 keeps it."),
    ] = None,
    with_report: Annotated[bool, typer.Option("--report", help="Also write an HTML page.")] = False,
    ray_address: Annotated[
        str | None,
        typer.Option("--ray-address", metavar="ADDRESS", help="Predict on a Ray cluster; local starts one here."),
    ] = None,
    device: DeviceOption = "auto",
    backend: BackendOption = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Predict labels or masks of your own photos."""
    if ray_address is not None:
        refuse_on_cluster(with_report, device, backend, threads)
        with require_extra("--ray-address", "cluster"):
            from seamline.cluster import predict_on_cluster
        call = partial(predict_on_cluster, model, out=out, address=ray_address, max_side=max_side)
        run_on_cluster(photos, call, "predicted", "read", as_json)
        return
    watch_load()
    reporter = Reporter()
    predict_photos = seamline.predict  # imported before the measurement of the load ends
    threads = idle_threads(threads, "predicting", reporter.say)
    with reporter.photos() as progress:
        predictions = predict_photos(
            model,
            photos,
            out=out,
            max_side=max_side,
            report=with_report,
            progress=progress,
            backend=backend,
            device=device,
            threads=threads,
        )
    if as_json:
        print_json(read_json(predictions.folder / "predictions.json"))
    else:
        for photo in predictions.photos:
            result(f"{photo.file}: {_prediction_text(photo)}")
        result(f"{len(predictions.photos)} of {len(predictions.photos) + len(predictions.errors)} photos predicted")
        result(f"Results: {predictions.folder}" + (f"\nPage:    {predictions.page}" if predictions.page else ""))
    say_unused(reporter, predictions.unused, predictions.warnings)
    for error in predictions.errors:
        reporter.say(f"{error.file}: {error.reason}")
    if predictions.errors:
        raise typer.Exit(1)


def _prediction_text(photo: PhotoPrediction) -> str:
    """Return label or fractions of a photo, the largest first, and whether it is unlike the training images."""
    if photo.label is not None and photo.probability is not None:
        text = f"{photo.label} ({photo.probability:.0%})"
    else:
        shown = [name for name, fraction in photo.class_fractions.items() if fraction >= _SHOWN_FRACTION]
        text = ", ".join(
            f"{name} {photo.class_fractions[name]:.1%}"
            + (" ({:.1%} to {:.1%})".format(*photo.class_intervals[name]) if name in photo.class_intervals else "")
            for name in sorted(shown, key=lambda name: -photo.class_fractions[name])
        )
    is_novel = photo.novelty is not None and photo.novelty > 1
    return f"{text}; unlike the training images (novelty {photo.novelty:.2f})" if is_novel else text


def export(
    run: RunArgument,
    out: Annotated[Path | None, typer.Option("--out", help="ONNX file; default: in the run folder.")] = None,
    reduce_tta: Annotated[
        bool, typer.Option("--reduce-tta", help="Reduce test-time augmentation within --max-drop.")
    ] = False,
    int8: Annotated[bool, typer.Option("--int8", help="Quantize to int8 within --max-drop.")] = False,
    max_drop: Annotated[
        float, typer.Option("--max-drop", metavar="POINTS", help="Largest loss of accuracy or mean AP.")
    ] = 1.0,
    data_dir: DataDirOption = None,
    web: Annotated[
        Path | None, typer.Option("--web", metavar="DIR", help="Write a folder that predicts in browsers.")
    ] = None,
    runtime: Annotated[
        Path | None, typer.Option("--runtime", metavar="FOLDER", help="onnxruntime-web for --web; default: from npm.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Export a run to one verified ONNX file, or to a folder for browsers."""
    options: ExportArguments = {"data_dir": data_dir, "max_drop": max_drop}
    if out is not None:
        options["out"] = out
    if reduce_tta:
        options["reduce_tta"] = True
    if int8:
        options["int8"] = True
    if web is not None:
        _export_web(run, web, runtime, options, as_json)
        return
    if runtime is not None:
        raise SeamlineError(f"--runtime {runtime}: is for --web DIR; give both, or omit it")
    exported = seamline.export(run, progress=Reporter(), **options)
    if as_json:
        verifications = [vars(one) for one in exported.verifications]
        summary = {"file": str(exported.file), "bytes": exported.size, "verifications": verifications}
        if exported.drop is not None:
            summary |= {"metric": exported.metric, "before": exported.before, "after": exported.after}
        print_json(summary | ({"tta": exported.tta} if exported.tta else {}))
        return
    from seamline.evaluation.text import pluralize

    for one in exported.verifications:
        result(f"{one}, on {pluralize(one.images, 'validation image')}")
    if exported.tta:
        result(f"Test-time augmentation: {exported.tta}")
    if exported.drop is not None:
        metric = {"mean_ap": "mean AP", "accuracy": "accuracy"}[exported.metric]
        change = f"{exported.before:.4f} before, {exported.after:.4f} after: {exported.drop:+.2f} points lost"
        result(f"{metric} on validation {change}")
    result(f"File: {exported.file} ({exported.size / 1e6:.1f} MB)")


def _export_web(run: Path, web: Path, runtime: Path | None, options: "ExportArguments", as_json: bool) -> None:
    """Export a run to a folder for browsers, and print what was written."""
    exported = seamline.export_web(run, web, runtime=runtime, progress=Reporter(), **options)
    if as_json:
        print_json(vars(exported) | {"folder": str(exported.folder)})
        return
    result(f"Folder: {exported.folder} ({exported.files} files, {exported.size / 1e6:.1f} MB)")
    result(f"A browser loads {exported.first_load / 1e6:.1f} MB once. To try it:")
    result(f"python -m http.server --bind 127.0.0.1 --directory {shlex.quote(str(exported.folder))}")


def verify(model: ModelArgument, as_json: JsonOption = False) -> None:
    """Verify checksums and stored predictions of a model."""
    verified = seamline.verify(model)
    if as_json:
        files = [{"file": str(one.file), "sha256": one.sha256} for one in verified.files]
        print_json({"files": files, "outputs": [vars(one) | {"file": str(one.file)} for one in verified.outputs]})
        return
    for file in verified.files:
        result(f"{file.sha256}  {file.file}")
    for one in verified.outputs:
        result(
            f"{one.file.name} with {one.backend}: predictions for {one.images} stored images as recorded, largest "
            f"difference {one.difference:.1e}"
        )
    if not verified.outputs:
        result("Predictions are not compared: export the run, or pip install 'seamline[train]'")
    result(f"Verified: {model}")


def serve(
    model: ModelArgument = Path("streets"),
    host: Annotated[str, typer.Option("--host", help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 picks a free one.")] = 8000,
    allow_host: Annotated[
        list[str] | None, typer.Option("--allow-host", metavar="NAME", help="Additional host name; repeatable.")
    ] = None,
    max_megabytes: Annotated[
        float, typer.Option("--max-megabytes", min=0.001, max=2048, help="Largest file in megabytes.")
    ] = 32,
    max_megapixels: Annotated[
        float, typer.Option("--max-megapixels", min=0.001, max=200, help="Largest photo in megapixels.")
    ] = 50,
    collect: Annotated[
        Path | None, typer.Option("--collect", metavar="FOLDER", help="Save corrections of predictions in this folder.")
    ] = None,
    queue: Annotated[
        Path | None, typer.Option("--queue", metavar="FILE", help="Photos to correct, from `seamline suggest`.")
    ] = None,
    samples: Annotated[
        bool, typer.Option("--samples/--no-samples", help="Sample photos; of a run validation images.")
    ] = True,
    device: DeviceOption = "auto",
    backend: BackendOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Serve a model as a web page with an HTTP API."""
    watch_load()
    from seamline.serve.collect import CollectOptions
    from seamline.serve.middleware import Limits
    from seamline.serve.server import serve as serve_model

    serve_model(
        model,
        host=host,
        port=port,
        allowed_hosts=tuple(allow_host or ()),
        collect=CollectOptions.of(collect, queue),
        limits=Limits(bytes=round(max_megabytes * (1 << 20)), pixels=round(max_megapixels * 1_000_000)),
        samples=samples,
        device=device,
        backend=backend,
        threads=idle_threads(threads, "serving", Reporter().say),
        on_ready=result,
    )
