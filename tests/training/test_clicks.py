"""Clicks as judgements: the place a result was shown at is found out and taken away."""

import csv
import gzip
import json

import numpy as np
import pytest

from similarity.exceptions import RankerError
from similarity.search.training.clicks import (
    LARGEST_WEIGHT,
    PositionBias,
    Shown,
    judged_by_clicks,
    position_bias,
    read_clicks,
)
from similarity.search.training.judged import read_judgements

EXAMINED = np.array([1.0, 0.6, 0.4, 0.25, 0.15])


def log_of(queries=60, searches=400, seed=3):
    """Shoppers who look at places as EXAMINED says; products in an order that varies a little,
    the best often low down. Returns the log and how attractive each product is."""
    rng = np.random.default_rng(seed)
    log, attractive = [], {}
    for number in range(queries):
        worth = np.sort(rng.uniform(0.05, 0.9, len(EXAMINED)))  # the worst first
        counts = {}
        for _ in range(searches):
            order = np.arange(len(EXAMINED))
            swap = rng.integers(len(EXAMINED) - 1)
            order[[swap, swap + 1]] = order[[swap + 1, swap]]
            for place, product in enumerate(order):
                click = rng.random() < EXAMINED[place] * worth[product]
                shown, clicked = counts.get((product, place), (0, 0))
                counts[product, place] = shown + 1, clicked + click
        for (product, place), (shown, clicked) in counts.items():
            log.append(Shown(f"q{number}", f"p{product}", place, shown, clicked))
        attractive[f"q{number}"] = worth
    return log, attractive


def test_how_much_each_place_is_looked_at_is_found():
    log, _ = log_of()
    assert position_bias(log).examined == pytest.approx(EXAMINED, abs=0.06)


def test_the_good_result_low_down_is_seen_to_be_good():
    """By clicks alone the first place wins; freed of the place, the best product does."""
    log, attractive = log_of()
    plain = right = 0
    for judged in judged_by_clicks(log, position_bias(log)):
        best = f"p{int(np.argmax(attractive[judged.query]))}"
        right += max(judged.utilities, key=judged.utilities.get) == best
        rates = {}
        for one in log:
            if one.query == judged.query:
                rates[one.product] = rates.get(one.product, 0) + one.clicked
        plain += max(rates, key=rates.get) == best
    assert right > 0.7 * 60 > plain


def test_a_click_by_hand():
    bias = PositionBias(np.array([1.0, 0.5]))
    log = [Shown("q", "a", 0, 9, 3), Shown("q", "b", 1, 4, 2), Shown("q", "b", 0, 5, 1)]
    [judged] = judged_by_clicks(log, bias)
    assert judged.utilities == {"a": 3 / 10, "b": (2 * 2 + 1) / 10}


def test_a_click_far_down_does_not_decide_alone():
    assert PositionBias(np.array([1.0, 0.001])).weight(1) == LARGEST_WEIGHT
    assert PositionBias(np.array([1.0, 0.5])).weight(40) == 2, "beyond what was seen"


def test_without_any_movement_bias_cannot_be_told():
    log = [Shown("q", f"p{place}", place, 100, 10 - place) for place in range(5)]
    with pytest.raises(RankerError, match="swap two neighbours"):
        position_bias(log)


def write(path, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def test_a_log_in_csv(tmp_path):
    path = write(
        tmp_path / "log.csv",
        [
            ("query", "product", "position", "clicked"),
            ("red scarf", "12", 1, 0),
            ("red scarf", "12", 1, 1),
            ("red scarf", "9", 2, 0),
        ],
    )
    assert set(read_clicks(path)) == {
        Shown("red scarf", "12", 0, 2, 1),
        Shown("red scarf", "9", 1, 1, 0),
    }


def test_events_of_ubi(tmp_path):
    def event(action, product, place, **more):
        about = {"object": {"object_id": product}, "position": {"ordinal": place}}
        return {"action_name": action, "user_query": "ps4", "event_attributes": about, **more}

    events = [
        event("impression", "A", 0),
        event("impression", "B", 1),
        event("click", "B", 1),
        event("click", "C", 2),  # its impression was lost
        {"action_name": "page_exit", "event_attributes": {"position": {"trail": []}}},
    ]
    path = tmp_path / "events.json.gz"
    with gzip.open(path, "wt") as file:
        file.write("\n".join(json.dumps(one) for one in events))
    assert set(read_clicks(path)) == {
        Shown("ps4", "A", 0, 1, 0),
        Shown("ps4", "B", 1, 1, 1),
        Shown("ps4", "C", 2, 1, 1),
    }


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("log.csv", "query,product\na,b\n", "lacks the columns clicked, position"),
        ("log.csv", "query,product,position,clicked\na,b,first,1\n", "line 2: position is 'first'"),
        ("log.jsonl", '{"action": 1}\n', "line 1 is not a UBI event"),
        ("log.jsonl", "nonsense\n", "line 1 is not a UBI event"),
    ],
)
def test_a_log_that_is_none_is_told_with_the_line(tmp_path, name, text, told):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(RankerError, match=told):
        read_clicks(path)


def test_judgements_in_csv(tmp_path):
    path = write(
        tmp_path / "judged.csv",
        [("query", "product_id", "gain"), ("lamp", "7", "3"), ("lamp", "8", "0"), ("mug", "7", 1)],
    )
    lamp, mug = read_judgements(path)
    assert lamp.utilities == {"7": 7, "8": 0}
    assert (mug.query, mug.utilities) == ("mug", {"7": 1})


def test_labels_of_esci_are_gains(tmp_path):
    rows = [("query", "product", "esci_label"), *(("lamp", label, label) for label in "ESCI")]
    [judged] = read_judgements(write(tmp_path / "judged.csv", rows))
    assert judged.utilities == {"E": 7, "S": 3, "C": 1, "I": 0}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("query", "gain"), ("a", 1)], "it needs query, product and gain"),
        ([("query", "product", "gain"), ("a", "b", "-1")], "line 2: the gain is '-1'"),
        ([("query", "product", "gain"), ("a", "b", "")], "line 2: the gain is ''"),
        ([("query", "product", "gain"), ("a", "b", "nan")], "the gain is 'nan'"),
        ([], "has the columns none"),
    ],
)
def test_judgements_that_are_none_are_told_with_the_line(tmp_path, rows, told):
    with pytest.raises(RankerError, match=told):
        read_judgements(write(tmp_path / "judged.csv", rows))
