"""Rows in the terms of MLSysIM (pip install mlsysim==0.3.0), at its default efficiency of 0.5 unless another is given.

Models that answer at once are asked at the size of input that its registry states; language models on one device.
"""

import re
import warnings
from collections.abc import Callable
from typing import Any

DISTRIBUTION = "mlsysim"
HARDWARE = {
    "NVIDIA K80": "Cloud.K80", "NVIDIA P100 PCIe": "Cloud.P100", "NVIDIA V100": "Cloud.V100", "NVIDIA T4": "Cloud.T4",
    "NVIDIA A100 SXM 40GB": "Cloud.A100_40GB", "NVIDIA A100 SXM 80GB": "Cloud.A100",
    "NVIDIA H100 SXM 80GB": "Cloud.H100", "NVIDIA H200 SXM": "Cloud.H200", "NVIDIA B200 SXM": "Cloud.B200",
    "NVIDIA Jetson Orin NX 16GB": "Edge.JetsonOrinNX", "NVIDIA Jetson AGX Orin 64GB": "Edge.JetsonAGXOrin",
    "Google Coral Edge TPU": "Edge.Coral",
}  # fmt: skip
ONE_SHOT = {
    "alexnet": ("Vision.AlexNet", (224, 227)), "vgg16": ("Vision.VGG16", (224,)),
    "resnet18": ("Vision.ResNet18", (224,)), "resnet50": ("Vision.ResNet50", (224,)),
    "mobilenetv1": ("Vision.MobileNetV1", (224,)), "mobilenet_v1_1.0_224": ("Vision.MobileNetV1", (224,)),
    "mobilenetv2": ("Vision.MobileNetV2", (224,)), "mobilenet_v2_1.0_224": ("Vision.MobileNetV2", (224,)),
    "mobilenet_v2_0.75_224": ("Vision.MobileNetV2_Alpha0_75", (224,)),
    "mobilenet_v3_large": ("Vision.MobileNetV3_Large", (224,)), "efficientnet_b0": ("Vision.EfficientNetB0", (224,)),
    "yolov8n": ("Vision.YOLOv8_Nano", (640,)), "bert-base": ("Language.BERT_Base", (128,)),
}  # fmt: skip
LANGUAGE = {
    "llama-2-7b": "Language.Llama2_7B", "llama-2-13b": "Language.Llama2_13B", "llama-2-70b": "Language.Llama2_70B",
    "llama-3-8b": "Language.Llama3_8B", "mixtral-8x7b": "Language.Mixtral_8x7B", "deepseek-v3": "Language.DeepSeek_V3",
}  # fmt: skip
PRECISIONS = ("fp32", "fp16", "bf16", "fp8", "int8", "int4")
METRICS = ("tpot", "tpot_batched", "ttft")


def unnamed(row: dict[str, Any]) -> str:
    """What of a row it has no name for; empty where it names everything."""
    sides = ONE_SHOT.get(row["model"], ("", ()))[1]
    stated = max((int(size) for size in re.findall(r"\d+", row["input"])), default=0)
    at_once = row["metric"] == "latency"
    found = {
        "metric": at_once or row["metric"] in METRICS, "device": row["device"] in HARDWARE,
        "model": row["model"] in (ONE_SHOT if at_once else LANGUAGE), "input": not at_once or stated in sides,
        "precision": row["precision"] in PRECISIONS, "parallelism": row["devices"] == 1,
    }  # fmt: skip
    return next((name for name, named in found.items() if not named), "")


def estimator(efficiency: float | None) -> Callable[[dict[str, Any]], float]:
    """Seconds of the metric of a row."""
    import mlsysim
    from mlsysim.solvers import ServingModel, SingleNodeModel

    warnings.simplefilter("error")  # it warns where it has no rate for a precision and takes another one
    share = 0.5 if efficiency is None else efficiency

    def record(registry: Any, name: str) -> Any:
        shelf, entry = name.split(".")
        return getattr(getattr(registry, shelf), entry)

    def estimate(row: dict[str, Any]) -> float:
        hardware = record(mlsysim.Hardware, HARDWARE[row["device"]])
        given = {"batch_size": row["batch"], "precision": row["precision"], "efficiency": share}
        if row["metric"] == "latency":
            model = record(mlsysim.Models, ONE_SHOT[row["model"]][0])
            return SingleNodeModel().solve(model, hardware, raise_errors=True, **given).latency.to("s").magnitude
        first = row["metric"] == "ttft"
        length = row["input_tokens"] if first else row["context"]
        found = ServingModel().solve(record(mlsysim.Models, LANGUAGE[row["model"]]), hardware, length, **given)
        if not found.feasible:
            raise ValueError("weights and cache do not fit the memory")
        return (found.ttft if first else found.itl).to("s").magnitude

    return estimate
