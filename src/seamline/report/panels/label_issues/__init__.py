"""Images whose labels may be wrong."""

from seamline.evaluation.text import count, join_and, pluralize
from seamline.report.formatting import percent
from seamline.report.images import SIDE, png_uri
from seamline.report.panel import Content
from seamline.report.run_data import SPLITS, RunData
from seamline.run_folder import LabelIssues


def build(run: RunData) -> Content | None:
    """Show the possible label errors, the largest margin first; None where there are none."""
    issues = run.label_issues
    if issues is None or run.label_issues_sheet is None or not issues.issues:
        return None
    height, width = issues.tile
    shown = issues.issues[: issues.n_shown]
    scale = max(1, SIDE // max(height, width))
    values = {
        "shown": [(one, SPLITS.get(one.split, "training")) for one in shown],
        "classes": run.classes,
        "uri": png_uri(run.label_issues_sheet),
        "width": width * scale,
        "height": height * scale,
        "checked": _checked(issues),
        "caption": _caption(issues),
    }
    return Content(values)


def _checked(issues: LabelIssues) -> str:
    """State which images were checked, and by which models."""
    if issues.folds:
        which = "the test images by this one, the others by" if "test" in issues.checked else "by one of"
        return (
            f"Every image is checked by a model that was not trained on it: {which} {count(issues.folds)} models, each "
            "trained without the fold that it checks, for at most half as long."
        )
    parts = [f"{count(number)} {SPLITS.get(split, 'training')}" for split, number in issues.checked.items()]
    sentence = (
        f"Only the {join_and(parts)} images are checked, on which this model was not trained; --label-check-folds "
        "checks all."
    )
    if any(one.split == "val" and one.name.startswith("train") for one in issues.issues):
        sentence += " Validation images have names of training images, which they were drawn from."
    return sentence


def _caption(issues: LabelIssues) -> str:
    """State how many labels are flagged, and how many the models agree with."""
    n_checked = max(sum(issues.checked.values()), 1)
    return (
        f"Confident learning flags {count(len(issues.issues))} of {pluralize(n_checked, 'image')}; "
        f"{count(issues.n_shown)} {'is' if issues.n_shown == 1 else 'are'} shown, with label (struck out), prediction "
        f"and split. {'The models agree' if issues.folds else 'The model agrees'} with "
        f"{percent(issues.n_agree / n_checked)} of all labels. A flagged image may be hard, not mislabeled. "
        "evaluation/label_issues.json lists all."
    )
