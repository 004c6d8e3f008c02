"""The claims of the study, judged on sweeps that are made by hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import scipy

from evaluation.factories import label_evaluation
from run_folder.factories import epoch, run_info
from seamline.data.sources.facades import CLASSES, PALETTE
from seamline.data.sources.fashion_mnist import CLASSES as GARMENTS
from seamline.evaluation.bootstrap import GroupBootstrap
from seamline.evaluation.counts import SplitCounts
from seamline.evaluation.metrics import SplitMetrics, metric_infos
from seamline.run_folder import (
    ClassificationArrays,
    Estimate,
    LinearProbe,
    LinearProbes,
    Metrics,
    RunFolder,
    SegmentationArrays,
    SweepFolder,
    SweepInfo,
    SweepRun,
    SweepSetting,
    Task,
)
from seamline.study.claims import SWEEPS, judge_claims
from seamline.study.claims_text import claims_page
from seamline.study.verdicts import ClaimResult
from seamline.training.search_space import setting_name

IMAGES, SEEDS = 40, (0, 1, 2)


def write_info(run: RunFolder, task: Task, classes: Sequence[str], seed: int) -> None:
    info = run_info(task, seed=seed)
    palette = PALETTE if task == "segmentation" else ()
    dataset = msgspec.structs.replace(info.dataset, classes=tuple(classes), palette=palette)
    run.info.write(msgspec.structs.replace(info, dataset=dataset, notice=None))
    run.history.write((epoch(1),))


def write_facades(folder: Path, quality: float, pillar: float, seed: int) -> None:
    """Write a segmenter's run: of each class's 100 pixels in each image, `quality` are right, of pillars `pillar`."""
    run, size = RunFolder(folder), len(CLASSES)
    write_info(run, "segmentation", CLASSES, seed)
    rng = np.random.default_rng(7)  # images differ, by the same amounts in every run
    matrices = np.zeros((IMAGES, size, size), np.int64)
    for k, name in enumerate(CLASSES):
        right = np.clip(100 * (pillar if name == "pillar" else quality) + rng.normal(0, 3, IMAGES), 0, 100).round()
        matrices[:, k, k] = right
        matrices[:, k, (k + 1) % size] = 100 - right
    losses = (1 - quality) * matrices.sum((1, 2)).astype(np.float64)
    groups = np.arange(IMAGES)
    counts = SplitCounts(CLASSES, GroupBootstrap(groups), scipy.sparse.csr_array(matrices.reshape(IMAGES, -1)), losses)
    split = SplitMetrics("segmentation", counts, IMAGES).summary()
    per_class = {
        name: {**values, "ap": Estimate(pillar if name == "pillar" else quality)}
        for name, values in split.per_class.items()
    }
    split = msgspec.structs.replace(split, overall={"mean_ap": Estimate(quality), **split.overall}, per_class=per_class)
    run.metrics.write(Metrics(test=split, val=split, train=split, definitions=dict(metric_infos("segmentation"))))
    predicted = np.zeros((IMAGES, 1, 1), np.uint8)
    names = tuple(map(str, range(IMAGES)))
    run.write_arrays("test", SegmentationArrays(names, groups, counts.confusion_matrix, matrices, losses, predicted))


def write_garments(folder: Path, shirts: float, seed: int, layer1: float, others: float = 0.9) -> None:
    """Write a classifier's run: of 50 images of each class `others` are right, of shirts `shirts`, else Coats."""
    run, labels = RunFolder(folder), np.repeat(np.arange(10), 50)
    write_info(run, "classification", GARMENTS, seed)
    predicted = labels.copy()
    shirt, coat = GARMENTS.index("Shirt"), GARMENTS.index("Coat")
    for k in range(10):
        wrong = round(50 * (1 - (shirts if k == shirt else others)))
        predicted[np.flatnonzero(labels == k)[:wrong]] = coat if k == shirt else (k + 1) % 10
    logits = np.eye(10, dtype=np.float32)[predicted]
    evaluated = label_evaluation(GARMENTS, logits, labels)
    split = SplitMetrics("classification", evaluated.counts, len(labels)).summary()
    run.metrics.write(Metrics(test=split, val=split, train=split, definitions=dict(metric_infos("classification"))))
    names = tuple(map(str, range(len(labels))))
    confusion = evaluated.counts.confusion_matrix
    run.write_arrays("test", ClassificationArrays(names, np.arange(len(labels)), confusion, labels, logits))
    recalls = {name: Estimate(0.4 + seed / 100, 0.35, 0.5) for name in GARMENTS}
    recalls["Bag"] = Estimate(layer1 + seed / 100, layer1 - 0.03, layer1 + 0.03)
    probe = LinearProbe(name="layer 1", n_features=9, accuracy=Estimate(0.5), per_class=recalls)
    run.linear_probes.write(LinearProbes(rule="by hand", probes=(probe,)))


def write_sweep(path: Path, task: Task, settings: Sequence[Mapping[str, Any]], write: Any) -> SweepFolder:
    named = tuple(SweepSetting(name=setting_name(one), fields=dict(one)) for one in settings)
    runs = []
    for number in range(len(settings)):
        for seed in SEEDS:
            write(path / f"{number}-{seed}", number, seed)
            runs.append(SweepRun(name=f"{number}-{seed}", setting=number, seed=seed, state="finished", seconds=1))
    info = SweepInfo(
        seamline="0", data=(task,), preset="original", fixed={}, varied={}, method="list", seeds=SEEDS, metric="",
        settings=named, runs=tuple(runs), command="",
    )  # fmt: skip
    folder = SweepFolder(path)
    folder.info.write(info)
    return folder


def facades(path: Path, settings: Sequence[Mapping[str, Any]], quality: Sequence[float], pillar: float) -> SweepFolder:
    """Write a sweep of facades with a quality for each setting; that of pillars differs in the last one."""

    def write(run: Path, number: int, seed: int) -> None:
        spread = (seed - 1) * 0.01 * (1 + number / 10)
        of_pillars = pillar if number == len(settings) - 1 else 0.3
        write_facades(run, quality[number] + spread, of_pillars + spread, seed)

    return write_sweep(path, "segmentation", settings, write)


HALF: tuple[dict[str, Any], ...] = SWEEPS[0].settings
QUARTER: tuple[dict[str, Any], ...] = SWEEPS[1].settings


def verdicts(results: Sequence[ClaimResult]) -> list[list[str]]:
    return [[part.verdict for part in one.parts] for one in results]


def test_each_claim_gets_the_verdict_of_its_runs(tmp_path: Path) -> None:
    folders = {
        # default, norm before, norm none, dropout, pooling, pillars up
        "facades-half": facades(tmp_path / "half", HALF, (0.7, 0.7, 0.5, 0.8, 0.6, 0.7), pillar=0.2),
        "facades-quarter": facades(tmp_path / "quarter", QUARTER, (0.6, 0.6, 0.5), pillar=0.3),
        "garments": write_sweep(
            tmp_path / "garments", "classification", ({},), lambda run, _, seed: write_garments(run, 0.6, seed, 0.8)
        ),
        "garments-half": write_sweep(
            tmp_path / "small", "classification", ({},), lambda run, _, seed: write_garments(run, 0.3, seed, 0.5)
        ),
    }
    results = judge_claims(folders)
    assert verdicts(results) == [
        ["confirmed"],  # no batch normalization is much worse
        ["not decided"],  # kernel 5 is as good, kernel 7 is worse
        ["refuted"],  # dropout helps
        ["confirmed", "confirmed"],  # more pooling is worse by average precision and by loss
        ["confirmed"],  # the recall of pillars falls
        ["confirmed", "confirmed"],  # shirts are hardest, and more of them are confused at half the resolution
        ["confirmed"],  # layer 1 reaches 80 % on bags
    ]
    assert results[0].sentence.startswith("Confirmed. Without batch normalization, mean average precision ")
    assert "−0.200" in results[0].sentence
    assert results[1].sentence.startswith("Not decided by these images. With kernel 5 instead of 3, ")
    assert "From full to half resolution, the fraction of images of Shirt predicted as " in results[5].sentence
    assert "Coat changes by +30.0 points" in results[5].sentence
    assert "From Shirt to T-shirt/top, the lowest of the other classes, recall changes by +30.0" in results[5].sentence
    assert results[5].sentence.endswith('under "Why classes are confused".')
    assert "on 1 of 10 classes of the validation images" in results[6].sentence
    page = claims_page(results, folders)
    assert "| 3 | Dropout did not help. | **refuted** |" in page
    assert "| by average precision: **confirmed**; by loss: **confirmed** |" in page
    assert "By average precision: confirmed. With four pooling layers instead of three, mean average precision " in page
    assert "| facades-half | " in page


def test_claims_are_refuted_where_the_runs_say_the_opposite(tmp_path: Path) -> None:
    folders = {
        "facades-half": facades(tmp_path / "half", HALF, (0.7, 0.7, 0.8, 0.5, 0.8, 0.7), pillar=0.5),
        "facades-quarter": facades(tmp_path / "quarter", QUARTER, (0.5, 0.6, 0.4), pillar=0.3),
        **{
            name: write_sweep(
                tmp_path / name,
                "classification",
                ({},),
                lambda run, _, seed: write_garments(run, 0.98, seed, 0.5, others=0.7),
            )
            for name in ("garments", "garments-half")
        },
    }
    assert verdicts(judge_claims(folders)) == [
        ["refuted"],
        ["refuted"],
        ["confirmed"],
        ["refuted", "refuted"],
        ["refuted"],
        ["refuted", "not decided"],  # the same networks at both resolutions
        ["refuted"],
    ]
