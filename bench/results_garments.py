"""The garments of docs/measurements/results.md: train each preset with several seeds, in turns."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import asdict
from scipy import stats
from sklearn.linear_model import LogisticRegression

import seamline
from results_run import collect
from seamline.evaluation.confidence import wilson
from seamline.progress import Reporter
from seamline.training.config import parse_settings

STUDY = {"train_loss": 0.134, "train_accuracy": 0.948, "val_loss": 0.277, "val_accuracy": 0.912}
TURNS = (
    ("original", 0),
    ("fast", 0),
    ("fast", 1),
    ("original", 1),
    ("fast", 2),
    ("fast", 3),
    ("original", 2),
    ("fast", 4),
)
BEST_SEEDS = (0, 1, 2)


def collect_all(out: Path, folder: Path | None) -> dict[str, Any]:
    """Train and evaluate every run; return its values."""
    data = seamline.load_dataset("fashion-mnist", data_dir=None if folder is None else folder / "fashion-mnist")
    runs: dict[str, list[Path]] = {"original": [], "fast": []}
    for recipe, seed in TURNS:
        print(f"{recipe}, seed {seed}", flush=True)
        run = out / f"{recipe}-{seed}"
        runs[recipe].append(run)
        seamline.train(data, preset=recipe, seed=seed, out=run, resume=True, progress=Reporter())
    collected: dict[str, Any] = {recipe: [collect(run) for run in folders] for recipe, folders in runs.items()}
    return {**collected, "hidden": [collect(hidden_head(data, out))], "synthetic": synthetic_garments(out)}


def collect_best(out: Path, folder: Path | None) -> dict[str, Any]:
    """Train and evaluate `best` with each of `BEST_SEEDS`, and time an epoch on all cores; return the values."""
    data = seamline.load_dataset("fashion-mnist", data_dir=None if folder is None else folder / "fashion-mnist")
    runs = []
    for seed in BEST_SEEDS:
        print(f"best, seed {seed}", flush=True)
        run = seamline.train(data, preset="best", seed=seed, out=out / f"best-{seed}", resume=True, progress=Reporter())
        runs.append(collect(run.path))
    timed = seamline.train(data, preset="best", epochs=1, out=out / "best-epoch", resume=True, progress=Reporter())
    return {"runs": runs, "epoch": collect(timed.path)}


def hidden_head(data: seamline.Dataset, out: Path) -> Path:
    """Train preset `original` with a hidden layer in the head, with seed 0."""
    print("original with a hidden layer, seed 0", flush=True)
    settings = ("model=cnn-hidden",)
    return seamline.train(
        data,
        preset="original",
        **parse_settings(settings),
        seed=0,
        out=out / "hidden-0",
        resume=True,
        progress=Reporter(),
    ).path


def synthetic_garments(out: Path) -> dict[str, Any]:
    """Train on the synthetic garments, and fit a linear model to their pixels."""
    data = seamline.load_dataset("synthetic-fashion")
    plans = [("original", 0, ("epochs=10",)), *(("fast", seed, ()) for seed in range(3))]
    runs = []
    for recipe, seed, settings in plans:
        print(f"synthetic garments: {recipe}, seed {seed}", flush=True)
        run = seamline.train(
            data,
            preset=recipe,
            **parse_settings(settings),
            seed=seed,
            out=out / f"synthetic-{recipe}-{seed}",
            resume=True,
            progress=Reporter(),
        ).path
        runs.append({"name": f"`{' '.join([recipe, *settings])}`, seed {seed}", **collect(run)})
    pixels = [part.images[:20_000].reshape(len(part.images[:20_000]), -1) / 255.0 for part in (data.train, data.test)]
    linear = LogisticRegression(max_iter=1000).fit(pixels[0], data.train.labels[:20_000])
    right = int((linear.predict(pixels[1]) == data.test.labels).sum())
    return {"runs": runs, "linear": asdict(wilson(right, len(data.test)))}


def over_seeds(values: list[float]) -> tuple[float, float]:
    """Return the mean and half the width of its 95 % t interval over seeds."""
    margin = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values))
    return float(np.mean(values)), float(margin)


def percent(values: list[float]) -> str:
    mean, margin = over_seeds(values)
    return f"{100 * mean:.2f} ± {100 * margin:.2f} %"


def plain(values: list[float]) -> str:
    mean, margin = over_seeds(values)
    return f"{mean:.3f} ± {margin:.3f}"


def page(collected: dict[str, Any]) -> str:
    """Return the section on garments."""
    original, fast = collected["original"], collected["fast"]
    first = original[0]
    versions = ", ".join(f"{name} {number}" for name, number in first["versions"].items())
    parts = [
        "## Garments",
        f"Fashion-MNIST, {first['machine']}, {first['threads']} threads; {versions}. `make results` with "
        "`SEAMLINE_DATA` set writes this page: it trains the runs below in turn and stores their metrics in "
        "`bench/results/results.json`. The seed of a run determines the validation images (6,000 of the 60,000), the "
        "initial weights and the batches. ± is a 95 % t interval over seeds; tables state where intervals are over "
        "images instead. Each run was evaluated once on the test images, which were not used to choose anything.",
        "### The original preset and the study",
        f"`seamline train fashion-mnist --preset original`: 50 epochs, batch size 1,024, Adam at 0.001, unweighted "
        f"cross-entropy, {first['parameters']:,} parameters; {len(original)} seeds. Training loss and accuracy are the "
        "averages over the last epoch.",
        study_table(original),
        head_words(original[0], collected["hidden"][0]) + " " + beside_the_study(original),
        "#### Hardest and easiest classes",
        "Recall of each class on the 10,000 test images and on the validation images.",
        class_table(original, fast),
        hardest_words(original),
        "#### Linear probes",
        "A linear least-squares probe of layer 1 (feature maps averaged to 6 × 6), fitted on the training images and "
        f"evaluated on the validation images; `original`, {len(original)} seeds. The study reports that layer 1 alone "
        "reaches 60 % on some classes, such as Bag, but not how this was measured.",
        readout_table(original),
        "#### Filter types",
        "Fraction of the filters of each type, by the rule that every report states; 5 % of random filters would be "
        "classified as edge, line or blob. The study describes many filters of layer 1 as top, bottom or side edges, "
        "and some of layer 2 as sharp gradients or almost uniform.",
        kernel_table(original, fast),
        "### The fast preset",
        fast_words(original, fast),
        fast_table(fast),
        "### Synthetic garments",
        "Generated images of garments, the fallback without an internet connection. The same class is the hardest, but the "
        "metrics do not apply to photographs. The linear model is scikit-learn's `LogisticRegression` on the pixels of "
        "20,000 training images. Wilson intervals over the 10,000 test images.",
        drawn_table(collected["synthetic"]),
    ]
    return "\n\n".join(parts) + "\n"


def study_table(runs: list[dict[str, Any]]) -> str:
    rows = ["| | study | here | each seed |", "| --- | --- | --- | --- |"]
    for key, words in (("train_loss", "training loss"), ("train_accuracy", "training accuracy")):
        rows.append(study_row(words, STUDY[key], [run["last_epoch"][key] for run in runs], key))
    for key, words in (("val_loss", "validation loss"), ("val_accuracy", "validation accuracy")):
        rows.append(study_row(words, STUDY[key], [run["last_epoch"][key] for run in runs], key))
    rows.append(
        study_row("test accuracy", None, [run["test"]["overall"]["accuracy"]["value"] for run in runs], "accuracy")
    )
    seconds = [run["seconds"] for run in runs]
    rows.append(f"| training time (s) | | median {np.median(seconds):.0f} | {', '.join(f'{s:.0f}' for s in seconds)} |")
    return "\n".join(rows)


def study_row(words: str, study: float | None, values: list[float], key: str) -> str:
    share = "accuracy" in key
    shown = ["" if study is None else (f"{100 * study:.1f} %" if share else f"{study:.3f}")]
    shown += [percent(values) if share else plain(values)]
    shown += [", ".join(f"{100 * v:.2f}" if share else f"{v:.3f}" for v in values)]
    return f"| {words} | {' | '.join(shown)} |"


def head_words(linear: dict[str, Any], hidden: dict[str, Any]) -> str:
    """Return why the head is linear."""
    shown = [
        f"{100 * run['last_epoch']['train_accuracy']:.1f} % training and "
        f"{100 * run['last_epoch']['val_accuracy']:.1f} % validation accuracy"
        for run in (linear, hidden)
    ]
    return (
        "The study specifies the two convolutions but not the head. With seed 0, a linear head reached "
        f"{shown[0]}, and a head with a hidden layer of 128 units (`--set model=cnn-hidden`) {shown[1]}. The linear "
        "head is closer to the training accuracy of the study, 94.8 %, and is used."
    )


def beside_the_study(runs: list[dict[str, Any]]) -> str:
    """State which values of the study lie within the prediction interval of one more run."""
    words = {"train_loss": "training loss", "train_accuracy": "training accuracy"}
    words |= {"val_loss": "validation loss", "val_accuracy": "validation accuracy"}
    inside: list[str] = []
    outside: list[str] = []
    for key, name in words.items():
        mean, margin = over_seeds([run["last_epoch"][key] for run in runs])
        reach = margin * math.sqrt(len(runs) + 1)  # from the interval of a mean to that of another run
        (inside if abs(mean - STUDY[key]) <= reach else outside).append(name)
    return (
        "The study reports one run. Within the 95 % prediction interval of a further run: "
        f"{', '.join(inside) or 'none'}; outside it: {', '.join(outside) or 'none'}."
    )


def class_table(original: list[dict[str, Any]], fast: list[dict[str, Any]]) -> str:
    rows = [
        "| class | study | `original`, test | `original`, validation | `fast`, test |",
        "| --- | --- | --- | --- | --- |",
    ]
    study = {"Shirt": "73 %", "Trouser": "98 %", "Sandal": "98 %", "Bag": "98 %"}
    for name in original[0]["test"]["per_class"]:
        columns = [(original, "test"), (original, "val"), (fast, "test")]
        shown = [percent([run[part]["per_class"][name]["recall"]["value"] for run in runs]) for runs, part in columns]
        rows.append(f"| {name} | {study.get(name, '')} | {' | '.join(shown)} |")
    return "\n".join(rows)


def hardest_words(runs: list[dict[str, Any]]) -> str:
    orders = []
    for run in runs:
        shares = {name: values["recall"]["value"] for name, values in run["test"]["per_class"].items()}
        orders.append(sorted(shares, key=lambda name: shares[name]))
    hardest = ", ".join(f"{order[0]} (seed {run['seed']})" for order, run in zip(orders, runs, strict=True))
    easiest = ", ".join(sorted(set.intersection(*(set(order[-4:]) for order in orders))))
    return f"Lowest on test: {hardest}. Among the four highest in every seed: {easiest}."


def readout_table(runs: list[dict[str, Any]]) -> str:
    names = [row["name"] for row in runs[0]["linear_probes"]]
    rows = [f"| class | {' | '.join(names)} |", "| --- |" + " --- |" * len(names)]
    by_name = [{row["name"]: row for row in run["linear_probes"]} for run in runs]
    shown = [percent([rows_of[name]["accuracy"]["value"] for rows_of in by_name]) for name in names]
    rows.append(f"| all | {' | '.join(shown)} |")
    for label in runs[0]["linear_probes"][0]["per_class"]:
        shown = [percent([rows_of[name]["per_class"][label]["value"] for rows_of in by_name]) for name in names]
        rows.append(f"| {label} | {' | '.join(shown)} |")
    return "\n".join(rows)


def kernel_table(original: list[dict[str, Any]], fast: list[dict[str, Any]]) -> str:
    rows = ["| preset, layer | edges | lines and blobs | nearly uniform | mixed |", "| --- | --- | --- | --- | --- |"]
    for recipe, runs in (("original", original), ("fast", fast)):
        for layer in runs[0]["filters"]:
            shown = [percent([fraction_of(run["filters"][layer], group) for run in runs]) for group in GROUPS]
            rows.append(f"| `{recipe}`, {layer} | {' | '.join(shown)} |")
    return "\n".join(rows)


GROUPS = (("edge",), ("line", "blob"), ("nearly uniform",), ("mixed",))


def fraction_of(fractions: dict[str, Any], endings: tuple[str, ...]) -> float:
    return sum(float(fraction["fraction"]["value"]) for kind, fraction in fractions.items() if kind.endswith(endings))


def fast_words(original: list[dict[str, Any]], fast: list[dict[str, Any]]) -> str:
    recipe = fast[0]["config"]
    slow, quick = ([run["seconds"] for run in runs] for runs in (original, fast))
    ratio = np.median(slow) / np.median(quick)
    least, most = min(slow) / max(quick), max(slow) / min(quick)
    values = [run["val"]["overall"]["accuracy"]["value"] for run in fast]
    passed = sum(value >= STUDY["val_accuracy"] for value in values)
    return (
        f"`seamline train fashion-mnist`: the same two convolutions, strided and with batch normalization; the first one "
        f"is initialized with the principal components of image patches; Muon for the matrices in the middle; "
        f"predictions averaged over each image and its mirror image; {recipe['epochs']:g} epochs, batch size "
        f"{recipe['batch_size']}, {fast[0]['parameters']:,} parameters. "
        f"Validation accuracy is {percent(values)} over {len(fast)} seeds, at least the study's 91.2 % for {passed} of "
        f"{len(fast)}; test accuracy {percent([run['test']['overall']['accuracy']['value'] for run in fast])}. "
        f"Ratio of the median training times of `original` and `fast`, trained in turns: **{ratio:.1f}** "
        f"(single runs {least:.1f} to {most:.1f})."
    )


def best_page(collected: dict[str, Any]) -> str:
    """Return the section on the preset `best`."""
    runs, timed = collected["runs"], collected["epoch"]
    first = runs[0]
    config = first["config"]
    tests = [run["test"]["overall"]["accuracy"]["value"] for run in runs]
    mean = f"Test accuracy over {len(runs)} seeds: {percent(tests)}. " if len(tests) > 1 else ""
    parts = [
        "### The best preset of garments",
        f"`seamline train fashion-mnist --preset best`, {first['machine']}: a residual network of "
        f"{first['parameters']:,} parameters; {config['epochs']:g} epochs with random erasing, shifts of up to "
        f"{config['translate']} pixels and mirror images; label smoothing {config['label_smoothing']:g}; an "
        f"exponential moving average of the weights. {mean}The settings were chosen on validation images. An epoch "
        f"takes {timed['seconds']:.0f} seconds with {timed['threads']} threads on an idle machine, the training "
        f"{config['epochs'] * timed['seconds'] / 60:.0f} minutes. The runs of the table had {first['threads']} "
        "thread each and shared the machine with other work, which their seconds include.",
        fast_table(runs),
    ]
    return "\n\n".join(parts) + "\n"


def fast_table(runs: list[dict[str, Any]]) -> str:
    head = (
        "| seed | validation accuracy (Wilson) | test accuracy (Wilson) | seconds | temperature | ECE before, after |"
    )
    rows = [head, "| --- | --- | --- | --- | --- | --- |"]
    for run in runs:
        shown = [wilson_percent(run[part]["overall"]["accuracy"]) for part in ("val", "test")]
        calibration = f"{run['temperature']['value']:.2f} | {100 * run['ece']['raw']['value']:.1f} %, {100 * run['ece']['scaled']['value']:.1f} %"
        rows.append(f"| {run['seed']} | {' | '.join(shown)} | {run['seconds']:.1f} | {calibration} |")
    return "\n".join(rows)


def drawn_table(drawn: dict[str, Any]) -> str:
    rows = ["| | test accuracy | hardest class |", "| --- | --- | --- |"]
    rows.append(f"| linear model | {wilson_percent(drawn['linear'])} | |")
    for run in drawn["runs"]:
        shares = {name: values["recall"]["value"] for name, values in run["test"]["per_class"].items()}
        hardest = min(shares, key=lambda name: shares[name])
        shown = f"{wilson_percent(run['test']['overall']['accuracy'])} | {hardest}, {100 * shares[hardest]:.1f} %"
        rows.append(f"| {run['name']} | {shown} |")
    return "\n".join(rows)


def wilson_percent(share: dict[str, float]) -> str:
    return f"{100 * share['value']:.2f} % ({100 * share['low']:.2f} to {100 * share['high']:.2f})"
