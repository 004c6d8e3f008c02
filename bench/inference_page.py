"""docs/measurements/export.md from the figures."""

import statistics
from typing import Any

TITLES = {
    "pytorch": "PyTorch",
    "eager": "PyTorch eager",
    "compiled": "PyTorch compiled",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
}
FIGURES = {"mean_ap": "mean average precision", "accuracy": "accuracy"}


def page(found: dict[str, Any]) -> str:
    """Return the page."""
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    lines = [
        "# Exported models",
        "",
        f"{found['machine']}, {found['threads']} threads; python {found['python']}, {versions}. "
        "`SEAMLINE_DATA=… python bench/inference.py` writes this page and `bench/results/export.json`.",
        "",
        "`seamline export RUN` writes one ONNX file and verifies it first: with ONNX Runtime and with OpenVINO, logits and "
        "probabilities on the validation images differ from PyTorch by at most 0.001, and at least 99.9 % of the "
        "predictions are the same. `--reduce-tta` reduces test-time augmentation (fewer scales, or no mirror image) as "
        "far as `--max-drop` allows on the validation images, and fits the temperature again. `--int8` quantizes to "
        "int8; this is faster on processors with instructions for it (VNNI, as here). For comparison, the tables "
        "include PyTorch's own static quantization (FX graph mode, `x86`), which Seamline does not ship. "
        "The [guide](../guides/export.md) shows the commands.",
    ]
    for name, of in found["networks"].items():
        lines += _network(name, of)
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
    for row in found["photos"]:
        spread = f"{min(row['seconds']):.2f}–{max(row['seconds']):.2f}"
        lines.append(
            f"| {row['photo']} | {TITLES[row['engine']]} | {statistics.median(row['seconds']):.2f} ({spread}) | "
            f"{row['peak'] / 1e6:,.0f} MB |"
        )
    return "\n".join(lines) + "\n"


def _network(name: str, of: dict[str, Any]) -> list[str]:
    """Return the section of one model."""
    figure = FIGURES[of["figure"]]
    lines = ["", f"## {name}", "", f"The pretrained model `{name}` takes {of['size'] / 1e6:.2f} MB in the package.", ""]
    lines += [_made(title, one, figure) for title, one in of["made"].items() if title != "float32"]
    lines += [
        "",
        f"On the test images: {figure}, and the fraction of predictions that are the same as in PyTorch.",
        "",
        f"| model | backend | {figure} | same predictions | largest logit difference |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in of["answers"]:
        same = f"{row['same']:.3%} | {row['difference']:.1e}" if "same" in row else " | "
        lines.append(f"| {row['numbers']} | {TITLES[row['engine']]} | {row['worth']:.4f} | {same} |")
    lines += [
        "",
        "Throughput: median over rounds, the ways in turn, each in a process of its own; speed-up over eager PyTorch; peak "
        "memory of the process.",
        "",
        "| batch | way | model | images/s | speed-up | peak memory |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    eager = {
        row["batch"]: statistics.median(row["rates"])
        for row in of["rates"]
        if (row["way"], row["numbers"]) == ("eager", "float32")
    }
    for row in of["rates"]:
        if "failed" in row:
            lines.append(f"| {row['batch']} | {TITLES[row['way']]} | {row['numbers']} | {_end(row['failed'])} | | |")
            continue
        rate = statistics.median(row["rates"])
        lines.append(
            f"| {row['batch']} | {TITLES[row['way']]} | {row['numbers']} | {rate:,.1f} | {rate / eager[row['batch']]:.2f} | "
            f"{row['peak'] / 1e6:,.0f} MB |"
        )
    return lines


def _end(status: str) -> str:
    """Return how a process ended, in words."""
    return "a segmentation fault in PyTorch" if status == "-11" else f"ended with status {status}"


def _made(title: str, one: dict[str, Any], figure: str) -> str:
    """Return what was exported in one way."""
    if "refused" in one:
        return f"- `{title}`: {one['refused']}"
    looks = f"predicts at {_scales(one['looks'])}; " if one["looks"] else ""
    lost = 100 * (one["before"] - one["after"])
    return (
        f"- `{title}`: {looks} {one['size'] / 1e6:.2f} MB; {figure} on the validation images "
        f"drops by {lost:.2f} points ({one['before']:.4f} to {one['after']:.4f})"
        + (f"; the limit is {one['most']:g}." if one["most"] < 100 else ".")
    )


def _scales(tta: str) -> str:
    """Return the scales of reduced test-time augmentation, without their preposition."""
    return tta.removeprefix("at ")
