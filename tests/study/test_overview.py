from pathlib import Path

import msgspec

from report.factories import write_classification_run, write_segmentation_run
from seamline.evaluation.text import percent
from seamline.run_folder import Estimate, Finding, RunFolder
from seamline.study.measures import MEASURES
from seamline.study.overview import TITLE, comparison, write_overview


def add(run: RunFolder, name: str, **values: object) -> None:
    finding = Finding(name=name, sentence="A sentence.", values=values, panel="why")
    run.findings.write((*run.findings.read(), finding))


def test_garments_stand_beside_the_study(tmp_path: Path) -> None:
    run = RunFolder(write_classification_run(tmp_path / "garments"))
    add(run, "reason_fabric", verdict="not decided")
    add(run, "layer1_recall", classes=["Bag"])
    add(run, "filter_types", **{"layer 1": {"edges": Estimate(0.5, 0.4, 0.6)}})
    table = comparison(run, "garments")
    rows = {row.name: row for row in table.rows}
    metrics = run.metrics.read()
    assert rows["Validation accuracy"].reference == "91.2 %"
    assert rows["Validation accuracy"].own == percent(metrics.val.overall["accuracy"])
    assert rows["Recall of Shirt, the hardest class"].own == percent(metrics.held_out.per_class["Shirt"]["recall"])
    assert "Recall of Trouser, an easiest class" not in rows  # the run has no such class
    assert rows["Layer 1 alone"].own == "on 1 class significantly above 60 %"
    assert rows["Filters of layer 1 that are edges"].own == "50.0 % (40.0 to 60.0)"
    assert "Filters of layer 2 that are nearly uniform" not in rows
    reason = rows["Shirts with more fine detail are recognized more often"]
    assert (reason.own, reason.link) == ("not decided", "garments/report.html#why")
    assert "cannot be compared" not in table.note


def test_facades_stand_beside_others_and_synthetic_ones_say_so(tmp_path: Path) -> None:
    run = RunFolder(write_segmentation_run(tmp_path / "facades"))
    info = run.info.read()
    run.info.write(msgspec.structs.replace(info, dataset=msgspec.structs.replace(info.dataset, synthetic=True)))
    add(run, "reference_comparison", references={"Course, 0.63": 0.63, "Course, 0.624": 0.624})
    add(run, "reference_ranks", **{"test_dev/eecs442_0061.jpg": {"rank": 4, "mean_iou": 0.61}})
    add(run, MEASURES, drawn={"pillar_recall_middles": 0.6, "pillar_recall_ends": 0.25})
    table = comparison(run, "facades")
    assert "cannot be compared" in table.note
    rows = {row.name: row for row in table.rows}
    reference = rows["Mean average precision, by logits"].reference
    assert reference == "not preserved; the course required 0.45; best course results 0.63 and 0.624"
    shown = rows["test_dev/eecs442_0061.jpg"]
    assert (shown.reference, shown.own) == ("the success that the study shows", "rank 4 by mean IoU (0.610)")
    assert rows["Pillars of an own photo"].own == "on a drawn front 60 % of middles, 25 % of ends"


def test_the_page_is_named_for_the_study_and_its_links_exist(tmp_path: Path) -> None:
    runs = [write_classification_run(tmp_path / "a"), write_segmentation_run(tmp_path / "b")]
    page = write_overview(tmp_path, runs, []).read_text(encoding="utf-8")
    assert f"<h1>{TITLE}</h1>" in page
    assert "seamline reproduce --claims" in page
    assert page.count('<table class="comparison">') == 2
    assert 'href="a/report.html#training"' in page
