"""Workers go on embedding while the broker is away or hangs: real workers and broker."""

import os
import signal
import sys
import time

import psutil
import pytest

from benchmarks.chaos_servers import Valkey
from similarity.models import ProductVectors
from similarity.outbox import polling
from similarity.vectors import heartbeats
from similarity.versions import lifecycle
from tests.fixtures_indexing import fake_encoders  # noqa: F401
from tests.worker_process import running, wait_for, worker

pytestmark = [
    pytest.mark.worker,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("fake_encoders"),
]


@pytest.fixture
def broker(tmp_path):
    server = Valkey(tmp_path / "valkey")
    server.addresses = {
        "CELERY_BROKER_URL": f"{server.url}/0",
        # As many hosts have it, and Django and redis by default: no time-out to speak of.
        "CACHE_URL": f"{server.url}/1?socket_timeout=600&socket_connect_timeout=600",
    }
    yield server
    server.kill()


def embedded(product):
    return ProductVectors.objects.filter(product=product).exists


def idle(process, make_product):
    """Until no message is under way: Celery itself ends where one is (docs/reliability.md)."""
    wait_for(embedded(make_product()), 60, process)
    time.sleep(1)


def pool_process(process):
    """The one process of a prefork worker's pool."""
    (child,) = [each for each in children(process) if "fallback_poller" not in command(each)]
    return child


def stand_ins(process):
    return [each for each in children(process) if "fallback_poller" in command(each)]


def children(process):
    living = psutil.Process(process.pid).children()
    return [each for each in living if each.status() != psutil.STATUS_ZOMBIE]


def command(process):
    return " ".join(process.cmdline())


def test_a_prefork_worker_whose_process_is_killed_during_an_outage_goes_on(
    broker, make_product, tmp_path
):
    """Celery replaces it only once the broker is back; a stand-in works until then."""
    lifecycle.ensure_live_version()
    with worker(tmp_path, "-P", "prefork", "-c", "1", **broker.addresses) as process:
        idle(process, make_product)
        broker.kill()
        os.kill(pool_process(process).pid, signal.SIGKILL)
        product = make_product()
        wait_for(embedded(product), 60, process)
        (first,) = stand_ins(process)
        first.kill()  # it may meet what killed the others
        product = make_product()
        wait_for(embedded(product), 60, process)
        assert stand_ins(process) != [first]
        broker.start()
        wait_for(lambda: not stand_ins(process), 90, process)
        assert pool_process(process).is_running()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_stand_in_ends_with_its_worker(end, broker, make_product, tmp_path):
    lifecycle.ensure_live_version()
    with worker(tmp_path, "-P", "prefork", "-c", "1", **broker.addresses) as process:
        idle(process, make_product)
        broker.kill()
        os.kill(pool_process(process).pid, signal.SIGKILL)
        wait_for(lambda: stand_ins(process), 60, process)
        (stand_in,) = stand_ins(process)
        os.kill(process.pid, end)
        stand_in.wait(60)


@pytest.mark.parametrize("pool", ["solo", "prefork"])
def test_a_worker_that_starts_while_the_broker_is_away_embeds(pool, broker, make_product, tmp_path):
    lifecycle.ensure_live_version()
    product = make_product()
    broker.kill()
    log = tmp_path / "worker.log"
    command = [
        sys.executable, "-m", "celery", "-A", "tests.host", "worker",
        "-P", pool, "-c", "1", "-Q", "similarity",
    ]  # fmt: skip
    environment = {"DJANGO_SETTINGS_MODULE": "tests.worker_settings", **broker.addresses}
    with running(command, log, environment, lambda: b"Cannot connect" in log.read_bytes()) as began:
        wait_for(embedded(product), 60, began)


def test_a_worker_embeds_while_broker_and_cache_hang(broker, make_product, tmp_path):
    """They accept what is sent and answer nothing: a client without a time-out waits for ever."""
    lifecycle.ensure_live_version()
    with worker(tmp_path, **broker.addresses) as process:
        idle(process, make_product)
        broker.hang()
        until = time.monotonic() + heartbeats.NOTE_EVERY_S + polling.POLL_S
        while time.monotonic() < until:
            wait_for(embedded(make_product()), 60, process)
