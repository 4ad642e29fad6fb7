"""The queue of a stack is the one that it was sized as."""

import pytest
from small_knowledge import Ask

from advisor.errors import UnknownIdError
from advisor.full_advice import FullAdvice
from advisor.load_curve import load_curves
from advisor.option_queue import option_queue, origin_lines, shown_queue
from advisor.results import Option
from advisor.text import languages


def plain_one(advice: FullAdvice) -> Option:
    return next(one for one in advice.shortlist if option_queue(advice.evaluation, one.id).kind == "plain")


def test_a_queue_needs_as_many_replicas_as_the_advice_buys(ask: Ask) -> None:
    advice = ask(qps=2000, p99_ms=500)
    several = 0
    for option in advice.shortlist:
        queue = option_queue(advice.evaluation, option.id)
        if queue.kind != "plain" or queue.at_middle:
            continue
        assert (queue.replicas, queue.arrivals_per_s) == (option.replicas, pytest.approx(6000))
        found = load_curves(
            replicas=queue.replicas, workers=queue.workers, arrivals_per_s=queue.arrivals_per_s,
            service_s=queue.sized_s, response_s=queue.response_s, service_cv=queue.service_cv,
            arrival_cv=queue.arrival_cv,
        )  # fmt: skip
        assert abs(found.needed - option.replicas) <= 1
        several += option.replicas > 1
    assert several


def test_a_stack_that_holds_the_objective_at_the_middle_alone_is_shown_there(ask: Ask) -> None:
    advice = ask(qps=200)
    queues = [option_queue(advice.evaluation, option.id) for option in advice.shortlist]
    middle = [queue for queue in queues if queue.kind == "plain" and queue.at_middle]
    assert middle
    for queue in middle:
        assert queue.sized_s == queue.service_s.mid
        assert queue.response_s > 0


def test_spare_replicas_are_no_part_of_the_queue(ask: Ask) -> None:
    plain, spare = ask(), ask(spare_replicas=2)
    option = plain_one(spare)
    assert option_queue(spare.evaluation, option.id).replicas == option.replicas - 2
    assert option_queue(spare.evaluation, option.id) == option_queue(plain.evaluation, option.id)


def test_the_objective_is_that_of_the_question_less_the_network(ask: Ask) -> None:
    advice = ask()
    queue = option_queue(advice.evaluation, advice.best.id)
    assert queue.response_s == pytest.approx(0.1 - advice.best.network_ms.high / 1000)


def test_a_function_shows_the_best_stack_that_queues(ask: Ask) -> None:
    advice = ask()
    function = next(one for one in advice.shortlist if one.operation == "function" or one.utilisation is None)
    shown = shown_queue(advice, function.id)
    assert (shown.kind, shown.looked_at.id) == ("functions", function.id)
    assert shown.option.id == plain_one(advice).id
    assert shown_queue(advice, None).looked_at.id == advice.best.id


def test_a_language_model_has_no_such_queue(ask: Ask) -> None:
    advice = ask(model="llama-3-8b", qps=1, p99_ms=None)
    shown = shown_queue(advice, None)
    assert (shown.kind, shown.option, shown.queue) == ("language", None, None)


@pytest.mark.parametrize("lang", languages())
def test_whose_numbers_are_shown_is_said(ask: Ask, lang: str) -> None:
    advice = ask()
    function = next(one for one in advice.shortlist if one.utilisation is None)
    assert len(list(origin_lines(shown_queue(advice, plain_one(advice).id), lang))) == 1
    assert len(list(origin_lines(shown_queue(advice, function.id), lang))) == 2
    language = ask(model="llama-3-8b", qps=1, p99_ms=None)
    assert len(list(origin_lines(shown_queue(language, None), lang))) == 2


def test_an_unknown_stack_is_named(ask: Ask) -> None:
    advice = ask()
    with pytest.raises(UnknownIdError, match="nowhere"):
        shown_queue(advice, "nowhere")
    with pytest.raises(UnknownIdError, match="nowhere"):
        option_queue(advice.evaluation, "nowhere")
