"""What a training that started from another run gained or lost on that run's dataset."""

from seamline.data.split_warnings import SPLITS
from seamline.evaluation.confidence import negated, significant
from seamline.evaluation.findings.inputs import Claim, FindingInputs
from seamline.evaluation.metrics import COMPARED, METRICS
from seamline.evaluation.text import PRINTED, pluralize, title_inside
from seamline.run_folder import Estimate


def first_set(inputs: FindingInputs) -> Claim | None:
    """State whether a training from a run gained or lost on the held-out images of that run's dataset."""
    compared = inputs.before_after
    dataset = next((one for one in compared.datasets if one.name == compared.first), None) if compared else None
    if dataset is None:
        return None
    metric = METRICS[COMPARED[inputs.task]]
    one = dataset.overall[COMPARED[inputs.task]]
    show, size, signed = PRINTED[metric.format]
    before, after = show(Estimate(one.before)), show(Estimate(one.after))
    images = pluralize(dataset.images, f"{SPLITS[dataset.split]} image")
    start = f"On the {images} of {dataset.title}, the dataset of the run that training started from, "
    name = f"the {title_inside(metric.title)}"
    if sign := significant(one.change):
        verb, change = ("gained: ", one.change) if sign > 0 else ("lost: ", negated(one.change))
        word = "rises" if sign > 0 else "falls"
        sentence = f"{start}it has {verb}{name} {word} from {before} to {after}, by {size(change)}."
    else:
        sentence = (
            f"{start}it is not decided whether it has gained or lost: {name} is {before} before and {after} after, "
            f"{signed(one.change)}."
        )
    return Claim(sentence, {"before": one.before, "after": one.after, "change": one.change})
