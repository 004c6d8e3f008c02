"""The panels of the page: a reader asks first what was trained and how, then where the model fails, then why."""

from seamline.report.panel import Panel
from seamline.report.panels import (
    calibration,
    classes,
    confusion,
    data_warnings,
    datasets,
    examples,
    kernels,
    label_issues,
    leakage,
    linear_probes,
    measures,
    model,
    pr_curves,
    predictions,
    reproducibility,
    training,
    training_data,
    why,
)

PANELS: tuple[Panel, ...] = (
    Panel("model", "The model", model.build),
    Panel("training", "Training curves", training.build),
    Panel("confusion", "Confusion matrix", confusion.build),
    Panel("classes", "Per-class metrics", classes.build),
    Panel("datasets", "Metrics of each dataset", datasets.build),
    Panel("pr_curves", "Precision and recall", pr_curves.build),
    Panel("examples", "Examples", examples.build),
    Panel("why", "Why classes are confused", why.build),
    Panel("predictions", "Your photos", predictions.build),
    Panel("measures", "Measures of buildings", measures.build),
    Panel("kernels", "Learned filters", kernels.build),
    Panel("linear_probes", "Linear probes", linear_probes.build),
    Panel("calibration", "Calibration", calibration.build),
    Panel("training_data", "Training data", training_data.build),
    Panel("label_issues", "Possible label errors", label_issues.build),
    Panel("data_warnings", "Data warnings", data_warnings.build),
    Panel("leakage", "Data leakage", leakage.build),
    Panel("reproducibility", "Reproducibility", reproducibility.build),
)
