"""Parameters of the language models in ``data/models``, counted from their architecture.

What a record does not hold (width of the feed-forward layers, tied embeddings, experts, ranks of latent attention)
stands in ``counts_llm.csv``; where its source is silent on tied embeddings, gates or shared experts, they are what
meets the published total.  Norms and biases are left out: together they are less than 0.1 % of any model.

Usage: python tools/count_models.py [ID ...]
"""

import csv
import sys
from collections.abc import Mapping
from pathlib import Path

from advisor.knowledge import load
from advisor.schema import Model
from advisor.units import BILLION

TABLE = Path(__file__).with_name("counts_llm.csv")


def lines() -> dict[str, dict[str, int]]:
    """What the records do not hold, by model; an empty cell is 0."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {
            line["model"]: {name: int(cell or 0) for name, cell in line.items() if name not in ("model", "source")}
            for line in csv.DictReader(file)
        }


def attention(*, hidden: int, heads: int, kv_heads: int, head_size: int) -> int:
    """Weights of one layer of grouped-query attention: queries, keys, values and output."""
    return 2 * hidden * head_size * (heads + kv_heads)


def latent_attention(
    *, hidden: int, heads: int, query_rank: int, latent_rank: int, nope: int, rope: int, value: int
) -> int:
    """Weights of one layer of multi-head latent attention [1]_; without a query rank the queries are not compressed.

    References
    ----------
    .. [1] DeepSeek-AI, "DeepSeek-V2: a strong, economical, and efficient mixture-of-experts language model,"
       arXiv:2405.04434, sect. 2.1, 2024.
    """
    wide = heads * (nope + rope)
    queries = query_rank * (hidden + wide) if query_rank else hidden * wide
    keys_and_values = hidden * (latent_rank + rope) + latent_rank * heads * (nope + value)
    return queries + keys_and_values + heads * value * hidden


def decoder(model: Model, line: Mapping[str, int]) -> tuple[int, int]:
    """Parameters of a decoder, and those of them that one token uses.

    Parameters
    ----------
    model : Model
        Record with layers, hidden size, heads and vocabulary.
    line : mapping of str to int
        Its line of the table. ``embeddings`` is 1 where input and output share one, ``active_embeddings`` 1 where
        the maker counts only the output as active; ``shared_experts`` counts in experts of ``feed_forward``,
        ``beside`` are parameters outside the decoder, such as a vision encoder.

    Returns
    -------
    tuple of int
        All and active parameters.
    """
    hidden, layers = _whole(model, "hidden"), _whole(model, "layers")
    experts, active = line["experts"] or 1, line["active_experts"] or 1
    sparse = layers - line["dense_layers"]
    expert = line["matrices"] * hidden * line["feed_forward"]
    router = experts * hidden if line["experts"] else 0
    table = _whole(model, "vocabulary") * hidden
    always = (
        layers * _attention_of(model, line)
        + line["dense_layers"] * line["matrices"] * hidden * line["dense_feed_forward"]
        + sparse * (line["shared_experts"] * expert + router)
        + line["positions"] * hidden
        + line["beside"]
    )
    return (
        always + sparse * experts * expert + line["embeddings"] * table,
        always + sparse * active * expert + line["active_embeddings"] * table,
    )


def _attention_of(model: Model, line: Mapping[str, int]) -> int:
    hidden, heads = _whole(model, "hidden"), _whole(model, "heads")
    if not line["latent_rank"]:
        return attention(
            hidden=hidden, heads=heads, kv_heads=_whole(model, "kv_heads"), head_size=_whole(model, "head_size")
        )
    return latent_attention(
        hidden=hidden,
        heads=heads,
        query_rank=line["query_rank"],
        latent_rank=line["latent_rank"],
        nope=line["nope_size"],
        rope=line["rope_size"],
        value=line["value_size"],
    )


def _whole(model: Model, field: str) -> int:
    return int(getattr(model, field))


def main(wanted: list[str]) -> None:
    models = load().models
    for name, line in lines().items():
        if name in (wanted or models):
            every, active = decoder(models[name], line)
            print(f"{name:28} {every / BILLION:10.4g} G {active / BILLION:10.4g} G active")


if __name__ == "__main__":
    main(sys.argv[1:])
