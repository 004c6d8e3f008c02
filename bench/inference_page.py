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
FIGURES = {"mean_ap": "mean average precision by raw scores", "accuracy": "accuracy"}


def page(found: dict[str, Any]) -> str:
    """Return the page."""
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    lines = [
        "# Exported networks",
        "",
        f"{found['machine']}, {found['threads']} threads; python {found['python']}, {versions}. "
        "`SEAMLINE_DATA=… python bench/inference.py` makes this page again "
        "(`bench/inference.py`); `bench/results/export.json` holds every figure.",
        "",
        "`seamline export RUN` writes one ONNX file: `images` (batch, channels, height, width) uint8 in, `scores` and "
        "`probabilities` out, the normalisation inside, class names, colours, temperature and a fingerprint of the weights "
        "in its metadata. It is written only where ONNX Runtime and OpenVINO both give the run's own answers on its "
        "validation images: no score or probability may differ by more than 0.001, and 99.9 % of the answers must be the "
        "same. `seamline predict` takes the file, the run folder or the name of a network that ships with the package, "
        "`garments` or `facades` (`src/seamline/inference/pretrained`).",
        "",
        "`--reduce-tta` looks at an image less often: at fewer sizes, or not at its mirror image, as rarely as `--max-drop` allows "
        "on the validation images, and fits the temperature anew. `--int8` works with whole numbers of eight bits from the "
        "first convolution to the last ones; that is quick where the processor has instructions for it (VNNI, as here). "
        "PyTorch's `int8` is its own static quantisation (FX graph mode, `x86`), for comparison; Seamline does not ship it.",
    ]
    for name, of in found["networks"].items():
        lines += _network(name, of)
    lines += [
        "",
        "## A photo from file to mask",
        "",
        "`seamline predict facades photo.jpg`, the whole command from a cold start: seconds, median of the rounds, with the "
        "memory that the process held at most.",
        "",
        "| photo | engine | seconds | memory |",
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
    """Return what is said of one network."""
    figure = FIGURES[of["figure"]]
    lines = ["", f"## {name}", "", f"{of['size'] / 1e6:.2f} MB in the package.", ""]
    lines += [_made(title, one, figure) for title, one in of["made"].items() if title != "float32"]
    lines += [
        "",
        f"On the real test images: {figure}, and how many answers are those of the network in PyTorch.",
        "",
        f"| network | engine | {figure} | same answers | largest difference of a score |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in of["answers"]:
        same = f"{row['same']:.3%} | {row['difference']:.1e}" if "same" in row else " | "
        lines.append(f"| {row['numbers']} | {TITLES[row['engine']]} | {row['worth']:.4f} | {same} |")
    lines += [
        "",
        "Images a second (median of the rounds, each way in turn and in a process of its own), over PyTorch eager's, and the "
        "memory that the process held at most.",
        "",
        "| batch | way | network | images/s | over eager | memory |",
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
    looks = f"looks at an image {one['looks']}; " if one["looks"] else ""
    lost = 100 * (one["before"] - one["after"])
    return (
        f"- `{title}`: {looks}one file of {one['size'] / 1e6:.2f} MB; {lost:+.2f} points of {figure} lost on the "
        f"validation images ({one['before']:.4f} to {one['after']:.4f})"
        + (f", where {one['most']:g} were allowed." if one["most"] < 100 else ".")
    )
