"""How good the model is: overall, on its hardest and easiest classes, and beyond the images it was trained on."""

from collections.abc import Callable
from typing import Any

import numpy as np

from seamline.data.split_warnings import no_test_reason
from seamline.evaluation.confidence import negated, significant
from seamline.evaluation.findings.inputs import Claim, FindingInputs
from seamline.evaluation.findings.ranking import separable_extremes
from seamline.evaluation.metrics import METRICS, PRIMARY
from seamline.evaluation.text import (
    PRINTED,
    count,
    decimal,
    join_and,
    percent,
    percent_inside,
    pluralize,
    points,
    signed_points,
    title_inside,
)
from seamline.run_folder import Estimate

MIN_IMAGES = 4
"""Images from which on a spread is stated."""


def overall(inputs: FindingInputs) -> Claim | None:
    """State the main metrics on the held-out images."""
    held_out, title = inputs.held_out, inputs.split_title
    accuracy = held_out.overall("accuracy").estimate
    if inputs.task == "classification":
        return Claim(
            f"Of {pluralize(held_out.n_images, f'{title} image')}, none of which was used for training, the model "
            f"classifies {percent(accuracy)} correctly.",
            {"accuracy": accuracy, "images": held_out.n_images},
        )
    raw, softmax, iou = (held_out.overall(key).estimate for key in ("mean_ap", "mean_ap_softmax", "mean_iou"))
    if not raw.present:
        return None
    present = int(np.count_nonzero(held_out.counts.total.present))
    over = f"the mean over {present} classes" if present > 1 else "of the one class present"
    ranked = f"{decimal(raw)} with pixels ranked by logits and {decimal(softmax)} by softmax"
    if decimal(raw) == decimal(softmax):  # as for models that return log probabilities
        ranked = f"{decimal(raw)} with pixels ranked by logits or by softmax, which give the same ranking"
    values = {"mean_ap": raw, "mean_ap_softmax": softmax, "mean_iou": iou, "accuracy": accuracy}
    return Claim(
        f"On {pluralize(held_out.n_images, f'{title} image')}, none of which was used for training, the model's "
        f"average precision is {ranked}, {over}. It classifies {percent(accuracy)} of the pixels correctly.",
        {**values, "images": held_out.n_images},
    )


def no_test_images(inputs: FindingInputs) -> Claim | None:
    """State that there are no test images, so that metrics are of the validation images."""
    if inputs.test is not None:
        return None
    return Claim(
        f"There is no test split: {no_test_reason(inputs.split)}. The temperature is fitted on them too, so they are "
        "no independent test.",
        {"images": inputs.val.n_images},
    )


def extreme_classes(inputs: FindingInputs, key: str, *, lowest: bool) -> list[int]:
    """Return the classes at one end of a metric on the held-out images that differ significantly from all others.

    Args:
        inputs: what is known.
        key: a metric of each class, of `METRICS`.
        lowest: at which end.

    Returns:
        Indices of classes; none where too many do not differ significantly.
    """
    of_class = inputs.held_out[key]

    def differ(a: int, b: int) -> bool:
        return significant(of_class[a].minus(of_class[b])) != 0

    return separable_extremes([one.estimate.value for one in of_class], differ, lowest=lowest)


def hardest_class(inputs: FindingInputs) -> Claim | None:
    """Name the class with the lowest metric; several where the difference among them is not significant."""
    return _extreme(inputs, "hardest", lowest=True)


def easiest_classes(inputs: FindingInputs) -> Claim | None:
    """Name the classes with the highest metric."""
    return _extreme(inputs, "easiest", lowest=False)


def _extreme(inputs: FindingInputs, word: str, *, lowest: bool) -> Claim | None:
    key, held_out, title = PRIMARY[inputs.task][1], inputs.held_out, inputs.split_title
    chosen = extreme_classes(inputs, key, lowest=lowest)
    if not chosen:
        return None
    metric = {inputs.classes[k]: held_out[key][k].estimate for k in chosen}
    values: dict[str, dict[str, Estimate]] = {name: {key: one} for name, one in metric.items()}
    name = inputs.classes[chosen[0]]
    shown: Callable[[Estimate], str] = percent_inside
    by = f"by recall on {title}"
    if inputs.task == "classification":
        images = int(held_out.counts.confusion_matrix[chosen[0]].sum())
        sentence = (
            f"{name} is the {word} class: {percent(metric[name])} of its "
            f"{pluralize(images, f'{title} image')} {'is' if images == 1 else 'are'} classified correctly."
        )
    else:
        shown, by = decimal, f"by average precision on {title}"
        recall, size = (held_out[other][chosen[0]].estimate for other in ("recall", "pixel_fraction"))
        found = "none of these is" if percent(recall) == "0 %" else f"{percent(recall)} of these are"
        sentence = (
            f"{name} is the {word} class: its average precision on {title} is {decimal(metric[name])}. Of all pixels "
            f"{percent(size)} are {name}, and {found} found."
        )
        if len(chosen) == 1:
            values[name] |= {"recall": recall, "pixel_fraction": size}
    if len(chosen) > 1:
        parts = join_and([f"{name} ({shown(one)})" for name, one in metric.items()])
        unclear = "difference between them is" if len(chosen) == 2 else "differences between them are"
        sentence = f"The {word} classes are {parts}, {by}; the {unclear} not significant."
    return Claim(sentence, values)


def generalization(inputs: FindingInputs) -> Claim | None:
    """State the generalization gap between training and validation images, if it is significant."""
    if inputs.train is None:
        return None
    train, val = inputs.train, inputs.val
    first, second = train.overall("accuracy"), val.overall("accuracy")
    gap = first.minus(second)
    if significant(gap) <= 0:
        return None
    values: dict[str, Any] = {"train": first.estimate, "val": second.estimate, "gap": gap}
    sample = f"{count(train.n_images)} of " if inputs.train_sampled else ""
    of_train, of_val = f"{sample}its training images", "the validation images"
    loss = ""
    if inputs.task == "segmentation":
        of_train, of_val = f"the pixels of {of_train}", f"those of {of_val}"
        before, after = train.overall("log_loss"), val.overall("log_loss")
        values["loss_gap"] = after.minus(before)
        if significant(values["loss_gap"]) > 0:
            loss = f"; the log loss increases from {decimal(before.estimate)} to {decimal(after.estimate)}"
    return Claim(
        f"It classifies {percent(first.estimate)} of {of_train} correctly and {percent(second.estimate)} of {of_val}: "
        f"a generalization gap of {points(gap)}{loss}.",
        values,
    )


def val_test_gap(inputs: FindingInputs) -> Claim | None:
    """State whether the main metric on test differs significantly from that on validation."""
    if inputs.test is None:
        return None
    metric = METRICS[PRIMARY[inputs.task][0]]
    first, second = (of.overall(PRIMARY[inputs.task][0]) for of in (inputs.val, inputs.test))
    val, test, gap = first.estimate, second.estimate, second.minus(first)
    if not gap.has_interval:
        return None
    show, size, signed = PRINTED[metric.format]
    name = title_inside(metric.title)
    if sign := significant(gap):
        word, difference = ("above", gap) if sign > 0 else ("below", negated(gap))
        sentence = (
            f"The {name} on test, {show(test)}, is {size(difference)} {word} that on validation, {show(val)}; "
            "the difference is significant."
        )
    else:
        sentence = (
            f"The {name} on test, {show(test)}, and on validation, {show(val)}, do not differ "
            f"significantly: {signed(gap)}."
        )
    return Claim(sentence, {"val": val, "test": test, "gap": gap})


def calibration(inputs: FindingInputs) -> Claim | None:
    """State whether the mean confidence differs significantly from the accuracy."""
    if inputs.calibration is None:
        return None
    measured, temperature = inputs.calibration.held_out, inputs.calibration.temperature
    gap, left, reduction = measured.confidence_gap_raw, measured.confidence_gap_scaled, measured.nll_reduction
    sign = significant(gap)
    if not sign:
        return None
    word, size, side = ("over", gap, "above") if sign > 0 else ("under", negated(gap), "below")
    sentence = (
        f"The model is {word}confident: on the {inputs.split_title} {inputs.labels} its mean confidence is "
        f"{points(size)} {side} its accuracy."
    )
    if significant(reduction) > 0:
        sentence += (
            f" A temperature of {temperature.value:.2f}, fitted on validation, reduces the difference to "
            f"{signed_points(left)} and lowers the log loss by {decimal(reduction)}."
        )
    values = {"confidence_gap_raw": gap, "confidence_gap_scaled": left, "nll_reduction": reduction}
    return Claim(sentence, {**values, "temperature": temperature})


def per_image_spread(inputs: FindingInputs) -> Claim | None:
    """State the range of the mean IoU of single images."""
    if len(inputs.images) < MIN_IMAGES:
        return None
    best, worst = inputs.images[0], inputs.images[-1]
    low, middle, high = np.quantile([image.mean_iou for image in inputs.images], [0.25, 0.5, 0.75]).tolist()
    return Claim(
        f"The mean IoU of single {inputs.split_title} images ranges from {worst.mean_iou:.3f} ({worst.name}) to "
        f"{best.mean_iou:.3f} ({best.name}); half of the images are between {low:.3f} and {high:.3f}.",
        {"best": best.mean_iou, "worst": worst.mean_iou, "quarter": low, "median": middle, "three_quarters": high},
    )
