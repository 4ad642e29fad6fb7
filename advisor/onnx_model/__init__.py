"""What an ONNX file says about the work of its model; the file is read and never run."""

from advisor.onnx_model.read import OnnxModel, read

__all__ = ["OnnxModel", "read"]
