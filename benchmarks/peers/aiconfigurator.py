"""Rows in the terms of aiconfigurator (pip install aiconfigurator==0.12.0 aiconfigurator-core==0.12.0).

Its tables of measured kernels answer first, its formulas for what they lack only then.  It always takes its newest
tables of an engine.  Models whose configuration it does not bring along are described here.  Most measured rows of
served language models were published by its own makers.
"""

import json
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

DISTRIBUTION = "aiconfigurator"
MS_PER_S = 1000.0
SYSTEMS = {
    "NVIDIA A100 SXM 80GB": "a100_sxm", "NVIDIA L40S": "l40s", "NVIDIA H100 SXM 80GB": "h100_sxm",
    "NVIDIA H200 SXM": "h200_sxm", "NVIDIA B200 SXM": "b200_sxm", "NVIDIA B300 SXM": "b300_sxm",
}  # fmt: skip
BACKENDS = {"tensorrt-llm": "trtllm", "vllm": "vllm", "sglang": "sglang"}
BLOCKS = {"gemm_quant_mode": "fp8_block", "moe_quant_mode": "fp8_block"}
FP8, FP4, INT4 = {"gemm_quant_mode": "fp8"}, {"gemm_quant_mode": "nvfp4"}, {"gemm_quant_mode": "int4_wo"}
CHECKPOINTS: dict[tuple[str, str], tuple[str, dict[str, str]]] = {
    ("deepseek-v3", "fp8"): ("deepseek-ai/DeepSeek-V3", {}),
    ("deepseek-v3", "fp4"): ("nvidia/DeepSeek-V3.1-NVFP4", {}),
    ("glm-5", "fp4"): ("nvidia/GLM-5-NVFP4", {}),
    ("glm-5", "fp8"): ("nvidia/GLM-5-NVFP4", BLOCKS),
    ("gpt-oss-120b", "fp4"): ("openai/gpt-oss-120b", {}),
    ("gpt-oss-120b", "fp8"): ("openai/gpt-oss-120b", {}),
    ("kimi-k2", "int4"): ("moonshotai/Kimi-K2.5", {}),
    ("kimi-k2", "fp4"): ("nvidia/Kimi-K2.5-NVFP4", {}),
    ("llama-3-8b", "fp16"): ("meta-llama/Meta-Llama-3.1-8B", {}),
    ("llama-3-8b", "fp8"): ("meta-llama/Meta-Llama-3.1-8B", FP8),
    ("minimax-m2.5", "fp8"): ("MiniMaxAI/MiniMax-M2.5", {}),
    ("minimax-m2.5", "fp4"): ("nvidia/MiniMax-M2.5-NVFP4", {}),
    ("mixtral-8x7b", "fp16"): ("mistralai/Mixtral-8x7B-v0.1", {}),
    ("qwen3-32b", "fp8"): ("Qwen/Qwen3-32B-FP8", {}),
    ("qwen3-32b", "fp4"): ("Qwen/Qwen3-32B", FP4),
    ("qwen3.5-397b-a17b", "bf16"): ("Qwen/Qwen3.5-397B-A17B", {}),
    ("qwen3.5-397b-a17b", "fp8"): ("Qwen/Qwen3.5-397B-A17B", BLOCKS),
    ("qwen3.5-397b-a17b", "fp4"): ("nvidia/Qwen3.5-397B-A17B-NVFP4", {}),
}
SHAPES = {
    "llama-2-7b": {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32,
                   "num_key_value_heads": 32, "vocab_size": 32000},
    "llama-2-70b": {"hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80, "num_attention_heads": 64,
                    "num_key_value_heads": 8, "vocab_size": 32000},
    "mistral-7b": {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
                   "num_key_value_heads": 8, "vocab_size": 32000},
}  # fmt: skip
FORMATS: dict[str, dict[str, str]] = {"fp16": {}, "fp8": FP8, "int4": INT4}
MODES = {"ttft": "static_ctx", "tpot": "static_gen", "tpot_batched": "agg", "ttft_loaded": "agg"}
TABLES_FIRST = ("SILICON", "HYBRID")


def unnamed(row: dict[str, Any]) -> str:
    """What of a row it has no name for; empty where it names everything."""
    known = (row["model"], row["precision"]) in CHECKPOINTS or (row["model"] in SHAPES and row["precision"] in FORMATS)
    found = {"metric": row["metric"] in MODES, "device": row["device"] in SYSTEMS, "engine": row["engine"] in BACKENDS}
    return next((name for name, named in (found | {"model": known}).items() if not named), "")


def described(folder: Path) -> dict[str, str]:
    """Configuration files of the models in ``SHAPES``: model -> folder."""
    paths = {name: folder / name for name in SHAPES}
    for name, path in paths.items():
        path.mkdir()
        known = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
                 "torch_dtype": "float16", "rms_norm_eps": 1e-5, "max_position_embeddings": 4096}  # fmt: skip
        (path / "config.json").write_text(json.dumps(known | SHAPES[name]), encoding="utf-8")
    return {name: str(path) for name, path in paths.items()}


def estimator(efficiency: float | None) -> Callable[[dict[str, Any]], float]:
    """Seconds of the metric of a row."""
    from aiconfigurator.cli.api import cli_estimate
    from aiconfigurator_core.sdk.errors import PerfDataNotAvailableError

    if efficiency is not None:
        raise SystemExit("aiconfigurator has no efficiency to set")
    logging.disable(logging.CRITICAL)
    folders = described(Path(tempfile.mkdtemp()))

    def estimate(row: dict[str, Any]) -> float:
        shaped = row["model"] in SHAPES
        path, formats = (
            (folders[row["model"]], FORMATS[row["precision"]])
            if shaped
            else CHECKPOINTS[row["model"], row["precision"]]
        )
        for tables in TABLES_FIRST:
            try:
                found = cli_estimate(
                    path, SYSTEMS[row["device"]], mode=MODES[row["metric"]], backend_name=BACKENDS[row["engine"]],
                    database_mode=tables, isl=row["input_tokens"], osl=row["output_tokens"], batch_size=row["batch"],
                    tp_size=row["tp"], pp_size=row["pp"], attention_dp_size=row["dp"], moe_tp_size=row["moe_tp"],
                    moe_ep_size=row["moe_ep"], **formats,
                )  # fmt: skip
                break
            except PerfDataNotAvailableError:
                if tables == TABLES_FIRST[-1]:
                    raise
        return (found.ttft if row["metric"].startswith("ttft") else found.tpot) / MS_PER_S

    return estimate
