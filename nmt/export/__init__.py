"""Models for other programs: graphs of ONNX with all that translates beside them."""
