"""Architectures as ONNX graphs: the layers are those of the papers, the weights are numbers of a fixed seed."""
