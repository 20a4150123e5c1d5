"""`python benchmarks/evaluate.py`: its options, and how it ends."""

import json
from contextlib import nullcontext

import pytest
from django.utils.module_loading import import_string

from benchmarks import evaluate
from similarity.exceptions import ConfigurationError


@pytest.fixture
def made_up(monkeypatch):
    """Evaluations without work, on the servers of the tests; what each was called with."""
    calls = []

    class Made:
        def __init__(self, name):
            self.name = name

        def text(self):
            return f"table of {self.name}"

        def as_json(self):
            return {"dataset": self.name}

    def run(name, *others):
        calls.append((name, *others))
        return Made(name)

    monkeypatch.setattr("django.utils.module_loading.import_string", lambda path: run)
    monkeypatch.setattr("benchmarks.processes.use_demo_servers", lambda: None)
    monkeypatch.setattr("benchmarks.scratch.own_database", nullcontext)
    return calls


@pytest.mark.parametrize("name", evaluate.EVALUATIONS)
def test_every_evaluation_is_there(name):
    assert callable(import_string(evaluate.EVALUATIONS[name].run))


@pytest.mark.parametrize("words", [["--help"], *([name, "-h"] for name in evaluate.EVALUATIONS)])
def test_help_needs_no_server(words, capsys):
    with pytest.raises(SystemExit) as ended:
        evaluate.main(words)
    assert ended.value.code == 0
    assert "evaluate.py" in capsys.readouterr().out


def test_without_a_name_or_with_another_the_names_are_listed(capsys):
    for words in ([], ["similar"]):
        with pytest.raises(SystemExit):
            evaluate.main(words)
        assert "co-demand" in capsys.readouterr().err


def test_options_reach_the_evaluation(made_up, tmp_path):
    folders = ("--data-dir", str(tmp_path), "--cache", str(tmp_path / "cache"))
    evaluate.main(["search", "--dataset", "esci", "--limit", "7", *folders])
    evaluate.main(["copurchase", *folders])
    assert made_up == [
        ("esci", tmp_path, tmp_path / "cache", 7),
        (None, tmp_path, tmp_path / "cache", None),
    ]


def test_several_data_sets_are_a_list_and_one_is_not(made_up, capsys):
    evaluate.main(["search", "--dataset", "esci", "--json"])
    assert json.loads(capsys.readouterr().out) == {"dataset": "esci"}
    evaluate.main(["search", "--dataset", "esci", "--dataset", "other", "--json"])
    assert [one["dataset"] for one in json.loads(capsys.readouterr().out)] == ["esci", "other"]
    evaluate.main(["search", "--dataset", "esci", "--dataset", "other"])
    assert capsys.readouterr().out == "table of esci\n\ntable of other\n"


def test_an_error_of_the_plugin_is_one_line(made_up, monkeypatch):
    def fail(options):
        raise ConfigurationError("There is no such folder.")

    monkeypatch.setattr(evaluate, "evaluate", fail)
    with pytest.raises(SystemExit, match=r"^There is no such folder\.$"):
        evaluate.main(["co-demand"])


def test_an_interrupted_run_ends_as_the_shell_expects(made_up, monkeypatch, capsys):
    def interrupt(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluate, "evaluate", interrupt)
    with pytest.raises(SystemExit) as ended:
        evaluate.main(["search"])
    assert ended.value.code == 130
    assert "is kept for the next run" in capsys.readouterr().err
