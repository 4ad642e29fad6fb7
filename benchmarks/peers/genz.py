"""Rows in the terms of GenZ (pip install genz-llm==0.0.16), at its default efficiency of 1 unless another is given.

A row of tokens of a batch under load is answered by a decoding step of that batch.
"""

from collections.abc import Callable
from typing import Any

DISTRIBUTION = "genz-llm"
MS_PER_S = 1000.0
SYSTEMS: dict[str, str | dict[str, float]] = {
    "NVIDIA A100 SXM 40GB": "A100_40GB_GPU",
    "NVIDIA A100 SXM 80GB": "A100_80GB_GPU",
    "NVIDIA H100 SXM 80GB": "H100_GPU",
    "NVIDIA H200 SXM": {"Flops": 989, "Memory_size": 141, "Memory_BW": 4800, "ICN": 450, "real_values": True},
    "NVIDIA B200 SXM": {"Flops": 2250, "Memory_size": 180, "Memory_BW": 8000, "ICN": 900, "real_values": True},
}
MODELS = {
    "llama-2-7b": "meta-llama/Llama-2-7B", "llama-2-13b": "meta-llama/Llama-2-13B",
    "llama-2-70b": "meta-llama/Llama-2-70B", "llama-33b": "meta-llama/Llama-33B",
    "llama-3-8b": "meta-llama/Llama-3.1-8B", "mistral-7b": "mistralai/Mistral-7B",
    "mixtral-8x7b": "mistralai/Mixtral-8x7B", "deepseek-v3": "deepseek-ai/DeepSeek-V3-Base",
}  # fmt: skip
BITS = {"fp16": "bf16", "bf16": "bf16", "fp8": "fp8", "int8": "int8", "int4": "int4", "fp4": "fp4"}
METRICS = ("tpot", "tpot_batched", "ttft")


def unnamed(row: dict[str, Any]) -> str:
    """What of a row it has no name for; empty where it names everything."""
    found = {
        "metric": row["metric"] in METRICS, "device": row["device"] in SYSTEMS, "model": row["model"] in MODELS,
        "precision": row["precision"] in BITS, "parallelism": row["dp"] == 1 and row["moe_ep"] == 1,
    }  # fmt: skip
    return next((name for name, named in found.items() if not named), "")


def estimator(efficiency: float | None) -> Callable[[dict[str, Any]], float]:
    """Seconds of the metric of a row."""
    from GenZ import decode_moddeling, prefill_moddeling

    def estimate(row: dict[str, Any]) -> float:
        given = {
            "model": MODELS[row["model"]], "system_name": SYSTEMS[row["device"]], "bits": BITS[row["precision"]],
            "batch_size": row["batch"], "tensor_parallel": row["tp"], "pipeline_parallel": row["pp"],
            "system_eff": efficiency or 1,
        }  # fmt: skip
        if row["metric"] == "ttft":
            found = prefill_moddeling(**given, input_tokens=row["input_tokens"])
        else:
            found = decode_moddeling(**given, input_tokens=row["context"], output_tokens=0, Bb=1)
        return found["Latency"] / MS_PER_S

    return estimate
