"""docs/export.md from the figures."""

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
        "([`bench/inference.py`](../bench/inference.py)); `export.json` beside it holds every figure.",
        "",
        "`seamline export RUN` writes one ONNX file: `images` (batch, channels, height, width) uint8 in, `scores` and "
        "`probabilities` out, the normalisation inside, class names, colours, temperature and a fingerprint of the weights "
        "in its metadata. It is written only where ONNX Runtime and OpenVINO both give the run's own answers on its "
        "validation images: no score or probability may differ by more than 0.001, and 99.9 % of the answers must be the "
        "same. `seamline predict` takes the file, the run folder or the name of a network that ships with the package, "
        "`garments` or `facades` ([cards](../src/seamline/ship/ready)).",
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
    val = of["validation"]
    figure = FIGURES[val["figure"]]
    lines = [
        "",
        f"## {name}",
        "",
        f"{of['size'] / 1e6:.2f} MB in the package; with whole numbers of eight bits, one file of "
        f"{of['int8_size'] / 1e6:.2f} MB. These cost {val['before'] - val['after']:+.4f} of {figure} on the validation "
        f"images ({val['before']:.4f} to {val['after']:.4f}).",
        "",
        f"On the real test images: {figure}, and how many answers are those of the network in PyTorch.",
        "",
        f"| numbers | engine | {figure} | same answers | largest difference of a score |",
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
        "| batch | way | numbers | images/s | over eager | memory |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    eager = {row["batch"]: statistics.median(row["rates"]) for row in of["rates"] if row["way"] == "eager"}
    for row in of["rates"]:
        rate = statistics.median(row["rates"])
        lines.append(
            f"| {row['batch']} | {TITLES[row['way']]} | {row['numbers']} | {rate:,.1f} | {rate / eager[row['batch']]:.2f} | "
            f"{row['peak'] / 1e6:,.0f} MB |"
        )
    return lines
