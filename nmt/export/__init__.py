"""Models for other programs: ONNX graphs with everything that translation needs."""
