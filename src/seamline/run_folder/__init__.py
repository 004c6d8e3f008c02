"""The run folder: one typed struct per file, and where each file lies.

Only this package knows the names of files and keys. Writers build the struct of a file. Readers get a checked struct,
or an error of one line that names the file, the path of what is wrong, and the remedy.
"""

from seamline.run_folder.analysis import FilterAnalysis, FilterFraction, FilterLayer, LinearProbe, LinearProbes
from seamline.run_folder.arrays import ClassificationArrays, ImageIndex, SegmentationArrays, StoredImages
from seamline.run_folder.fields import ABSENT, Color, Count, Estimate, Task, to_json
from seamline.run_folder.folder import ONNX, WEIGHTS, RunFolder, prediction_record
from seamline.run_folder.integrity import ExampleOutputs, Integrity
from seamline.run_folder.json_file import JsonFile, JsonLinesFile
from seamline.run_folder.metrics import (
    Calibration,
    CalibrationBin,
    Finding,
    MetricInfo,
    Metrics,
    SplitCalibration,
    SplitMetrics,
)
from seamline.run_folder.prediction import ExportMetadata, PhotoError, PhotoPrediction, PredictionRecord
from seamline.run_folder.results import (
    BoundaryErrors,
    Curve,
    ErrorAnalysis,
    ExampleSheet,
    ImageMetrics,
    LabelIssue,
    LabelIssues,
    MaskExample,
    SheetExample,
    SplitResults,
    ThinRegions,
)
from seamline.run_folder.run_info import (
    ConfigDecision,
    DatasetInfo,
    Epoch,
    GroupingInfo,
    InitFrom,
    ModelInfo,
    NearestImages,
    RandomSplit,
    ReferenceResult,
    RunInfo,
    SplitInfo,
    UnusedData,
)

__all__ = [
    "ABSENT",
    "ONNX",
    "WEIGHTS",
    "BoundaryErrors",
    "Calibration",
    "CalibrationBin",
    "ClassificationArrays",
    "Color",
    "ConfigDecision",
    "Count",
    "Curve",
    "DatasetInfo",
    "Epoch",
    "ErrorAnalysis",
    "Estimate",
    "ExampleOutputs",
    "ExampleSheet",
    "ExportMetadata",
    "FilterAnalysis",
    "FilterFraction",
    "FilterLayer",
    "Finding",
    "GroupingInfo",
    "ImageIndex",
    "ImageMetrics",
    "InitFrom",
    "Integrity",
    "JsonFile",
    "JsonLinesFile",
    "LabelIssue",
    "LabelIssues",
    "LinearProbe",
    "LinearProbes",
    "MaskExample",
    "MetricInfo",
    "Metrics",
    "ModelInfo",
    "NearestImages",
    "PhotoError",
    "PhotoPrediction",
    "PredictionRecord",
    "RandomSplit",
    "ReferenceResult",
    "RunFolder",
    "RunInfo",
    "SegmentationArrays",
    "SheetExample",
    "SplitCalibration",
    "SplitInfo",
    "SplitMetrics",
    "SplitResults",
    "StoredImages",
    "Task",
    "ThinRegions",
    "UnusedData",
    "prediction_record",
    "to_json",
]
