import dataclasses

import pytest

from report.factories import write_classification_run
from seamline.report.page import build_sections, render_page
from seamline.report.panels import before_after
from seamline.report.run_data import RunData, read_run
from seamline.run_folder import BeforeAfter, DatasetChange, Estimate, MetricChange


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return read_run(write_classification_run(tmp_path_factory.mktemp("panels") / "run"))


def compared(run: RunData, first: str, groups: int = 40) -> RunData:
    """Return a run that started from another one, on a dataset with one metric of all classes and one of a class."""
    overall = MetricChange(before=0.8, after=0.75, change=Estimate(-0.05, -0.09, -0.01))
    of_class = MetricChange(before=0.5, after=0.9, change=Estimate(0.4))
    dataset = DatasetChange(
        name="garments", title="Garments <1>", split="test", images=groups, groups=groups,
        overall={"accuracy": overall}, per_class={run.classes[0]: {"recall": of_class}},
    )  # fmt: skip
    return dataclasses.replace(run, before_after=BeforeAfter(run="runs/base", first=first, datasets=(dataset,)))


def test_the_panel_has_before_after_and_the_change(run: RunData) -> None:
    changed = compared(run, "garments")
    page = render_page(changed, build_sections(changed))
    section = page[page.index('id="before_after"') :]
    text = section[: section.index("</section>")]
    assert "the run <code>base</code>" in text
    assert "Garments &lt;1&gt;: 40 test images" in text
    assert "80.0\u00a0%</td><td>75.0\u00a0%</td><td>−5.0 points <small>−9.0 to −1.0</small>" in text
    assert "50.0\u00a0%</td><td>90.0\u00a0%</td><td>+40.0 points</td>" in text
    assert "is not measured here" not in text


def test_photos_alone_say_what_is_not_measured(run: RunData) -> None:
    content = before_after.build(compared(run, "", groups=1))
    assert content is not None
    assert "name that dataset beside" in content.values["unmeasured"]
    assert content.values["tables"][0]["groups"] == 1


def test_a_fresh_training_has_no_such_panel(run: RunData) -> None:
    assert before_after.build(run) is None
