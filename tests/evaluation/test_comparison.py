"""Sentences on the differences between two runs."""

from seamline.evaluation.compare import ChangedImage, Comparison, MetricDiff
from seamline.evaluation.findings.comparison import differences
from seamline.run_folder import Estimate

BETTER = MetricDiff("accuracy", "", 0.9, 0.95, Estimate(0.05, 0.02, 0.08))
UNCLEAR = MetricDiff("mean_iou", "", 0.5, 0.51, Estimate(0.01, -0.01, 0.03))
FIXED = (ChangedImage("test/1", "Bag", "Coat", "Bag"), ChangedImage("test/2", "Bag", "Coat", "Bag"))


def sentences(*metrics: MetricDiff, fixed: tuple[ChangedImage, ...] = ()) -> list[str]:
    return differences("old", "new", Comparison("test", 1200, metrics, fixed, ()))


def test_significant_differences_of_all_classes_are_stated_with_their_interval() -> None:
    assert sentences(BETTER, UNCLEAR) == [
        "new is better than old in accuracy: 95.0 % against 90.0 %, a difference of +5.0 points (+2.0 to +8.0)."
    ]
    loss = MetricDiff("log_loss", "", 0.2, 0.3, Estimate(0.1, 0.05, 0.15))  # lower is better
    assert sentences(loss) == [
        "new is worse than old in log loss: 0.300 against 0.200, a difference of +0.100 (+0.050 to +0.150)."
    ]


def test_without_a_significant_difference_the_first_interval_is_stated() -> None:
    unknown = MetricDiff("mean_ap", "", 0.5, 0.6, Estimate(0.1))
    assert sentences(unknown, UNCLEAR) == [
        "No difference between new and old is significant on 1,200 images: the difference in mean IoU is +0.010 "
        "(−0.010 to +0.030)."
    ]
    assert sentences(unknown) == ["No difference between new and old is significant on 1,200 images."]


def test_classes_are_named_by_direction_and_changed_images_counted() -> None:
    classes = (
        MetricDiff("recall", "Bag", 0.5, 0.9, Estimate(0.4, 0.3, 0.5)),
        MetricDiff("recall", "Coat", 0.9, 0.5, Estimate(-0.4, -0.5, -0.3)),
        MetricDiff("recall", "Boot", 0.5, 0.7, Estimate(0.2, 0.1, 0.3)),
        MetricDiff("iou", "Bag", 0.5, 0.6, Estimate(0.1, -0.1, 0.3)),
    )
    assert sentences(BETTER, *classes, fixed=FIXED)[1:] == [
        "new is significantly better in recall for Bag and Boot.",
        "new is significantly worse in recall for Coat.",
        "2 images changed from wrong to correct and 0 from correct to wrong.",
    ]
