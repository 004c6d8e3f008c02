"""bench/results/benchmarks.json -> docs/measurements/benchmarks.md."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from reach import plain_seconds

Section = dict[str, Any]
NEEDED = 0.9
"""Share of the seeds that must have the figure, else the recipe has not reached it."""

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
        "`make bench` makes all but the comparison with other tools, `make bench-frameworks` makes that one (it "
        "installs about 8 GB of them into an environment of its own); both write `bench/results/benchmarks.json` and "
        "this page. Contenders run in turns, each in a fresh process; figures are medians, with the least and the most "
        "in brackets, and ratios are ratios of medians.",
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
    "peers": "comparison with other tools",
    "own": "comparison with the plain loop",
    "reach": "time to accuracy",
    "plain": "the plain loop's whole runs",
    "recipes": "recipes",
    "growth": "growth with images",
    "photos": "growth with photos",
    "parts": "parts",
}

GPU = [
    "## On a GPU",
    "",
    "`python bench/benchmarks.py --device cuda` runs the recipes, the comparison and the time to accuracy on a GPU and "
    "writes `bench/results/benchmarks-cuda.json`; `--set precision=bfloat16` trains with mixed precision. "
    "No GPU was at hand for this page, so nothing is claimed for one.",
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
        f"What the machine could do at most in the same run: {limits['matrix_product'] / 1e9:,.0f} GFLOP/s in a "
        f"float32 product of 4096 × 4096 matrices (by the faster of two libraries: PyTorch's own `mm` "
        f"{limits['torch.mm'] / 1e9:,.0f}, the same product as a 1 × 1 convolution "
        f"{limits['convolution of 1 x 1'] / 1e9:,.0f}), and {limits['copy'] / 1e9:,.0f} GB/s in a copy, read "
        "and written."
    )


def _contests(stored: dict[str, Section]) -> list[str]:
    section = stored.get("peers") or stored.get("own")
    if section is None:
        return []
    result = section["result"]
    limits = result["limits"]
    lines = [
        "## The same training by each tool",
        "",
        "The study's networks and recipes (Adam at 1e-3; garments in batches of 1,024, facades of 10), images in "
        "memory, float32, one epoch to warm up and one on the clock; the programs are in "
        "`bench/peers`. All must end their second epoch at about the same loss, or the run stops. "
        "The plain loop is a tutorial's: `DataLoader`, eager layers, Adam. Operations are those of products and "
        "convolutions, forward and backward; the share is of the matrix product rate below.",
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
            f"{told['operations'] / 1e6:,.1f} MFLOP an image, {told['images']:,} images.",
            "",
            "| tool | images/s | GFLOP/s | share | Seamline is faster by |",
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
        "## Every recipe",
        "",
        "One epoch on drawn images of the studies' sizes, random changes included. Operations are counted as if all "
        "were done: a convolution whose kernel reaches over the edge leaves out products with zeros, so a share "
        "can pass 100 %.",
        "",
        _limits_line(limits),
        "",
        "| data | recipe | images/s | MFLOP an image | GFLOP/s | share |",
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
        "**The protocol**, so that others can beat it. Images and labels lie in memory as uint8; the interpreter and "
        "the libraries have started. The clock runs from there to the end of the last step in a fresh process: making "
        "the network, mean and deviation, first weights, every step. Looking at images afterwards is not counted. Each "
        f"seed has its own split by groups, first weights and order. A recipe has reached the figure when at least "
        f"{NEEDED:.0%} of its seeds have it on their own validation images, at the end of the run; no epoch is picked. "
        "Test images were looked at once, afterwards. Beside it stands the study's own recipe in the plain loop: all "
        "its epochs, at the median rate taken between our seeds, and its first crossing in a whole run (seed 0).",
    ]
    for task, found in stored["reach"]["result"].items():
        whole = stored.get("plain", {}).get("result", {}).get(task)
        what = "validation accuracy" if task == "garments" else "mean average precision by raw scores"
        lines += [
            "",
            f"### {task.capitalize()}: {what} of {_figure(found['goal'], task)}",
            "",
            "| | seconds | seeds that have it | validation, least to most | test, least to most | plain loop over it |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        if whole:
            epochs = len(whole["epochs"])
            plain = plain_seconds(found, epochs)
            end = whole["epochs"][-1]
            lines.append(
                f"| `original` in the plain loop, all {epochs} epochs | {plain:,.0f} | "
                f"{'1' if end['val'] >= found['goal'] else '0'} of 1 | {_figure(end['val'], task)} | "
                f"{_figure(end['test'], task)} | 1 |"
            )
            if (first := whole["first_crossing"]) is not None:
                at = plain_seconds(found, first)
                lines.append(f"| its first crossing, after epoch {first} | {at:,.0f} | | | | {plain / at:.1f} |")
            else:
                best = max(line["val"] for line in whole["epochs"])
                lines.append(f"| its first crossing | never; at best {_figure(best, task)} | | | | |")
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
            f"{found['learned']:,} images to learn from. The plain loop's rate, taken {len(found['plain_rates'])} "
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
        "## Growth with the number of images",
        "",
        "One epoch of `fast` in a fresh process. Peak memory is the whole process's, PyTorch included.",
    ]
    for task, rows in result.items():
        first = rows[0]
        lines += [
            "",
            f"| {task} | times | milliseconds an image | peak memory | the images themselves |",
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
        "## Growth with the size of a photo",
        "",
        "The whole command `seamline predict RUN PHOTO` with the network of `fast` for masks, from its start to its "
        "files: as it does by itself (a photo is shown no larger than the training images ask for), and with `--max-side "
        "0` (the photo's own size, tile by tile).",
        "",
        "| megapixels | seconds | peak memory | seconds, `--max-side 0` | peak memory, `--max-side 0` |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {one['megapixels']} | {spread(one['seconds'], '.2f')} | {one['peak'] / 1e6:,.0f} MB | "
            f"{spread(other['seconds'], '.1f')} | {other['peak'] / 1e6:,.0f} MB |"
            for one, other in zip(seen, own, strict=True)
        ),
    ]


def _parts(result: dict[str, list[float]]) -> list[str]:
    return [
        "## Parts",
        "",
        "| what | seconds |",
        "| --- | --- |",
        *(f"| {name} | {spread(values, '.2f')} |" for name, values in result.items()),
    ]


def _targets(stored: dict[str, Section]) -> list[str]:
    """What was aimed at, and what was reached."""
    rows: list[str] = []
    if "reach" in stored and "plain" in stored:
        for task, found in stored["reach"]["result"].items():
            plain = plain_seconds(found, len(stored["plain"]["result"][task]["epochs"]))
            for name, seeds in found["ours"].items():
                seconds = statistics.median([seed["seconds"] for seed in seeds])
                aim = f"{TARGETS[task]:.0f} times" + (", and under 3 minutes" if task == "facades" else "")
                reached = f"{plain / seconds:,.0f} times, {seconds:.1f} s; {_passed(found, name)} of {len(seeds)} seeds"
                goal = _figure(found["goal"], task)
                what = f"{task} to {goal} on validation, plain `original` over our `{name}`"
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
                what = f"throughput on the study's garments network over {told['contenders'][name]['title']}"
                rows.append(_row(what, f"{TARGETS[key]} times", f"{ratio:.2f} times", ratio >= TARGETS[key]))
        share = rates["ours"] * told["operations"] / contest["limits"]["matrix_product"]
        rows.append(_share("share of the matrix product rate, study's garments network", share, TARGETS["study"]))
    if "recipes" in stored:
        limit = stored["recipes"]["result"]["limits"]["matrix_product"]
        by_name = {(row["data"], row["recipe"]): row for row in stored["recipes"]["result"]["rows"]}
        for name in ("fast", "best"):
            share = _work(by_name["facades", name]) / limit
            rows.append(_share(f"share of the matrix product rate, facade U-Net of `{name}`", share, TARGETS["unet"]))
    if not rows:
        return []
    return ["## Aimed at, and reached", "", "| what | aim | reached | |", "| --- | --- | --- | --- |", *rows]


def _share(what: str, share: float, aim: float) -> str:
    return _row(what, f"{aim:.0%}", f"{share:.0%}", share >= aim)


def _row(what: str, aim: str, reached: str, met: bool) -> str:
    return f"| {what} | {aim} | {reached} | {'yes' if met else '**no**'} |"
