"""A trained run -> ONNX files, verified before they are written."""
