from typing import Any

import numpy as np
import pyarrow as pa

from goldstream import settings
from goldstream.training.fit import Judged, Plan, fit
from goldstream.training.search import Budget, OutOfTime, search

RAIN = ["rain again today", "more rain tonight", "it rains", "heavy rain at noon", "rain and wind", "no end of rain"]
MODELS = ["a new model is out", "the model runs here", "models for all", "our model wins", "a model of words", "train a model"]


def rows(times: int) -> tuple[pa.StringArray, np.ndarray]:
    texts = [f"{text} {number}" for number in range(times) for text in RAIN + MODELS]
    return pa.array(texts), np.eye(2, dtype=np.float32)[[0] * 6 + [1] * 6].repeat(1, axis=0)[list(range(12)) * times]


def found(times: int, plan: Plan, **options: Any) -> dict[str, Any]:
    texts, targets = rows(times)
    section = settings.Model(options={"bits": 12, **options})
    return fit(section, ("rain", "model"), texts, targets, 1, None, plan=plan).evidence


def test_what_is_better_is_kept_and_what_is_luck_is_not() -> None:
    values = {(): 0.5, (("a", 1),): 0.501, (("a", 2),): 0.6, (("a", 2), ("b", 1)): 0.6}
    done = search(
        [[{"a": 1}, {"a": 2}], [{"b": 1}]], lambda options: values[tuple(options.items())],
        budget=Budget(60), say=lambda line: None, fixed={},
    )  # fmt: skip
    assert done.options == {"a": 2}
    assert done.finished


def test_options_that_a_person_set_are_not_searched_for() -> None:
    done = search([[{"a": 1}], [{"b": 1}]], len, budget=Budget(60), say=lambda line: None, fixed={"a": 7})
    assert [tried.options for tried in done.tried] == [{}, {"b": 1}]


def test_a_search_without_time_tries_nothing_and_says_that_it_stopped() -> None:
    lines: list[str] = []
    done = search([[{"a": 1}]], lambda _: 0.5, budget=Budget(0), say=lines.append, fixed={})
    assert (done.options, done.tried, done.finished) == ({}, [], False)
    assert "longer than 0 s" in lines[-1]


def test_a_try_that_is_cut_short_counts_for_nothing() -> None:
    def judge(options: dict[str, Any]) -> float:
        if options == {"b": 1}:
            raise OutOfTime
        return len(options)

    done = search([[{"b": 1}]], judge, budget=Budget(60), say=lambda line: None, fixed={})
    assert ([tried.options for tried in done.tried], done.options, done.finished) == ([{}], {}, False)


def test_a_fit_that_takes_longer_than_the_budget_is_not_ended() -> None:
    lines: list[str] = []
    evidence = found(400, Plan(budget_s=0.001, gold=True, say=lines.append), epochs=200)
    assert evidence["search"]["tried"] == [] and evidence["options"] == {"bits": 12, "epochs": 200}
    assert "longer than 0.001 s" in lines[-1]


def test_a_fit_with_time_shows_what_it_tries_and_remembers_what_it_chose() -> None:
    lines: list[str] = []
    evidence = found(20, Plan(budget_s=60, gold=True, say=lines.append))
    assert evidence["search"]["metric"] == "f1"
    assert len(lines) == len(evidence["search"]["tried"]) + 1
    assert evidence["options"] == {"bits": 12, **evidence["search"]["options"]}


def test_too_few_rows_choose_nothing() -> None:
    lines: list[str] = []
    assert found(3, Plan(budget_s=60, gold=True, say=lines.append))["search"] is None
    assert "too few rows" in lines[0]


def test_rows_that_rules_labelled_choose_nothing_without_dev() -> None:
    texts, targets = rows(20)
    dev = Judged(*rows(1)[:1], np.array([0] * 6 + [1] * 6))
    fitted = fit(settings.Model(), ("rain", "model"), texts, targets, 1, dev, plan=Plan(budget_s=60))
    assert fitted.evidence["search"] is None


def test_dev_says_when_to_stop() -> None:
    texts, targets = rows(20)
    opposite = Judged(texts, 1 - targets.argmax(axis=1))
    assert fit(settings.Model(), ("rain", "model"), texts, targets, 1, opposite).evidence["epochs"] == 1


def test_a_small_dev_is_helped_by_training_rows_if_people_labelled_them() -> None:
    texts, targets = rows(20)
    dev = Judged(*rows(1)[:1], np.array([0] * 6 + [1] * 6))
    by = {
        gold: fit(settings.Model(), ("rain", "model"), texts, targets, 1, dev, plan=Plan(gold=gold)) for gold in (True, False)
    }
    assert (
        by[True].evidence["calibration"]["chosen_by"] == "12 dev rows and 240 training rows, by models that had not seen them"
    )
    assert by[True].evidence["threshold"]["dataset"]["rows"] == 252
    assert by[False].evidence["calibration"]["chosen_by"] == "12 dev rows"
