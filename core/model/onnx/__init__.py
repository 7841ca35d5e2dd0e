"""A bundle as one ONNX graph."""
