"""Rows in the terms of llm-analysis (pip install llm-analysis==0.2.2), at its default efficiencies unless one is given.

A row of tokens of a batch under load is answered by a decoding step of that batch.
"""

from collections.abc import Callable
from typing import Any

DISTRIBUTION = "llm-analysis"
GPUS = {
    "NVIDIA A100 SXM 40GB": "a100-sxm-40gb", "NVIDIA A100 SXM 80GB": "a100-sxm-80gb",
    "NVIDIA H100 SXM 80GB": "h100-sxm-80gb", "NVIDIA A10G": "a10g-pcie-24gb", "NVIDIA RTX A6000": "a6000-48gb",
}  # fmt: skip
MODELS = {
    "llama-2-7b": "NousResearch_Llama-2-7b-hf", "llama-2-13b": "decapoda-research_llama-13b-hf",
    "llama-2-70b": "upstage_Llama-2-70b-instruct-v2", "llama-33b": "decapoda-research_llama-30b-hf",
    "gpt-j-6b": "EleutherAI_gpt-j-6b",
}  # fmt: skip
FORMATS = {"fp16": "w16a16e16", "fp8": "w8a8e16", "int8": "w8a16e16", "int4": "w4a16e16"}
METRICS = ("tpot", "tpot_batched", "ttft")


def unnamed(row: dict[str, Any]) -> str:
    """What of a row it has no name for; empty where it names everything."""
    found = {
        "metric": row["metric"] in METRICS, "device": row["device"] in GPUS, "model": row["model"] in MODELS,
        "precision": row["precision"] in FORMATS,
    }  # fmt: skip
    return next((name for name, named in found.items() if not named), "")


def estimator(efficiency: float | None) -> Callable[[dict[str, Any]], float]:
    """Seconds of the metric of a row."""
    from llm_analysis.analysis import infer

    def estimate(row: dict[str, Any]) -> float:
        first = row["metric"] == "ttft"
        found = infer(
            model_name=MODELS[row["model"]], gpu_name=GPUS[row["device"]], dtype_name=FORMATS[row["precision"]],
            log_level="CRITICAL", batch_size_per_gpu=row["batch"], tp_size=row["tp"], pp_size=row["pp"],
            seq_len=row["input_tokens"] if first else row["context"], num_tokens_to_generate=1,
            flops_efficiency=efficiency, hbm_memory_efficiency=efficiency,
        )  # fmt: skip
        return (
            found["prefill_latency" if first else "decode_latency"] * row["pp"]
        )  # it states one stage of the pipeline

    return estimate
