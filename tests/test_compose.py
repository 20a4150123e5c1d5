"""docker-compose.yml cannot run in the tests; what would break silently is read from it."""

import re
from pathlib import Path

import pytest
import yaml

from similarity import conf

TEXT = (Path(__file__).resolve().parent.parent / "docker-compose.yml").read_text()
SERVICES = yaml.safe_load(TEXT)["services"]
SECRETS = ("POSTGRES_PASSWORD", "DJANGO_SECRET_KEY")


def test_the_production_shape_is_whole():
    workers = {"worker-cpu", "worker-gpu", "worker-queries"}
    assert set(SERVICES) == {"database", "valkey", "web", "beat"} | workers
    assert SERVICES["worker-gpu"]["profiles"] == ["gpu"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_says_whether_it_is_well(name):
    assert SERVICES[name]["healthcheck"]["test"]


@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_come_from_the_environment_and_have_no_default(secret):
    values = re.findall(rf"^\s+{secret}: (.+)$", TEXT, re.MULTILINE)
    assert values
    assert all(value.startswith(f"${{{secret}:?") for value in values)


@pytest.mark.parametrize("name", ["worker-cpu", "worker-gpu"])
def test_workers_take_from_the_plugins_queue(name):
    """Otherwise the outbox would fill and nothing would be embedded."""
    queues = re.search(r"--queues (\S+)", SERVICES[name]["command"]).group(1).split(",")
    assert conf.DEFAULTS["QUEUE"] in queues


def test_a_worker_of_its_own_answers_what_shoppers_wait_for():
    """Behind an embedding of twenty seconds, no query would have its vector in time."""
    queue = conf.DEFAULTS["QUERY_QUEUE"]
    serving = [name for name, service in SERVICES.items() if queue in service.get("command", "")]
    assert serving == ["worker-queries"]
    assert f"--queues {queue} " in SERVICES["worker-queries"]["command"]


def test_data_outlives_its_container():
    for name in ("database", "valkey", "web"):
        assert SERVICES[name]["volumes"]
