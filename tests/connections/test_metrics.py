"""Counting and timing cost little, never raise, and every call names a metric that exists."""

import ast
import subprocess
import sys
import time
from pathlib import Path

import pytest

import similarity
from similarity.connections import metrics

PLUGIN = Path(similarity.__file__).parent
CALLS = {"count": False, "observe": True, "timed": True}  # → whether it is of a histogram


def calls_in(path):
    """(line, function, name, labels) of each metrics.count(…), observe(…) and timed(…)."""
    for node in ast.walk(ast.parse(path.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "metrics"
            and node.func.attr in CALLS
        ):
            name = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
            labels = {keyword.arg for keyword in node.keywords} - {"amount", "value"}
            yield node.lineno, node.func.attr, name, labels


def plugin_calls():
    for path in sorted(PLUGIN.rglob("*.py")):
        if "similarity.connections import" in path.read_text():
            yield from ((path, *call) for call in calls_in(path))


def test_every_call_in_the_plugin_names_a_metric_and_its_labels():
    """At run time a wrong name is only a line in the log: here it fails."""
    for path, line, function, name, labels in plugin_calls():
        at = f"{path.name}:{line}"
        assert name in metrics.METRICS, f"{at} measures {name!r}, which METRICS does not have"
        metric = metrics.METRICS[name]
        assert labels <= set(metric.labels), f"{at}: {name} has no label {labels}"
        assert bool(metric.buckets) == CALLS[function], f"{at}: {function} on {name}"


def test_the_search_for_calls_finds_a_wrong_one(tmp_path):
    module = tmp_path / "wrong.py"
    module.write_text('metrics.count("nope", part="x")\nmetrics.timed(name)\n')
    assert list(calls_in(module)) == [(1, "count", "nope", {"part"}), (2, "timed", None, set())]


@pytest.mark.parametrize(
    "call",
    [
        lambda: metrics.count("no_such_metric"),
        lambda: metrics.count("cache_total", cache="a", wrong="b"),
        lambda: metrics.count("cache_total", -1, cache="a", result="hit"),
        lambda: metrics.observe("query_seconds", "soon", plan="exact"),
        lambda: metrics.observe("query_seconds", 0.1, plan=["unhashable"]),
    ],
)
def test_a_wrong_call_is_said_once_and_never_raises(call, monkeypatch, caplog):
    monkeypatch.setattr(metrics, "_dropped", set())
    call()
    call()
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_call_costs_microseconds():
    """5 µs on a quiet machine; the best of many rounds, for others use the processor too."""

    def best(call):
        rounds = []
        for _ in range(30):
            started = time.perf_counter()
            for _ in range(200):
                call()
            rounds.append((time.perf_counter() - started) / 200)
        return min(rounds)

    assert best(lambda: metrics.count("cache_total", cache="test", result="hit")) < 10e-6
    assert best(lambda: metrics.observe("query_seconds", 0.004, plan="test")) < 10e-6


def test_a_label_of_endless_values_ends_in_other(monkeypatch):
    monkeypatch.setattr(metrics, "_calls", {})
    monkeypatch.setattr(metrics, "_made", {})
    monkeypatch.setattr(metrics, "_children", {})
    for number in range(3 * metrics.MOST_CHILDREN):
        metrics.count("embed_errors_total", kind=f"kind {number}")
    (made,) = metrics.made()
    samples = [s for family in made.collect() for s in family.samples if s.name.endswith("_total")]
    assert len(samples) == metrics.MOST_CHILDREN + 1
    kept = {sample.labels["kind"]: sample.value for sample in samples}
    assert kept["other"] == 2 * metrics.MOST_CHILDREN
    assert kept["kind 0"] == 1


def test_without_the_client_nothing_is_measured_and_nothing_fails():
    script = (
        "import sys; sys.modules['prometheus_client'] = None\n"
        "from similarity.connections import metrics\n"
        "metrics.count('cache_total', cache='a', result='hit'); metrics.count('nope')\n"
        "with metrics.timed('query_seconds', plan='exact'): pass\n"
        "print(metrics.made())"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=PLUGIN.parent
    )
    assert (run.stdout, run.stderr) == ("[]\n", "")
