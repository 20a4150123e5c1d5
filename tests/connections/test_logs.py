"""A log line is one JSON object, whatever is in it."""

import json
import logging
import uuid

import pytest
from celery import shared_task

from similarity.connections.logs import MOST_ENTRIES, MOST_TEXT, JsonFormatter


@pytest.fixture
def logger():
    logger = logging.getLogger("similarity.test_logs")
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(handler.format(record))
    handler.setFormatter(JsonFormatter())
    logger.addHandler(handler)
    logger.setLevel("DEBUG")
    logger.lines = lines
    yield logger
    logger.removeHandler(handler)


def last(logger):
    line = logger.lines[-1]
    assert "\n" not in line
    return json.loads(line)


def test_a_line_names_products_version_and_stage(logger):
    logger.warning(
        "%d failed", 2, extra={"product_keys": ["7", "9"], "version": 3, "stage": "read"}
    )
    line = last(logger)
    assert line["message"] == "2 failed"
    assert (line["level"], line["logger"]) == ("WARNING", "similarity.test_logs")
    assert (line["product_keys"], line["version"], line["stage"]) == (["7", "9"], 3, "read")
    assert line["time"].endswith("+00:00")


def test_an_exception_keeps_its_traceback_in_the_line(logger):
    try:
        raise ValueError("a photo of\ntwo lines")
    except ValueError:
        logger.exception("not embedded")
    assert "ValueError: a photo of\ntwo lines" in last(logger)["exception"]


class NoText:
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        ({1: [uuid.UUID(int=5)]}, {"1": ["00000000-0000-0000-0000-000000000005"]}),
        (float("nan"), "nan"),
        ("half \ud83d a character", "half \ud83d a character"),
        (NoText(), "<NoText, which has no text: RuntimeError>"),
        (b"\xff", "b'\\xff'"),
    ],
    ids=["uuid", "dict", "nan", "surrogate", "no text", "bytes"],
)
def test_whatever_is_given_is_written(logger, value, written):
    logger.info("x", extra={"product_keys": value})
    assert last(logger)["product_keys"] == written


def test_a_line_does_not_grow_without_bound(logger):
    logger.info("x" * 10 * MOST_TEXT, extra={"keys": list(range(1000))})
    line = last(logger)
    assert len(line["message"]) < MOST_TEXT + 50
    assert line["keys"][-1] == f"and {1000 - MOST_ENTRIES} more"


def test_a_forged_line_stays_inside_its_field(logger):
    """A product's title must not be able to write a line of its own."""
    title = 'Lamp"}\n{"level": "ERROR", "message": "forged'
    logger.info("embedded %s", title)
    assert last(logger)["message"] == f"embedded {title}"


def test_a_field_of_the_host_does_not_replace_ours(logger):
    logger.info("x", extra={"level": "none", "time": "never"})
    assert last(logger)["level"] == "INFO"


def test_arguments_that_do_not_match_are_shown(logger):
    formatter = JsonFormatter()
    record = logging.LogRecord("a", 20, "", 0, "%d products", ("many",), None)
    assert "many" in json.loads(formatter.format(record))["message"]


def test_a_task_is_named_with_its_id(logger, settings):
    @shared_task(name="tests.write_a_line")
    def write():
        logger.info("inside")

    result = write.apply()
    line = last(logger)
    assert (line["task"], line["task_id"]) == ("tests.write_a_line", result.id)
    logger.info("outside")
    assert "task" not in last(logger)


def test_a_host_names_it_in_its_settings(tmp_path):
    """A whole LOGGING, as a host writes it, by dictConfig."""
    import logging.config

    handler = {
        "class": "logging.FileHandler",
        "filename": str(tmp_path / "log"),
        "formatter": "json",
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": "similarity.connections.logs.JsonFormatter"}},
            "handlers": {"file": handler},
            "loggers": {"similarity.test_host": {"handlers": ["file"], "level": "INFO"}},
        }
    )
    logging.getLogger("similarity.test_host").info("up", extra={"version": 1})
    for handler in logging.getLogger("similarity.test_host").handlers:
        handler.close()
    logging.getLogger("similarity.test_host").handlers.clear()
    assert json.loads((tmp_path / "log").read_text())["version"] == 1
