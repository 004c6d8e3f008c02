"""bench/results/benchmarks.json -> docs/measurements/benchmarks.md."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from time_to_accuracy import plain_seconds

Section = dict[str, Any]
REQUIRED = 0.9
"""Fraction of the seeds that must reach the goal."""

TARGETS = {
    "garments": 100.0,
    "facades": 40.0,
    "plain": 4.5,
    "keras": 1.6,
    "cnn": 0.65,
    "unet": 0.80,
    "idle": 0.97,
    "busy": 0.55,
}


def page(stored: dict[str, Section]) -> str:
    """Return the page, with the parts for which there are results."""
    lines = [
        "# Benchmarks",
        "",
        "`make bench-frameworks` runs the framework comparison (it installs about 8 GB into a separate environment), "
        "`make bench` everything else; both write `bench/results/benchmarks.json` and this page. Contenders run in turn, "
        "each in a fresh process. Values are medians with minimum and maximum in parentheses; ratios are ratios of "
        "medians.",
        "",
        "GFLOP/s is the rate of `torch.mm` for two float32 matrices of 2048 × 2048, measured before and after a section. To "
        "estimate a training time on another machine, multiply it by the rate given here and divide by that of the machine, "
        "which `python bench/hardware_peak.py` prints.",
        "",
        *(f"- {name}: {_where(section)}" for name, section in _named(stored)),
    ]
    writers: dict[str, Callable[[], list[str]]] = {
        "targets": lambda: _targets(stored),
        "time_to_accuracy": lambda: _time_to_accuracy(stored),
        "frameworks": lambda: _frameworks(stored),
        "busy": lambda: busy_section(stored["busy"]),
        "presets": lambda: _presets(stored["presets"]),
        "scaling": lambda: _scaling(stored["scaling"]["result"]),
        "image_sizes": lambda: _image_sizes(stored["image_sizes"]["result"]),
        "microbenchmarks": lambda: _microbenchmarks(stored["microbenchmarks"]["result"]),
    }
    for name, write in writers.items():
        if name in ("targets", "frameworks") or name in stored:
            lines += ["", *write()]
    lines += ["", *GPU]
    return "\n".join(lines) + "\n"


TITLES = {
    "frameworks": "framework comparison",
    "plain_comparison": "comparison with the plain PyTorch loop",
    "time_to_accuracy": "time to accuracy",
    "plain_loop": "complete runs of the plain loop",
    "busy": "beside busy processes",
    "presets": "presets",
    "scaling": "scaling with images",
    "image_sizes": "scaling with image size",
    "microbenchmarks": "microbenchmarks",
}

GPU = [
    "## GPU",
    "",
    "`python bench/benchmarks.py --device cuda` runs the presets, the comparison and the time to accuracy on a GPU and "
    "writes `bench/results/benchmarks-cuda.json`; `--set amp_dtype=bfloat16` trains with mixed precision. "
    "This page has no GPU results.",
]


def _named(stored: dict[str, Section]) -> Iterable[tuple[str, Section]]:
    return [(title, stored[name]) for name, title in TITLES.items() if name in stored]


def _where(section: Section) -> str:
    versions = section["result"].get("versions", section["versions"]) if isinstance(section["result"], dict) else {}
    tools = ", ".join(f"{tool} {number}" for tool, number in (versions or section["versions"]).items())
    rate = _rate(section)
    return f"{section['machine']}, {section['threads']} threads, {rate}, {tools}; {section['minutes']:.0f} minutes"


def _rate(section: Section) -> str:
    """Return the rate of matrix products in the run of a section."""
    rates = section.get("matrix_product")
    return " to ".join(f"{rate / 1e9:,.0f}" for rate in sorted(rates)) + " GFLOP/s" if rates else "GFLOP/s not measured"


def spread(values: Sequence[float], style: str = ",.0f") -> str:
    """Return median, minimum and maximum as text."""
    return f"{statistics.median(values):{style}} ({min(values):{style}} to {max(values):{style}})"


def _peak_line(peak: dict[str, float]) -> str:
    return (
        f"Hardware peak in the same run: {peak['matrix_product'] / 1e9:,.0f} GFLOP/s for a "
        f"float32 product of 4096 × 4096 matrices (the faster of two implementations: `torch.mm` "
        f"{peak['torch.mm'] / 1e9:,.0f}, the same product as a 1 × 1 convolution "
        f"{peak['convolution of 1 x 1'] / 1e9:,.0f}), and {peak['copy'] / 1e9:,.0f} GB/s for a copy (read "
        "plus write)."
    )


def _frameworks(stored: dict[str, Section]) -> list[str]:
    section = stored.get("frameworks") or stored.get("plain_comparison")
    if section is None:
        return []
    result = section["result"]
    peak = result["hardware_peak"]
    lines = [
        "## Framework comparison",
        "",
        "The models and presets of the study (Adam at 1e-3; garments in batches of 1,024, facades of 10), images in "
        "memory, float32, one warm-up epoch and one timed epoch; the programs are in `bench/baselines`. The benchmark stops "
        "with an error unless all contenders end the second epoch with about the same loss. The plain loop is that of a "
        "tutorial: `DataLoader`, eager layers, Adam. Operations count matrix products and convolutions, forward and "
        "backward; utilization is relative to the peak rate of matrix products below.",
        "",
        _peak_line(peak),
    ]
    for task, measured in result["tasks"].items():
        rows = measured["contenders"]
        ours = statistics.median(rows["with_seamline"]["rates"])
        lines += [
            "",
            f"### {'Garments: two convolutions' if task == 'garments' else 'Facades: FacadeNet'}",
            "",
            f"{measured['operations'] / 1e6:,.1f} MFLOP per image, {measured['images']:,} images.",
            "",
            "| framework | images/s | GFLOP/s | utilization | speed-up of Seamline |",
            "| --- | --- | --- | --- | --- |",
        ]
        for row in sorted(rows.values(), key=lambda one: statistics.median(one["rates"])):
            rate = statistics.median(row["rates"])
            work = rate * measured["operations"]
            lines.append(
                f"| {row['title']} | {spread(row['rates'], _style(rate))} | {work / 1e9:,.0f} | "
                f"{work / peak['matrix_product']:.0%} | {ours / rate:.2f} |"
            )
    return lines


def busy_section(section: Section) -> list[str]:
    """Return the section about training beside busy processes."""
    result = section["result"]
    lines = [
        "## Beside busy processes",
        "",
        f"`python bench/busy.py` trains the garment model of the study (one warm-up epoch, one timed epoch of "
        f"{result['images']:,} images) on the idle machine, and beside processes that compute without end and start before "
        "the training; ONNX Runtime and OpenVINO predict images of 256 × 256 pixels with the exported model `facades`. "
        "Images/s; the percentage is relative to the same program on the idle machine. "
        "[Speed](../explanation/speed.md#beside-other-work) describes what Seamline does. *Started before the busy "
        "processes* means: with a thread per core, because all cores were idle when the run started.",
        "",
        "| program | idle | beside one | beside two |",
        "| --- | --- | --- | --- |",
    ]
    for row in result["contenders"].values():
        rates = row["rates"]
        idle = statistics.median(rates["0"])
        cells = [f"{spread(rates[load])}, {statistics.median(rates[load]) / idle:.0%}" for load in ("1", "2")]
        lines.append(f"| {row['title']} | {spread(rates['0'])} | {' | '.join(cells)} |")
    return lines


def _busy_targets(section: Section) -> list[str]:
    """Return the rows of the targets beside busy processes."""
    contenders = section["result"]["contenders"]
    before = statistics.median(contenders["before"]["rates"]["0"])
    idle, busy = (statistics.median(contenders["after"]["rates"][load]) / before for load in ("0", "1"))
    usual = "relative to a thread per core on the idle machine"
    return [
        _utilization(f"throughput on the idle machine, {usual}", idle, TARGETS["idle"]),
        _utilization(f"throughput beside one busy process, {usual}", busy, TARGETS["busy"]),
    ]


def _style(rate: float) -> str:
    return ",.0f" if rate >= 100 else ",.1f"


def _presets(section: Section) -> list[str]:
    peak = section["result"]["hardware_peak"]
    return [
        "## Throughput by preset",
        "",
        "One epoch on synthetic images of the study's sizes, with augmentation. Operations count all products, but "
        "convolutions skip products with the zeros of the padding, so utilization can exceed 100 %.",
        "",
        _peak_line(peak),
        "",
        "| dataset | preset | images/s | MFLOP per image | GFLOP/s | utilization |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {row['data']} | `{row['preset']}` | {spread(row['rates'], _style(row['rates'][0]))} | "
            f"{row['operations'] / 1e6:,.1f} | {_work(row) / 1e9:,.0f} | {_work(row) / peak['matrix_product']:.0%} |"
            for row in section["result"]["rows"]
        ),
    ]


def _work(row: dict[str, Any]) -> float:
    return float(statistics.median(row["rates"]) * row["operations"])


def _time_to_accuracy(stored: dict[str, Section]) -> list[str]:
    lines = [
        "## Time to accuracy",
        "",
        "**Protocol.** Each run is a fresh process. The clock starts when the libraries are loaded and images and labels "
        "are in memory as uint8, and stops after the last training step; it includes building the model, computing mean "
        "and standard deviation, and initializing the weights, but not evaluation. Each seed has its own split by groups, "
        f"initial weights and order. A preset reaches the goal if at least {REQUIRED:.0%} of its seeds reach it on their "
        "own validation images at the end of the run; no epoch is selected. Test images are evaluated once, afterward. "
        "The baseline is the preset `original` in a plain PyTorch loop: all its epochs at the median throughput "
        "measured between the runs of the presets, and the first epoch of a complete run (seed 0) that reaches the goal.",
    ]
    for task, results in stored["time_to_accuracy"]["result"].items():
        whole = stored.get("plain_loop", {}).get("result", {}).get(task)
        quantity = "validation accuracy" if task == "garments" else "mean average precision"
        lines += [
            "",
            f"### {task.capitalize()}: {quantity} of {_metric(results['goal'], task)}",
            "",
            "| | time (s) | seeds that reach it | validation, min to max | test, min to max | speed-up |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        if whole:
            epochs = len(whole["epochs"])
            plain = plain_seconds(results, epochs)
            end = whole["epochs"][-1]
            lines.append(
                f"| `original` in a plain loop, all {epochs} epochs | {plain:,.0f} | "
                f"{'1' if end['val'] >= results['goal'] else '0'} of 1 | {_metric(end['val'], task)} | "
                f"{_metric(end['test'], task)} | 1 |"
            )
            if (first := whole["goal_epoch"]) is not None:
                at = plain_seconds(results, first)
                lines.append(f"| the same until the goal, after epoch {first} | {at:,.0f} | | | | {plain / at:.1f} |")
            else:
                best = max(line["val"] for line in whole["epochs"])
                lines.append(f"| the same until the goal | not reached; best {_metric(best, task)} | | | | |")
        for name, seeds in results["presets"].items():
            seconds = [seed["seconds"] for seed in seeds]
            ratio = f"{plain / statistics.median(seconds):,.0f}" if whole else ""
            lines.append(
                f"| `{name}` | {spread(seconds, '.1f')} | {_n_reached(results, name)} of {len(seeds)} | "
                f"{_range([seed['val'] for seed in seeds], task)} | {_range([seed['test'] for seed in seeds], task)} | "
                f"{ratio} |"
            )
        lines += [
            "",
            f"{results['train_images']:,} training images. Throughput of the plain loop, measured {len(results['plain_rates'])} "
            f"times between the runs of the presets: {spread(results['plain_rates'], _style(results['plain_rates'][0]))} images/s.",
        ]
    return lines


def _n_reached(results: dict[str, Any], name: str) -> int:
    return sum(seed["val"] >= results["goal"] for seed in results["presets"][name])


def _metric(value: float, task: str) -> str:
    return f"{value:.1%}" if task == "garments" else f"{value:.3f}"


def _range(values: list[float], task: str) -> str:
    return f"{_metric(statistics.median(values), task)} ({_metric(min(values), task)} to {_metric(max(values), task)})"


def _scaling(result: dict[str, list[dict[str, Any]]]) -> list[str]:
    lines = [
        "## Scaling with the number of images",
        "",
        "One epoch of `fast` in a fresh process. Peak memory is that of the whole process, including PyTorch.",
    ]
    for task, rows in result.items():
        first = rows[0]
        lines += [
            "",
            f"| {task} | factor | ms per image | peak memory | size of the images |",
            "| --- | --- | --- | --- | --- |",
            *(
                f"| {row['images']:,} | {row['images'] / first['images']:.0f} | {spread(row['milliseconds'], '.3f')} | "
                f"{row['peak'] / 1e6:,.0f} MB | {row['image_bytes'] / 1e6:,.0f} MB |"
                for row in rows
            ),
        ]
    return lines


def _image_sizes(rows: list[dict[str, Any]]) -> list[str]:
    default, full = ([row for row in rows if row["size"] == size] for size in ("default", "full"))
    return [
        "## Scaling with image size",
        "",
        "Time of the whole command `seamline predict RUN PHOTO` with a segmenter of the preset `fast`: at the default size "
        "(at most 1.5 times that of the training images), and with `--max-side 0` (full size, tile by tile).",
        "",
        "| megapixels | time (s) | peak memory | time (s), `--max-side 0` | peak memory, `--max-side 0` |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {one['megapixels']} | {spread(one['seconds'], '.2f')} | {one['peak'] / 1e6:,.0f} MB | "
            f"{spread(other['seconds'], '.1f')} | {other['peak'] / 1e6:,.0f} MB |"
            for one, other in zip(default, full, strict=True)
        ),
    ]


def _microbenchmarks(result: dict[str, list[float]]) -> list[str]:
    return [
        "## Microbenchmarks",
        "",
        "| operation | time (s) |",
        "| --- | --- |",
        *(f"| {name} | {spread(values, '.2f')} |" for name, values in result.items()),
    ]


def _targets(stored: dict[str, Section]) -> list[str]:
    """Return the table of targets and measured values."""
    rows: list[str] = []
    if "time_to_accuracy" in stored and "plain_loop" in stored:
        for task, results in stored["time_to_accuracy"]["result"].items():
            plain = plain_seconds(results, len(stored["plain_loop"]["result"][task]["epochs"]))
            for name, seeds in results["presets"].items():
                seconds = statistics.median([seed["seconds"] for seed in seeds])
                target = f"{TARGETS[task]:.0f} times" + (", and under 3 minutes" if task == "facades" else "")
                measured_text = (
                    f"{plain / seconds:,.0f} times, {seconds:.1f} s; {_n_reached(results, name)} of {len(seeds)} seeds"
                )
                goal = _metric(results["goal"], task)
                quantity = f"{task} to {goal} on validation: speed-up of `{name}` over `original` in a plain loop"
                rows.append(
                    _row(
                        quantity,
                        target,
                        measured_text,
                        plain / seconds >= TARGETS[task] and _n_reached(results, name) >= REQUIRED * len(seeds),
                    )
                )
    comparison = (stored.get("frameworks") or stored.get("plain_comparison") or {}).get("result")
    if comparison:
        measured = comparison["tasks"]["garments"]
        rates = {name: statistics.median(row["rates"]) for name, row in measured["contenders"].items()}
        for name, key in (("plain", "plain"), ("with_keras", "keras")):
            if name in rates:
                ratio = rates["with_seamline"] / rates[name]
                quantity = f"speed-up on the garment model of the study over {measured['contenders'][name]['title']}"
                rows.append(_row(quantity, f"{TARGETS[key]} times", f"{ratio:.2f} times", ratio >= TARGETS[key]))
        utilization = rates["with_seamline"] * measured["operations"] / comparison["hardware_peak"]["matrix_product"]
        rows.append(_utilization("utilization, garment model of the study", utilization, TARGETS["cnn"]))
    if "presets" in stored:
        limit = stored["presets"]["result"]["hardware_peak"]["matrix_product"]
        by_name = {(row["data"], row["preset"]): row for row in stored["presets"]["result"]["rows"]}
        for name in ("fast", "best"):
            utilization = _work(by_name["facades", name]) / limit
            rows.append(_utilization(f"utilization, facade U-Net of `{name}`", utilization, TARGETS["unet"]))
    if "busy" in stored:
        rows += _busy_targets(stored["busy"])
    if not rows:
        return []
    return ["## Targets", "", "| quantity | target | measured | met |", "| --- | --- | --- | --- |", *rows]


def _utilization(quantity: str, utilization: float, target: float) -> str:
    return _row(quantity, f"{target:.0%}", f"{utilization:.0%}", utilization >= target)


def _row(quantity: str, target: str, measured_text: str, met: bool) -> str:
    return f"| {quantity} | {target} | {measured_text} | {'yes' if met else '**no**'} |"
