"""The card of a model: what it is for, its limits and figures, its data and their license."""

from pydantic import BaseModel, Field

from seamline.evaluation.model_card import ModelCard, intended_use, model_card
from seamline.evaluation.text import count, join_and, pluralize
from seamline.inference.predictor import Predictor, find_model
from seamline.inference.pretrained import pretrained_name
from seamline.report.formatting import estimate_text
from seamline.run_folder import ABSENT, Metrics, RunFolder, RunInfo

Table = list[list[str]]

_USE, _LIMITS, _DATA, _TRAINING = "Intended use", "Limits", "Data and license", "Training"
_FINDINGS = 5  # as many as stand at the head of a report
_NOT_KNOWN = "An exported file has no figures; the report of its run has them."


class CardSection(BaseModel):
    """A section of a model's card."""

    title: str
    paragraphs: list[str] = []
    tables: list[Table] = Field(default=[], description="Tables of texts, row by row; the first row is the head.")


class CardResponse(BaseModel):
    """The card of a model."""

    sections: list[CardSection] = Field(description="Intended use and limits, then figures, data and training.")


def read_card(predictor: Predictor) -> CardResponse:
    """Return the card of a model: that of a pretrained one as written, others from what their files say."""
    path = find_model(predictor.path)
    if pretrained_name(path):
        return CardResponse(sections=parse_card((path / "CARD.md").read_text(encoding="utf-8")))
    if not path.is_dir():
        height, width, _ = predictor.metadata.input_size
        limits = f"It was trained on images of {height} × {width} pixels. {_NOT_KNOWN}"
        return CardResponse(sections=[_section(_USE, _use(predictor)), _section(_LIMITS, limits)])
    folder = RunFolder(path)
    info, metrics = folder.info.read(), folder.metrics.read_optional()
    card = ModelCard(intended_use(info), ("The run has not been evaluated.",))
    if metrics is not None:
        card = model_card(info, metrics, folder.novelty.read_optional())
    sentences = [finding.sentence for finding in folder.findings.read_optional() or ()][:_FINDINGS]
    findings = [_section("Findings", *sentences)] if sentences else []
    figures = [_figures(metrics)] if metrics else []
    ends = [_data(info), _training(info)]
    heads = [_section(_USE, *card.intended_use), _section(_LIMITS, *card.limits)]
    return CardResponse(sections=[*heads, *findings, *figures, *ends])


def _section(title: str, *paragraphs: str) -> CardSection:
    return CardSection(title=title, paragraphs=[*paragraphs])


def parse_card(text: str) -> list[CardSection]:
    """Return the sections of a card in Markdown: first the intended use and limits, last data and training.

    Args:
        text: a title, paragraphs that belong to the intended use, and sections of paragraphs and tables, some of them
            subsections.
    """
    current = CardSection(title=_USE)
    sections = {_USE: current}
    for block in text.strip().split("\n\n")[1:]:
        if block.startswith("#"):
            title = block.lstrip("#").strip()
            current = sections.setdefault(title, CardSection(title=title))
        elif block.startswith("|"):
            rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
            current.tables.append([rows[0], *rows[2:]])
        else:
            current.paragraphs.append(block)
    ends = {_USE: -2, _LIMITS: -1, _DATA: 1, _TRAINING: 2}
    return sorted(sections.values(), key=lambda section: ends.get(section.title, 0))


def _use(predictor: Predictor) -> str:
    """Return what an exported file says of its use."""
    kind = "Segmentation" if predictor.task == "segmentation" else "Classification"
    classes = join_and(predictor.classes)
    return (
        f"{kind} of images like those of {predictor.metadata.dataset} into "
        f"{pluralize(len(predictor.classes), 'class', 'classes')}: {classes}."
    )


def _figures(metrics: Metrics) -> CardSection:
    """Return the metrics of the validation and test images, and the most important one of each class."""
    splits = {"validation": metrics.val} | ({"test": metrics.test} if metrics.test else {})
    definitions = metrics.definitions
    overall = [
        [
            definitions[key].title,
            *(estimate_text(split.overall.get(key, ABSENT), definitions[key].format) for split in splits.values()),
        ]
        for key in metrics.held_out.overall
        if not key.endswith("_softmax")
    ]
    tables = [[["", *splits], *overall]]
    if lowest := metrics.lowest_class(metrics.held_out):
        title, form = definitions[lowest[0]].title, definitions[lowest[0]].format
        per_class = metrics.held_out.per_class.items()
        rows = [[name, estimate_text(values.get(lowest[0], ABSENT), form)] for name, values in per_class]
        tables.append([["Class", f"{title}, {[*splits][-1]}"], *rows])
    note = f"Intervals: {metrics.intervals}." if metrics.intervals else ""
    return CardSection(title="Metrics", paragraphs=[note] if note else [], tables=tables)


def _data(info: RunInfo) -> CardSection:
    """Return where the images come from; how many there are is part of the intended use and limits."""
    data = info.dataset
    return _section(_DATA, f"{data.title}. {data.description or f'Source: {data.source}. Its license is not known.'}")


def _training(info: RunInfo) -> CardSection:
    model = f"Model {info.model.name}, {count(info.model.parameters)} parameters, preset {info.preset}"
    return _section(_TRAINING, f"{model}, seed {info.seed}; on {info.machine}, with Seamline {info.seamline}.")
