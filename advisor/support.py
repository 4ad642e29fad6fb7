"""How far measurements reach: beyond them a prediction has nothing to stand on."""

from collections.abc import Mapping

from advisor.knowledge import Knowledge
from advisor.results import Refusal


def beyond(asked: Mapping[str, float], knowledge: Knowledge) -> Refusal | None:
    """Refusal of the first figure that lies far outside what was measured; None where all lie within.

    Parameters
    ----------
    asked : mapping of str to float
        Some of ``macs``, ``batch``, ``active_params``, ``input_tokens`` and ``concurrency``.
    knowledge : Knowledge
        ``support`` of ``latency.toml``, and ``[support] margin`` of ``settings.toml``.
    """
    support = knowledge.table("calibrations/latency")["support"]
    margin = knowledge.table("calibrations/settings")["support"]["margin"]
    for name, value in asked.items():
        least, most = support.get(f"{name}_least", 0.0) / margin, support[f"{name}_most"] * margin
        if not least <= value <= most:
            return Refusal("beyond", (("field", name), ("value", float(value)), ("least", least), ("most", most)))
    return None
