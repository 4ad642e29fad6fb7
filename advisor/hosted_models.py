"""Hosted APIs that sell the tokens of the very model that is asked for."""

from advisor.evaluation import Evaluation
from advisor.tokens import TokenPrice, hosted


def apis_of(evaluation: Evaluation) -> list[TokenPrice]:
    """Price entries in force of the model of a question, the cheapest first; none where it is not of the catalogue."""
    spec, knowledge = evaluation.asking.spec, evaluation.knowledge
    asked = [model for model in knowledge.models.values() if spec.basis == "catalogue" and model.name == spec.name]
    return [price for model in asked for price in hosted(knowledge, model, evaluation.asking.asked.as_of)]
