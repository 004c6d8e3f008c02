"""The network layer by layer, and what it was trained with."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from seamline.evaluation.text import count, join_and, pluralize
from seamline.report.formatting import compact, percent, setting, significant
from seamline.report.panel import Content
from seamline.report.panels.model.flow import draw_flow, flow_rows
from seamline.report.run_data import LABELS, RunData
from seamline.report.svg import inline_svg
from seamline.run_folder import ModelLayer, ModelSummary, OptimizerGroup

_LISTED_WEIGHTS = 12
"""Class weights that are listed, at most; of more, the smallest and the largest."""


def build(run: RunData) -> Content | None:
    """Show the layers as a drawing and as a table, and the settings of training; None for runs without them."""
    summary = run.model
    if summary is None:
        return None
    size = run.info.model.input_size[:2]
    draw = partial(draw_flow, rows=flow_rows(summary.rows))
    alt = f"The layers from top to bottom, {len(summary.rows)} of them; the table below has their sizes."
    values = {
        "plot": inline_svg(draw, "model", alt),
        "sentences": [_totals(summary), *_costliest(summary), _view(summary, size)],
        "settings": _settings(run, summary),
        "rows": [_cells(one, size) for one in summary.rows],
        "layers": [_cells(one, size) for one in summary.layers],
        "parameters": count(summary.parameters),
        "multiply_adds": compact(summary.multiply_adds),
        "rule": summary.rule,
    }
    return Content(values, {"model": draw})


def _cells(layer: ModelLayer, size: tuple[int, int]) -> dict[str, Any]:
    """Return what a row of the table shows of a layer."""
    window = _sides(layer.kernel)
    moves = any(step != 1 for step in layer.stride)
    whole = all(own >= side for own, side in zip(layer.receptive_field, size, strict=True))
    return {
        "name": layer.name,
        "kind": layer.kind,
        "window": f"{window}, stride {_sides(layer.stride, square=False)}" if window and moves else window,
        "shape": " × ".join(map(str, layer.shape)),
        "parameters": count(layer.parameters) if layer.parameters else "",
        "multiply_adds": compact(layer.multiply_adds) if layer.multiply_adds else "",
        "field": "whole image" if whole else _sides(layer.receptive_field),
    }


def _sides(sides: Sequence[int], *, square: bool = True) -> str:
    """Return `3 × 3`, or with not `square` one number for equal sides."""
    shown = sides if square or len(set(sides)) > 1 else sides[:1]
    return " × ".join(map(str, shown))


def _totals(summary: ModelSummary) -> str:
    return (
        f"The model has {pluralize(summary.parameters, 'parameter')} and does {compact(summary.multiply_adds)} "
        "multiply-adds for an image."
    )


def _view(summary: ModelSummary, size: tuple[int, int]) -> str:
    """State how much of the image an output depends on."""
    last = summary.rows[-1].receptive_field
    if all(own >= side for own, side in zip(last, size, strict=True)):
        return "An output can depend on the whole image."
    return f"An output depends on at most {_sides(last)} of the {_sides(size)} pixels."


def _costliest(summary: ModelSummary) -> list[str]:
    """Name the rows with the most multiply-adds, which the drawing highlights."""
    most = max(one.multiply_adds for one in summary.rows)
    if not most:
        return []
    names = [one.name for one in summary.rows if one.multiply_adds == most]
    share = percent(len(names) * most / summary.multiply_adds)
    if len(names) == 1:
        return [f"The layer {names[0]}, drawn in color, does the largest share of them, {share}."]
    return [f"The layers {join_and(names)}, drawn in color, do {share} of them."]


def _settings(run: RunData, summary: ModelSummary) -> list[tuple[str, str]]:
    """Return loss, optimizers, schedule and batch as pairs of a name and a text."""
    config = run.info.config
    facts = [("loss", _loss(run))]
    several = len(summary.optimizers) > 1
    facts += [(one.optimizer, _optimizer(one, of=several)) for one in summary.optimizers]
    if summary.frozen:
        facts.append(("frozen", f"{pluralize(summary.frozen, 'parameter')} of the encoder"))
    facts.append(("schedule", _schedule(config)))
    if config.get("ema_decay"):
        facts.append(("weights", f"exponential moving average over the steps, decay {config['ema_decay']:g}"))
    facts.append(("batch", pluralize(config["batch_size"], "image") if "batch_size" in config else ""))
    facts.append(("epochs", setting(config["epochs"]) if "epochs" in config else ""))
    facts.append(("initial weights", _initial_weights(run)))
    facts.append(("pixels", _normalization(summary)))
    return [(name, text) for name, text in facts if text]


def _loss(run: RunData) -> str:
    config, labels = run.info.config, LABELS[run.info.task]
    if run.info.dataset.parts:
        return f"negative logarithm of the summed probabilities of a label's classes, mean over {labels}"
    weights, smoothing = config.get("class_weights"), config.get("label_smoothing")
    text = f"cross entropy, mean over {labels}, "
    if not weights:
        text += "equal class weights"
    elif len(weights) <= _LISTED_WEIGHTS:
        pairs = [f"{name} {weight:g}" for name, weight in zip(run.classes, weights, strict=False)]
        text += f"class weights {join_and(pairs)}"
    else:
        text += f"class weights from {min(weights):g} to {max(weights):g}"
    return f"{text}, label smoothing {smoothing:g}" if smoothing else text


def _optimizer(group: OptimizerGroup, *, of: bool) -> str:
    """Return the settings of an optimizer; with `of` also which weights have it."""
    names = {"lr": "learning rate", "eps": "ε", "betas": "β", "weight_decay": "weight decay"}
    texts = [f"{names.get(name, name.replace('_', ' '))} {_number(value)}" for name, value in group.settings.items()]
    weights = f" ({pluralize(group.parameters, 'parameter')}: {group.weights})" if of else ""
    return ", ".join(texts) + weights


def _number(value: Any) -> str:
    return " and ".join(map(setting, value)) if isinstance(value, list | tuple) else setting(value)


def _schedule(config: dict[str, Any]) -> str:
    schedule = config.get("schedule")
    if schedule == "linear":
        return f"linear warm-up over {100 * config.get('warmup', 0):g}\u00a0% of the steps, then linear decay to zero"
    return "constant learning rate" if schedule == "constant" else str(schedule or "")


def _initial_weights(run: RunData) -> str:
    start = run.info.init_from
    return f"those of run {start.run}" if start else (run.info.model.init or "at random").removeprefix("with ")


def _normalization(summary: ModelSummary) -> str:
    if not summary.mean:
        return ""
    mean, std = (", ".join(significant(one) for one in values) for values in (summary.mean, summary.std))
    return f"0 to 255, minus {mean}, divided by {std}"
