"""bench/results/benchmarks.json -> docs/measurements/benchmarks.md."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from time_to_accuracy import plain_seconds

Section = dict[str, Any]
NEEDED = 0.9
"""Fraction of the seeds that must reach the goal."""

TARGETS = {
    "garments": 100.0,
    "facades": 40.0,
    "plain": 4.5,
    "keras": 1.6,
    "study": 0.65,
    "unet": 0.80,
}


def page(stored: dict[str, Section]) -> str:
    """Return the page, with the parts for which there are results."""
    lines = [
        "# Benchmarks",
        "",
        "`make bench` runs everything except the framework comparison, `make bench-frameworks` runs that (it installs "
        "about 8 GB into an environment of its own); both write `bench/results/benchmarks.json` and this page. "
        "Contenders run in turns, each in a fresh process. Values are medians with minimum and maximum in brackets; "
        "ratios are ratios of medians.",
        "",
        *(f"- {name}: {_where(section)}" for name, section in _named(stored)),
    ]
    writers: dict[str, Callable[[], list[str]]] = {
        "targets": lambda: _targets(stored),
        "reach": lambda: _reach(stored),
        "contest": lambda: _contests(stored),
        "recipes": lambda: _recipes(stored["recipes"]),
        "growth": lambda: _growth(stored["growth"]["result"]),
        "photos": lambda: _photos(stored["photos"]["result"]),
        "parts": lambda: _parts(stored["parts"]["result"]),
    }
    for name, write in writers.items():
        if name in ("targets", "contest") or name in stored:
            lines += ["", *write()]
    lines += ["", *GPU]
    return "\n".join(lines) + "\n"


TITLES = {
    "peers": "framework comparison",
    "own": "comparison with the plain PyTorch loop",
    "reach": "time to accuracy",
    "plain": "complete runs of the plain loop",
    "recipes": "presets",
    "growth": "scaling with images",
    "photos": "scaling with image size",
    "parts": "microbenchmarks",
}

GPU = [
    "## GPU",
    "",
    "`python bench/benchmarks.py --device cuda` runs the presets, the comparison and the time to accuracy on a GPU and "
    "writes `bench/results/benchmarks-cuda.json`; `--set precision=bfloat16` trains with mixed precision. "
    "This page has no GPU results.",
]


def _named(stored: dict[str, Section]) -> Iterable[tuple[str, Section]]:
    return [(title, stored[name]) for name, title in TITLES.items() if name in stored]


def _where(section: Section) -> str:
    versions = section["result"].get("versions", section["versions"]) if isinstance(section["result"], dict) else {}
    tools = ", ".join(f"{tool} {number}" for tool, number in (versions or section["versions"]).items())
    return f"{section['machine']}, {section['threads']} threads, {tools}; {section['minutes']:.0f} minutes"


def spread(values: Sequence[float], style: str = ",.0f") -> str:
    """Median, least and most."""
    return f"{statistics.median(values):{style}} ({min(values):{style}} to {max(values):{style}})"


def _limits_line(limits: dict[str, float]) -> str:
    return (
        f"Hardware peak in the same run: {limits['matrix_product'] / 1e9:,.0f} GFLOP/s for a "
        f"float32 product of 4096 × 4096 matrices (the faster of two implementations: `torch.mm` "
        f"{limits['torch.mm'] / 1e9:,.0f}, the same product as a 1 × 1 convolution "
        f"{limits['convolution of 1 x 1'] / 1e9:,.0f}), and {limits['copy'] / 1e9:,.0f} GB/s for a copy (read "
        "plus write)."
    )


def _contests(stored: dict[str, Section]) -> list[str]:
    section = stored.get("peers") or stored.get("own")
    if section is None:
        return []
    result = section["result"]
    limits = result["limits"]
    lines = [
        "## Framework comparison",
        "",
        "The models and presets of the study (Adam at 1e-3; garments in batches of 1,024, facades of 10), images in "
        "memory, float32, one warm-up epoch and one timed epoch; the programs are in `bench/baselines`. All contenders must "
        "end their second epoch at about the same loss, or the benchmark stops. The plain loop is that of a tutorial: "
        "`DataLoader`, eager layers, Adam. Operations count matrix products and convolutions, forward and backward; "
        "utilization is relative to the matrix product rate below.",
        "",
        _limits_line(limits),
    ]
    for task, told in result["tasks"].items():
        rows = told["contenders"]
        ours = statistics.median(rows["ours"]["rates"])
        lines += [
            "",
            f"### {'Garments: two convolutions' if task == 'garments' else 'Facades: FacadeNet'}",
            "",
            f"{told['operations'] / 1e6:,.1f} MFLOP per image, {told['images']:,} images.",
            "",
            "| framework | images/s | GFLOP/s | utilization | speed-up of Seamline |",
            "| --- | --- | --- | --- | --- |",
        ]
        for row in sorted(rows.values(), key=lambda one: statistics.median(one["rates"])):
            rate = statistics.median(row["rates"])
            work = rate * told["operations"]
            lines.append(
                f"| {row['title']} | {spread(row['rates'], _style(rate))} | {work / 1e9:,.0f} | "
                f"{work / limits['matrix_product']:.0%} | {ours / rate:.2f} |"
            )
    return lines


def _style(rate: float) -> str:
    return ",.0f" if rate >= 100 else ",.1f"


def _recipes(section: Section) -> list[str]:
    limits = section["result"]["limits"]
    return [
        "## Throughput by preset",
        "",
        "One epoch on synthetic images of the sizes of the study, augmentation included. Operations count all products, "
        "but convolutions skip those with the zeros of the padding, so utilization can exceed 100 %.",
        "",
        _limits_line(limits),
        "",
        "| dataset | preset | images/s | MFLOP per image | GFLOP/s | utilization |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {row['data']} | `{row['recipe']}` | {spread(row['rates'], _style(row['rates'][0]))} | "
            f"{row['operations'] / 1e6:,.1f} | {_work(row) / 1e9:,.0f} | {_work(row) / limits['matrix_product']:.0%} |"
            for row in section["result"]["rows"]
        ),
    ]


def _work(row: dict[str, Any]) -> float:
    return float(statistics.median(row["rates"]) * row["operations"])


def _reach(stored: dict[str, Section]) -> list[str]:
    lines = [
        "## Time to accuracy",
        "",
        "**Protocol.** Images and labels are in memory as uint8, and the interpreter and the libraries are loaded. The "
        "time runs until the end of the last training step in a fresh process: building the model, mean and standard "
        "deviation, initial weights, every step. Evaluation is not counted. Each seed has its own split by groups, "
        f"initial weights and order. A preset reaches the goal if at least {NEEDED:.0%} of its seeds reach it on their "
        "own validation images at the end of the run; no epoch is selected. Test images are evaluated once, afterwards. "
        "The baseline is the preset `original` in a plain PyTorch loop: all its epochs at the median throughput "
        "measured between our seeds, and the first epoch of a complete run (seed 0) that reaches the goal.",
    ]
    for task, found in stored["reach"]["result"].items():
        whole = stored.get("plain", {}).get("result", {}).get(task)
        what = "validation accuracy" if task == "garments" else "mean average precision"
        lines += [
            "",
            f"### {task.capitalize()}: {what} of {_figure(found['goal'], task)}",
            "",
            "| | time (s) | seeds that reach it | validation, min to max | test, min to max | speed-up |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        if whole:
            epochs = len(whole["epochs"])
            plain = plain_seconds(found, epochs)
            end = whole["epochs"][-1]
            lines.append(
                f"| `original` in a plain loop, all {epochs} epochs | {plain:,.0f} | "
                f"{'1' if end['val'] >= found['goal'] else '0'} of 1 | {_figure(end['val'], task)} | "
                f"{_figure(end['test'], task)} | 1 |"
            )
            if (first := whole["first_crossing"]) is not None:
                at = plain_seconds(found, first)
                lines.append(f"| the same until the goal, after epoch {first} | {at:,.0f} | | | | {plain / at:.1f} |")
            else:
                best = max(line["val"] for line in whole["epochs"])
                lines.append(f"| the same until the goal | not reached; best {_figure(best, task)} | | | | |")
        for name, seeds in found["ours"].items():
            seconds = [seed["seconds"] for seed in seeds]
            ratio = f"{plain / statistics.median(seconds):,.0f}" if whole else ""
            lines.append(
                f"| `{name}` | {spread(seconds, '.1f')} | {_passed(found, name)} of {len(seeds)} | "
                f"{_range([seed['val'] for seed in seeds], task)} | {_range([seed['test'] for seed in seeds], task)} | "
                f"{ratio} |"
            )
        lines += [
            "",
            f"{found['learned']:,} training images. Throughput of the plain loop, measured {len(found['plain_rates'])} "
            f"times between our seeds: {spread(found['plain_rates'], _style(found['plain_rates'][0]))} images/s.",
        ]
    return lines


def _passed(found: dict[str, Any], name: str) -> int:
    return sum(seed["val"] >= found["goal"] for seed in found["ours"][name])


def _figure(value: float, task: str) -> str:
    return f"{value:.1%}" if task == "garments" else f"{value:.3f}"


def _range(values: list[float], task: str) -> str:
    return f"{_figure(statistics.median(values), task)} ({_figure(min(values), task)} to {_figure(max(values), task)})"


def _growth(result: dict[str, list[dict[str, Any]]]) -> list[str]:
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
                f"{row['peak'] / 1e6:,.0f} MB | {row['stored'] / 1e6:,.0f} MB |"
                for row in rows
            ),
        ]
    return lines


def _photos(rows: list[dict[str, Any]]) -> list[str]:
    seen, own = ([row for row in rows if row["way"] == way] for way in ("seen", "own"))
    return [
        "## Scaling with image size",
        "",
        "The whole command `seamline predict RUN PHOTO` with a segmenter of the preset `fast`: at the default size (at "
        "most 1.5 times that of the training images), and with `--max-side 0` (full size, tile by tile).",
        "",
        "| megapixels | time (s) | peak memory | time (s), `--max-side 0` | peak memory, `--max-side 0` |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {one['megapixels']} | {spread(one['seconds'], '.2f')} | {one['peak'] / 1e6:,.0f} MB | "
            f"{spread(other['seconds'], '.1f')} | {other['peak'] / 1e6:,.0f} MB |"
            for one, other in zip(seen, own, strict=True)
        ),
    ]


def _parts(result: dict[str, list[float]]) -> list[str]:
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
    if "reach" in stored and "plain" in stored:
        for task, found in stored["reach"]["result"].items():
            plain = plain_seconds(found, len(stored["plain"]["result"][task]["epochs"]))
            for name, seeds in found["ours"].items():
                seconds = statistics.median([seed["seconds"] for seed in seeds])
                aim = f"{TARGETS[task]:.0f} times" + (", and under 3 minutes" if task == "facades" else "")
                reached = f"{plain / seconds:,.0f} times, {seconds:.1f} s; {_passed(found, name)} of {len(seeds)} seeds"
                goal = _figure(found["goal"], task)
                what = f"{task} to {goal} on validation: speed-up of `{name}` over `original` in a plain loop"
                rows.append(
                    _row(
                        what,
                        aim,
                        reached,
                        plain / seconds >= TARGETS[task] and _passed(found, name) >= NEEDED * len(seeds),
                    )
                )
    contest = (stored.get("peers") or stored.get("own") or {}).get("result")
    if contest:
        told = contest["tasks"]["garments"]
        rates = {name: statistics.median(row["rates"]) for name, row in told["contenders"].items()}
        for name, key in (("plain", "plain"), ("with_keras", "keras")):
            if name in rates:
                ratio = rates["ours"] / rates[name]
                what = f"speed-up on the garment model of the study over {told['contenders'][name]['title']}"
                rows.append(_row(what, f"{TARGETS[key]} times", f"{ratio:.2f} times", ratio >= TARGETS[key]))
        share = rates["ours"] * told["operations"] / contest["limits"]["matrix_product"]
        rows.append(_share("utilization, garment model of the study", share, TARGETS["study"]))
    if "recipes" in stored:
        limit = stored["recipes"]["result"]["limits"]["matrix_product"]
        by_name = {(row["data"], row["recipe"]): row for row in stored["recipes"]["result"]["rows"]}
        for name in ("fast", "best"):
            share = _work(by_name["facades", name]) / limit
            rows.append(_share(f"utilization, facade U-Net of `{name}`", share, TARGETS["unet"]))
    if not rows:
        return []
    return ["## Targets", "", "| quantity | target | measured | met |", "| --- | --- | --- | --- |", *rows]


def _share(what: str, share: float, aim: float) -> str:
    return _row(what, f"{aim:.0%}", f"{share:.0%}", share >= aim)


def _row(what: str, aim: str, reached: str, met: bool) -> str:
    return f"| {what} | {aim} | {reached} | {'yes' if met else '**no**'} |"
