"""What was answered with 202 is kept once, whoever is killed: site, worker, broker or database."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from benchmarks.chaos_servers import Servers
from tests.web_process import free_port
from tests.worker_process import ROOT, kill, wait_for

pytestmark = pytest.mark.worker

SETTINGS = "tests.chaos.event_settings"
#: Seconds of sending, and events of a batch.
SENDING_S, BATCH = 12, 5
MAKE_PRODUCT = """
from tests.host.models import Category, Product
category = Category.objects.create(name="Mugs", slug="mugs")
fields = {"sku": "1", "name": "Mug", "slug": "mug", "price": 5, "stock": 5}
product = Product.objects.create(category=category, **fields)
print(product.pk)
"""
AGENT = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0.0.0 Safari/537.36"


@pytest.fixture
def site():
    """Not below ``tmp_path``, which a server that runs as another user cannot enter."""
    with TemporaryDirectory(prefix="similarity-chaos-") as folder:
        Path(folder).chmod(0o755)
        yield from running(Path(folder))


def running(folder):
    with Servers(folder) as servers:
        environment = {**servers.environment(), "DJANGO_SETTINGS_MODULE": SETTINGS}
        manage(environment, "migrate", "--verbosity", "0")
        product = manage(environment, "shell", "--verbosity", "0", "-c", MAKE_PRODUCT)
        found = Site(servers, environment, folder, int(product.split()[-1]))
        try:
            found.start()
            found.worker = found.run("worker", *celery())
            yield found
        finally:
            found.stop()


def manage(environment, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "django", *arguments],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def celery():
    return (sys.executable, "-m", "celery", "-A", "tests.host", "worker", "-P", "solo")


class Site:
    """A gunicorn with two processes, a worker, and a client that sends again what failed."""

    def __init__(self, servers, environment, folder, product):
        self.servers, self.environment, self.folder = servers, environment, folder
        self.product, self.port = product, free_port()
        self.web = self.worker = None

    def run(self, name, *command):
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start(self):
        self.web = self.run(
            "web",
            *(sys.executable, "-m", "gunicorn", "tests.host.wsgi"),
            *("--bind", f"127.0.0.1:{self.port}", "--workers", "2", "--threads", "4"),
        )
        wait_for(lambda: self.ask("GET", "health/live")[0] == 200, 60, self.web)

    def stop(self):
        for process in (self.web, self.worker):
            if process is not None:
                kill(process)

    def ask(self, method, path, body=None, **headers):
        """Return (status, headers, body); status 0 if nobody answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"User-Agent": AGENT, "Content-Type": "application/json", **headers}
        try:
            connection.request(
                method, f"/api/similarity/v1/{path}", body and json.dumps(body), headers
            )
            answer = connection.getresponse()
            return answer.status, answer.headers, json.loads(answer.read() or b"{}")
        except (OSError, http.client.HTTPException, ValueError):
            return 0, {}, {}
        finally:
            connection.close()

    def stored(self):
        """Return token → the number of its rows."""
        with self.servers.postgres.connect() as connection:
            return Counter(
                token for (token,) in connection.execute("SELECT token FROM similarity_event")
            )


class Shopper(threading.Thread):
    """Sends batches, each again under its key until it is answered with 202."""

    def __init__(self, site):
        super().__init__(daemon=True)
        self.site, self.accepted, self.repeated, self.tries = site, set(), 0, 0
        _status, headers, _body = site.ask("PUT", "me/preferences/", {"consent": True})
        self.cookie = headers["Set-Cookie"].split(";")[0]
        self.over = threading.Event()

    def run(self):
        while not self.over.is_set():
            tokens = [uuid.uuid4().hex for _ in range(BATCH)]
            self.send(tokens, str(uuid.uuid4()))

    def send(self, tokens, key):
        events = [
            {"type": "view", "product": self.site.product, "token": token} for token in tokens
        ]
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            self.tries += 1
            status, _headers, body = self.site.ask(
                "POST", "events/", {"key": key, "events": events}, Cookie=self.cookie
            )
            if status == 202:
                assert body["refused"] == []
                assert body["repeated"] or body["accepted"] == len(tokens), body
                self.accepted |= set(tokens)
                self.repeated += body["repeated"]
                return
            time.sleep(0.05)
        raise AssertionError("no answer for a minute")


def test_nothing_is_lost_and_nothing_doubled(site):
    shoppers = [Shopper(site) for _ in range(3)]
    for shopper in shoppers:
        shopper.start()
    for what in ("web", "database", "broker", "worker", "web", "database"):
        time.sleep(SENDING_S / 6)
        destroy(site, what)
    time.sleep(2)
    for shopper in shoppers:
        shopper.over.set()
    for shopper in shoppers:
        shopper.join(90)
    stored = site.stored()
    accepted = set().union(*(shopper.accepted for shopper in shoppers))
    tries = sum(shopper.tries for shopper in shoppers)
    assert len(accepted) > 100
    assert tries > len(accepted) / BATCH, "no request met a kill"
    assert not accepted - stored.keys(), "lost"
    assert not [token for token, rows in stored.items() if rows > 1], "doubled"


def destroy(site, what):
    """Kill without warning, and start again as a supervisor would."""
    if what == "web":
        os.killpg(site.web.pid, signal.SIGKILL)
        site.web.wait(10)
        site.start()
    elif what == "database":
        site.servers.postgres.kill()
        site.servers.postgres.start()
    elif what == "broker":
        site.servers.valkey.kill()
        site.servers.valkey.start()
    else:
        os.killpg(site.worker.pid, signal.SIGKILL)
