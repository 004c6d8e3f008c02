"""The card of a model: what it is for, its limits and figures, its data and their license."""

from pydantic import BaseModel, Field

from seamline.evaluation.text import count, join_and, pluralize
from seamline.inference.predictor import Predictor, find_model
from seamline.inference.pretrained import PRETRAINED, pretrained_dir
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
    if path in [pretrained_dir(name) for name in PRETRAINED]:
        return CardResponse(sections=parse_card((path / "CARD.md").read_text(encoding="utf-8")))
    metadata, folder = predictor.metadata, RunFolder(path)
    use = CardSection(title=_USE, paragraphs=[_use(predictor)])
    if not path.is_dir():
        height, width, _ = metadata.input_size
        size = f"It was trained on images of {height} × {width} pixels. {_NOT_KNOWN}"
        return CardResponse(sections=[use, CardSection(title=_LIMITS, paragraphs=[size])])
    info, metrics = folder.info.read(), folder.metrics.read_optional()
    limits = CardSection(title=_LIMITS, paragraphs=[" ".join(_limits(info, metrics))])
    sentences = [finding.sentence for finding in folder.findings.read_optional() or ()][:_FINDINGS]
    findings = [CardSection(title="Findings", paragraphs=sentences)] if sentences else []
    figures = [_figures(metrics)] if metrics else []
    return CardResponse(sections=[use, limits, *findings, *figures, _data(info), _training(info)])


def parse_card(text: str) -> list[CardSection]:
    """Return the sections of a card in Markdown: first the intended use and limits, last data and training.

    Args:
        text: a title, a paragraph, and sections of paragraphs and tables, some of them subsections.
    """
    sections = [CardSection(title=_USE)]
    for block in text.strip().split("\n\n")[1:]:
        if block.startswith("#"):
            sections.append(CardSection(title=block.lstrip("#").strip()))
        elif block.startswith("|"):
            rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
            sections[-1].tables.append([rows[0], *rows[2:]])
        else:
            sections[-1].paragraphs.append(block)
    ends = {_USE: -2, _LIMITS: -1, _DATA: 1, _TRAINING: 2}
    return sorted(sections, key=lambda section: ends.get(section.title, 0))


def _use(predictor: Predictor) -> str:
    kind = "Segmentation" if predictor.task == "segmentation" else "Classification"
    classes = join_and(predictor.classes)
    return (
        f"{kind} of images like those of {predictor.metadata.dataset} into "
        f"{pluralize(len(predictor.classes), 'class', 'classes')}: {classes}."
    )


def _limits(info: RunInfo, metrics: Metrics | None) -> list[str]:
    """Return what the data alone say about the limits of a run."""
    height, width, channels = info.model.input_size
    sentences = [f"It was trained on {'gray ' if channels == 1 else ''}images of {height} × {width} pixels."]
    if info.dataset.synthetic:
        sentences.append("A program drew these images; no photograph was among them.")
    if metrics is None:
        sentences.append("The run has not been evaluated.")
    elif metrics.test is None:
        sentences.append("There are no test images: the figures are of the validation images.")
    sentences.append("Its probabilities hold for images like these only.")
    return sentences


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
    ]
    tables = [[["", *splits], *overall]]
    per_class = metrics.held_out.per_class
    if key := next((key for values in per_class.values() for key in values), None):
        head = ["Class", f"{definitions[key].title}, {[*splits][-1]}"]
        rows = [
            [name, estimate_text(values.get(key, ABSENT), definitions[key].format)]
            for name, values in per_class.items()
        ]
        tables.append([head, *rows])
    note = f"With 95 % intervals ({metrics.intervals})." if metrics.intervals else ""
    return CardSection(title="Metrics", paragraphs=[note] if note else [], tables=tables)


def _data(info: RunInfo) -> CardSection:
    """Return where the images come from, and how many there are."""
    data = info.dataset
    images = f"Trained on {pluralize(data.train, 'image')}; {count(data.val)} others were used for validation."
    tested = f"{pluralize(data.test, 'test image')} were not used for training." if data.test else ""
    source = data.description or f"{data.title}. Source: {data.source}. Its license is not known."
    return CardSection(title=_DATA, paragraphs=[source, f"{images} {tested}".strip()])


def _training(info: RunInfo) -> CardSection:
    model = f"Model {info.model.name}, {count(info.model.parameters)} parameters, preset {info.preset}"
    text = f"{model}, seed {info.seed}; on {info.machine}, with Seamline {info.seamline}."
    return CardSection(title=_TRAINING, paragraphs=[text])
