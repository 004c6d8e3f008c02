"""docs/measurements/export.md, from the stored results."""

import statistics
from typing import Any

TITLES = {
    "pytorch": "PyTorch",
    "eager": "PyTorch eager",
    "compiled": "PyTorch compiled",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
}
METRICS = {"mean_ap": "mean average precision", "accuracy": "accuracy"}


def page(results: dict[str, Any]) -> str:
    """Return the page."""
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    lines = [
        "# Exported models",
        "",
        f"{results['machine']}, {results['threads']} threads; python {results['python']}, {versions}. "
        "`SEAMLINE_DATA=… python bench/inference.py` writes this page and `bench/results/export.json`.",
        "",
        "`seamline export RUN` writes one ONNX file and verifies it first: with ONNX Runtime and with OpenVINO, logits and "
        "probabilities on the validation images differ from PyTorch by at most 0.001, and at least 99.9 % of the "
        "predictions are the same. `--reduce-tta` reduces test-time augmentation (fewer scales, or no mirror image) as "
        "far as `--max-drop` allows on the validation images, and fits the temperature again. `--int8` quantizes to "
        "int8, which is faster on processors with int8 instructions (VNNI, as here). For comparison, the tables "
        "include PyTorch's own static quantization (FX graph mode, `x86`), which Seamline does not ship. "
        "The [guide](../guides/export.md) shows the commands.",
    ]
    for name, model in results["models"].items():
        lines += _model_section(name, model)
    lines += [
        "",
        "## End-to-end latency",
        "",
        "`seamline predict facades photo.jpg`, the whole command from a cold start: median time with minimum and maximum, "
        "and peak memory of the process.",
        "",
        "| photo | backend | time (s) | peak memory |",
        "| --- | --- | --- | --- |",
    ]
    for row in results["photos"]:
        spread = f"{min(row['seconds']):.2f}–{max(row['seconds']):.2f}"
        lines.append(
            f"| {row['photo']} | {TITLES[row['backend']]} | {statistics.median(row['seconds']):.2f} ({spread}) | "
            f"{row['peak'] / 1e6:,.0f} MB |"
        )
    if "web" in results:
        lines += _web_section(results["web"])
    return "\n".join(lines) + "\n"


def _web_section(web: dict[str, Any]) -> list[str]:
    """Return the section of folders for browsers."""
    lines = [
        "",
        "## In a browser",
        "",
        f"{web['machine']}, a load of {web['load']:.1f} before; Chromium {web['chromium']}, onnxruntime-web "
        f"{web['runtime']} with WebAssembly on one thread, against ONNX Runtime on one thread, in turns. "
        "`SEAMLINE_DATA=… python bench/web_export.py` writes this section. The photos are training images; times "
        "include decoding. Differences are the largest of any class's fraction (`garments`: probability) in any photo; "
        "same pixels are the least of any mask.",
        "",
        "| model | photos | time in the browser (s) | ONNX Runtime (s) | largest difference | same pixels |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, model in web["models"].items():
        for row in model["rows"]:
            times = [_times(row["seconds"][place]) for place in ("browser", "python")]
            same = "" if row["agreement"] is None else f"{row['agreement']:.3%}"
            lines.append(
                f"| {name} | {row['count']} {row['photos']} | {times[0]} | {times[1]} | {row['difference']:.1e} | {same} |"
            )
    lines += [
        "",
        "| folder | size | loaded by a browser | from a cold start until ready |",
        "| --- | --- | --- | --- |",
    ]
    for name, model in web["models"].items():
        lines.append(
            f"| {name} | {model['size'] / 1e6:.1f} MB in {model['files']} files | {model['first_load'] / 1e6:.1f} MB | "
            f"{model['ready']:.1f} s, from a server on the same machine |"
        )
    return [
        *lines,
        "",
        "WebGPU was run with Chromium's software adapter (SwiftShader) alone, not on a GPU: `garments` and `facades` "
        "predict the example images of their files as recorded.",
    ]


def _times(seconds: list[float]) -> str:
    """Return the median of times, with minimum and maximum."""
    return f"{statistics.median(seconds):.3f} ({min(seconds):.3f}–{max(seconds):.3f})"


def _model_section(name: str, model: dict[str, Any]) -> list[str]:
    """Return the section of one model."""
    metric = METRICS[model["metric"]]
    lines = [
        "",
        f"## {name}",
        "",
        f"The pretrained model `{name}` takes {model['size'] / 1e6:.2f} MB in the package.",
        "",
    ]
    lines += [_export_line(title, export, metric) for title, export in model["exports"].items() if title != "float32"]
    lines += [
        "",
        f"On the test images: {metric}, and the fraction of predictions that are the same as in PyTorch.",
        "",
        f"| model | backend | {metric} | same predictions | largest logit difference |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in model["predictions"]:
        agreement = f"{row['agreement']:.3%} | {row['difference']:.1e}" if "agreement" in row else " | "
        lines.append(f"| {row['precision']} | {TITLES[row['backend']]} | {row['score']:.4f} | {agreement} |")
    lines += [
        "",
        "Throughput: median over rounds, the backends in turn, each in a process of its own; speed-up over eager PyTorch; "
        "peak memory of the process.",
        "",
        "| batch | backend | model | images/s | speed-up | peak memory |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    eager = {
        row["batch"]: statistics.median(row["rates"])
        for row in model["rates"]
        if (row["backend"], row["precision"]) == ("eager", "float32")
    }
    for row in model["rates"]:
        if "failed" in row:
            lines.append(
                f"| {row['batch']} | {TITLES[row['backend']]} | {row['precision']} | {_end(row['failed'])} | | |"
            )
            continue
        rate = statistics.median(row["rates"])
        lines.append(
            f"| {row['batch']} | {TITLES[row['backend']]} | {row['precision']} | {rate:,.1f} | {rate / eager[row['batch']]:.2f} | "
            f"{row['peak'] / 1e6:,.0f} MB |"
        )
    return lines


def _end(status: str) -> str:
    """Return how a process ended, as text."""
    return "a segmentation fault in PyTorch" if status == "-11" else f"ended with status {status}"


def _export_line(title: str, export: dict[str, Any], metric: str) -> str:
    """Return the line of one export."""
    if "rejected" in export:
        return f"- `{title}`: {export['rejected']}"
    scales = f"predicts at {_scales(export['tta'])};" if export["tta"] else ""
    drop = 100 * (export["before"] - export["after"])
    return (
        f"- `{title}`: {scales} {export['size'] / 1e6:.2f} MB; {metric} on the validation images "
        f"drops by {drop:.2f} points ({export['before']:.4f} to {export['after']:.4f})"
        + (f"; the limit is {export['max_drop']:g}." if export["max_drop"] < 100 else ".")
    )


def _scales(tta: str) -> str:
    """Return the scales of reduced test-time augmentation, without their preposition."""
    return tta.removeprefix("at ")
