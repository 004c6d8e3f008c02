"""The garments of docs/measurements/results.md: train each preset with several seeds, in turns."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import asdict
from sklearn.linear_model import LogisticRegression

import seamline
from results_means import decimal, labels_of, over_seeds, percent
from results_run import collect
from seamline.evaluation.confidence import wilson
from seamline.progress import Reporter
from seamline.training.config import parse_settings

STUDY = {"train_loss": 0.134, "train_accuracy": 0.948, "val_loss": 0.277, "val_accuracy": 0.912}
WORDS = {
    "train_loss": "training loss",
    "train_accuracy": "training accuracy",
    "val_loss": "validation loss",
    "val_accuracy": "validation accuracy",
}
"""Metric of an epoch, which the study states -> its name."""
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
    for preset, seed in TURNS:
        print(f"{preset}, seed {seed}", flush=True)
        run = out / f"{preset}-{seed}"
        runs[preset].append(run)
        seamline.train(data, preset=preset, seed=seed, out=run, resume=True, progress=Reporter())
    collected: dict[str, Any] = {preset: [collect(run) for run in folders] for preset, folders in runs.items()}
    return {**collected, "hidden": [collect(hidden_head(data, out))], "synthetic": synthetic_garments(out)}


def collect_best(out: Path, folder: Path | None) -> list[dict[str, Any]]:
    """Train and evaluate `best` with each of `BEST_SEEDS`; return the values of each."""
    data = seamline.load_dataset("fashion-mnist", data_dir=None if folder is None else folder / "fashion-mnist")
    runs = []
    for seed in BEST_SEEDS:
        print(f"best, seed {seed}", flush=True)
        run = seamline.train(data, preset="best", seed=seed, out=out / f"best-{seed}", resume=True, progress=Reporter())
        runs.append(collect(run.path))
    return runs


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
    for preset, seed, settings in plans:
        print(f"synthetic garments: {preset}, seed {seed}", flush=True)
        run = seamline.train(
            data,
            preset=preset,
            **parse_settings(settings),
            seed=seed,
            out=out / f"synthetic-{preset}-{seed}",
            resume=True,
            progress=Reporter(),
        ).path
        runs.append({"name": f"`{' '.join([preset, *settings])}`, seed {seed}", **collect(run)})
    pixels = [part.images[:20_000].reshape(len(part.images[:20_000]), -1) / 255.0 for part in (data.train, data.test)]
    linear = LogisticRegression(max_iter=1000).fit(pixels[0], data.train.labels[:20_000])
    right = int((linear.predict(pixels[1]) == data.test.labels).sum())
    return {"runs": runs, "linear": asdict(wilson(right, len(data.test)))}


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
        "initial weights and the batches. ± is a 95 % t interval over seeds. A few seeds may "
        "give equal values by chance, so the standard deviation is taken to be at least the change that one image makes "
        "(one filter, for filter types). Intervals that would extend below 0 or above 100 % end there, and are written in "
        "parentheses. Tables state where intervals are over images instead. Each run was evaluated once on the test images, which were not used to choose anything.",
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
        "Linear least-squares classifiers of the pixels, of layer 1 and of layers 1 and 2 together (feature maps averaged "
        "to 6 × 6), fitted on the training images and evaluated on the validation images, and the network itself; "
        f"`original`, {len(original)} seeds. The study reports that layer 1 alone reaches 60 % on some classes, such as "
        "Bag, but not how this was measured.",
        probe_table(original),
        "#### Filter types",
        "Fraction of the filters of each type, by the rule that every report states; 5 % of random filters would be "
        "classified as edge, line or blob. The study describes many filters of layer 1 as top, bottom or side edges, "
        "and some of layer 2 as sharp gradients or almost uniform.",
        filter_table(original, fast),
        "### The fast preset",
        fast_words(original, fast),
        fast_table(fast),
        "### Synthetic garments",
        "Synthetic images of garments, which are used without an internet connection. The hardest class is that of "
        "Fashion-MNIST, but the metrics do not apply to photographs. The linear model is scikit-learn's `LogisticRegression` on the pixels of "
        "20,000 training images. Wilson intervals over the 10,000 test images.",
        synthetic_table(collected["synthetic"]),
    ]
    return "\n\n".join(parts) + "\n"


def study_table(runs: list[dict[str, Any]]) -> str:
    rows = ["| | study | here | each seed |", "| --- | --- | --- | --- |"]
    for key, words in WORDS.items():
        values = [run["last_epoch"][key] for run in runs]
        rows.append(study_row(words, STUDY[key], values, labels_of_epoch(runs[0], key)))
    accuracies = [run["test"]["overall"]["accuracy"]["value"] for run in runs]
    rows.append(study_row("test accuracy", None, accuracies, labels_of(runs[0]["test"])))
    seconds = [run["seconds"] for run in runs]
    rows.append(f"| training time (s) | | median {np.median(seconds):.0f} | {', '.join(f'{s:.0f}' for s in seconds)} |")
    return "\n".join(rows)


def study_row(words: str, study: float | None, values: list[float], labels: int) -> str:
    share = "accuracy" in words
    shown = ["" if study is None else (f"{100 * study:.1f} %" if share else f"{study:.3f}")]
    shown += [(percent if share else decimal)(values, labels)]
    shown += [", ".join(f"{100 * v:.2f}" if share else f"{v:.3f}" for v in values)]
    return f"| {words} | {' | '.join(shown)} |"


def labels_of_epoch(run: dict[str, Any], key: str) -> int:
    """Return the number of images that a metric of an epoch, such as `val_loss`, averages over."""
    return labels_of(run[key.partition("_")[0]])


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
    inside: list[str] = []
    outside: list[str] = []
    for key, name in WORDS.items():
        mean = over_seeds([run["last_epoch"][key] for run in runs], labels_of_epoch(runs[0], key))
        reach = (mean.high - mean.value) * math.sqrt(
            len(runs) + 1
        )  # from the interval of a mean to that of another run
        (inside if abs(mean.value - STUDY[key]) <= reach else outside).append(name)
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
        shown = [recall_text(runs, part, name) for runs, part in columns]
        rows.append(f"| {name} | {study.get(name, '')} | {' | '.join(shown)} |")
    return "\n".join(rows)


def recall_text(runs: list[dict[str, Any]], part: str, name: str) -> str:
    recalls = [run[part]["per_class"][name]["recall"]["value"] for run in runs]
    return percent(recalls, labels_of(runs[0][part], name))


def hardest_words(runs: list[dict[str, Any]]) -> str:
    orders = []
    for run in runs:
        shares = {name: values["recall"]["value"] for name, values in run["test"]["per_class"].items()}
        orders.append(sorted(shares, key=lambda name: shares[name]))
    hardest = ", ".join(f"{order[0]} (seed {run['seed']})" for order, run in zip(orders, runs, strict=True))
    easiest = ", ".join(sorted(set.intersection(*(set(order[-4:]) for order in orders))))
    return f"Lowest recall on the test images: {hardest}. Among the four highest in every seed: {easiest}."


def probe_table(runs: list[dict[str, Any]]) -> str:
    names = [row["name"] for row in runs[0]["linear_probes"]]
    rows = [f"| class | {' | '.join(names)} |", "| --- |" + " --- |" * len(names)]
    by_name = [{row["name"]: row for row in run["linear_probes"]} for run in runs]
    images = runs[0]["val"]
    shown = [percent([rows_of[name]["accuracy"]["value"] for rows_of in by_name], labels_of(images)) for name in names]
    rows.append(f"| all | {' | '.join(shown)} |")
    for label in runs[0]["linear_probes"][0]["per_class"]:
        recalls = ([rows_of[name]["per_class"][label]["value"] for rows_of in by_name] for name in names)
        shown = [percent(values, labels_of(images, label)) for values in recalls]
        rows.append(f"| {label} | {' | '.join(shown)} |")
    return "\n".join(rows)


def filter_table(original: list[dict[str, Any]], fast: list[dict[str, Any]]) -> str:
    rows = ["| preset, layer | edges | lines and blobs | nearly uniform | mixed |", "| --- | --- | --- | --- | --- |"]
    for preset, runs in (("original", original), ("fast", fast)):
        for layer in runs[0]["filters"]:
            filters = sum(int(of_type["count"]) for of_type in runs[0]["filters"][layer].values())
            shown = [percent([fraction_of(run["filters"][layer], group) for run in runs], filters) for group in GROUPS]
            rows.append(f"| `{preset}`, {layer} | {' | '.join(shown)} |")
    return "\n".join(rows)


GROUPS = (("edge",), ("line", "blob"), ("nearly uniform",), ("mixed",))


def fraction_of(fractions: dict[str, Any], endings: tuple[str, ...]) -> float:
    return sum(float(fraction["fraction"]["value"]) for kind, fraction in fractions.items() if kind.endswith(endings))


def fast_words(original: list[dict[str, Any]], fast: list[dict[str, Any]]) -> str:
    config = fast[0]["config"]
    slow, quick = ([run["seconds"] for run in runs] for runs in (original, fast))
    ratio = np.median(slow) / np.median(quick)
    least, most = min(slow) / max(quick), max(slow) / min(quick)
    values = [run["val"]["overall"]["accuracy"]["value"] for run in fast]
    tests = [run["test"]["overall"]["accuracy"]["value"] for run in fast]
    passed = sum(value >= STUDY["val_accuracy"] for value in values)
    return (
        f"`seamline train fashion-mnist`: the same two convolutions, strided and with batch normalization; the first one "
        f"is initialized with the principal components of image patches; the optimizer Muon for the weight "
        f"matrices between the first and the last; "
        f"predictions averaged over each image and its mirror image; {config['epochs']:g} epochs, batch size "
        f"{config['batch_size']}, {fast[0]['parameters']:,} parameters. "
        f"Validation accuracy is {percent(values, labels_of(fast[0]['val']))} over {len(fast)} seeds, "
        f"{passed} of which reach the study's 91.2 %; test accuracy {percent(tests, labels_of(fast[0]['test']))}. "
        f"Ratio of the median training times of `original` and `fast`, trained in turns: **{ratio:.1f}** "
        f"(single runs {least:.1f} to {most:.1f})."
    )


def best_page(runs: list[dict[str, Any]]) -> str:
    """Return the section on the preset `best`."""
    first = runs[0]
    config = first["config"]
    tests = [run["test"]["overall"]["accuracy"]["value"] for run in runs]
    mean = (
        f"Test accuracy over {len(runs)} seeds: {percent(tests, labels_of(first['test']))}. " if len(tests) > 1 else ""
    )
    parts = [
        "### The best preset of garments",
        f"`seamline train fashion-mnist --preset best`, {first['machine']}: a residual network of "
        f"{first['parameters']:,} parameters; {config['epochs']:g} epochs with random erasing, shifts of up to "
        f"{config['translate']} pixels and mirror images; label smoothing {config['label_smoothing']:g}; an "
        f"exponential moving average of the weights. {mean}The settings were chosen on validation images. The seconds "
        "are the time of each training with its threads, including what other work on the machine added to it.",
        fast_table(runs),
    ]
    return "\n\n".join(parts) + "\n"


def fast_table(runs: list[dict[str, Any]]) -> str:
    head = (
        "| seed | validation accuracy (Wilson) | test accuracy (Wilson) | threads | seconds | temperature "
        "| ECE before, after |"
    )
    rows = [head, "| --- |" + " --- |" * 6]
    for run in runs:
        shown = [wilson_percent(run[part]["overall"]["accuracy"]) for part in ("val", "test")]
        calibration = f"{run['temperature']['value']:.2f} | {100 * run['ece']['raw']['value']:.1f} %, {100 * run['ece']['scaled']['value']:.1f} %"
        rows.append(
            f"| {run['seed']} | {' | '.join(shown)} | {run['threads']} | {run['seconds']:.1f} | {calibration} |"
        )
    return "\n".join(rows)


def synthetic_table(synthetic: dict[str, Any]) -> str:
    rows = ["| | test accuracy | hardest class |", "| --- | --- | --- |"]
    rows.append(f"| linear model | {wilson_percent(synthetic['linear'])} | |")
    for run in synthetic["runs"]:
        shares = {name: values["recall"]["value"] for name, values in run["test"]["per_class"].items()}
        hardest = min(shares, key=lambda name: shares[name])
        shown = f"{wilson_percent(run['test']['overall']['accuracy'])} | {hardest}, {100 * shares[hardest]:.1f} %"
        rows.append(f"| {run['name']} | {shown} |")
    return "\n".join(rows)


def wilson_percent(share: dict[str, float]) -> str:
    return f"{100 * share['value']:.2f} % ({100 * share['low']:.2f} to {100 * share['high']:.2f})"
