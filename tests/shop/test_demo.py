"""The one command a stranger runs first: it must work twice, and clean up after itself."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from shop import demo, servers

ROOT = Path(__file__).resolve().parent.parent.parent
FEED = """id,title,description,price,brand,product_type,availability
A1,Navy wool scarf,Warm merino wool.,29.00 EUR,Northfield,Clothing > Scarves,in stock
A2,Grey wool scarf,Thick merino wool.,31.00 EUR,Northfield,Clothing > Scarves,in stock
A3,Stoneware mug,A glazed mug for coffee and tea.,12.00 EUR,Kiln,Kitchen > Mugs,in stock
A4,Porcelain cup,A thin cup for tea.,14.00 EUR,Kiln,Kitchen > Mugs,in stock
A5,Oak chair,A dining chair of solid oak.,149.00 EUR,Holm,Furniture > Chairs,in stock
"""


@pytest.fixture
def run_dir(tmp_path, monkeypatch):
    monkeypatch.setattr(servers, "RUN_DIR", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("catalog", "name"),
    [(None, "shop"), (Path("/feeds/Summer 24/products.csv"), "shop_summer_24_products")],
)
def test_each_catalogue_has_a_database_of_its_own(catalog, name):
    assert demo.database_name(catalog) == name


def test_a_process_that_got_an_old_number_is_not_ours(run_dir):
    """After a reboot the recorded number may be anybody's; `stop` may not end it."""
    demo.process_file("web").write_text(json.dumps({"pid": os.getpid(), "started_at": 1.0}))
    assert demo.find("web") is None
    assert demo.end("web") is False


@pytest.mark.parametrize("record", ["", "{", '{"pid": 999999999, "started_at": 1}'])
def test_a_damaged_or_stale_record_is_no_process(run_dir, record):
    demo.process_file("web").write_text(record)
    assert demo.find("web") is None


def test_end_ends_the_process_and_its_children(run_dir):
    demo.run("web", [sys.executable, "-c", "import time; time.sleep(60)"], ready=None)
    process = demo.find("web")
    assert process is not None
    assert demo.end("web") is True
    assert not process.is_running() or process.status() == "zombie"
    assert demo.find("web") is None


ORPHANED = """
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
if os.fork() == 0:
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    os._exit(0)
os.wait()
print("started", flush=True)
time.sleep(60)
"""


def test_end_ends_children_whose_own_parent_has_gone(run_dir):
    """They belong to no process of ours any more; only the session tells of them."""
    demo.run("web", [sys.executable, "-c", ORPHANED], ready=None)
    process = demo.find("web")
    log = servers.RUN_DIR / "web.log"
    wait_until(lambda: "started" in log.read_text())
    family = [one for one in psutil.process_iter() if demo.session_of(one) == process.pid]
    assert len(family) == 3
    demo.end("web")
    assert not [one for one in family if one.is_running() and one.status() != "zombie"]


UP = """
import subprocess, sys, time
from pathlib import Path
from shop import demo
with demo.recorded("up"):
    demo.run("worker", [sys.executable, "-c", "import time; time.sleep(60)"], ready=None)
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    print("under way", flush=True)
    time.sleep(60)
"""


def test_stop_ends_an_up_that_is_under_way_and_all_that_it_started(tmp_path):
    environment = {**os.environ, "SIMILARITY_RUN_DIR": str(tmp_path)}
    command = [sys.executable, "-c", UP]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as up:
        assert up.stdout.readline() == b"under way\n"
        family = psutil.Process(up.pid).children(recursive=True)
        assert len(family) == 2
        second = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert "is being started already" in second.stderr
        stopped = subprocess.run(
            [sys.executable, "-m", "shop.demo", "stop"],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert "Stopped up" in stopped.stdout, stopped.stderr
        assert up.wait(10) == 1
        assert b"goes on from here" in up.stderr.read()
    assert not [one for one in family if one.is_running() and one.status() != "zombie"]


def test_a_database_whose_making_was_cut_short_is_made_anew(tmp_path, monkeypatch):
    """What initdb leaves when it is killed looks like a database, and no server opens it."""
    monkeypatch.setattr(servers, "RUN_DIR", tmp_path / "run")
    monkeypatch.setattr(servers, "STATE", tmp_path / "run" / "services.json")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("CACHE_URL", "redis://127.0.0.1:1/1")
    folder = tmp_path / "run" / "postgres"
    folder.mkdir(parents=True)
    (folder / "PG_VERSION").write_text("18\n")
    (tmp_path / "run" / "postgres.half-made").touch()
    tmp_path.chmod(0o755)
    try:
        assert servers.start() == ["PostgreSQL"]
    finally:
        servers.stop()
    assert not (tmp_path / "run" / "postgres.half-made").exists()


def wait_until(condition):
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_process_that_does_not_start_shows_its_log(run_dir):
    command = [sys.executable, "-c", "raise SystemExit('no such module')"]
    with pytest.raises(SystemExit, match="no such module"):
        demo.run("web", command, ready="http://127.0.0.1:1/")


def test_a_catalogue_that_is_not_there_is_named():
    with pytest.raises(SystemExit, match=r"'nowhere\.csv', but there is no such file"):
        demo.up(Path("nowhere.csv"), 8000)


@pytest.mark.worker
@pytest.mark.weights
def test_demo_up_twice_and_stop(tmp_path):
    """The whole of `make demo` on a small feed: real servers, worker, weights and site."""
    feed = tmp_path / "feed.csv"
    feed.write_text(FEED)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
        "SIMILARITY_RUN_DIR": str(tmp_path / "run"),
    }

    def run(*arguments: str) -> str:
        finished = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "shop.demo", *arguments],
            capture_output=True,
            text=True,
            timeout=480,
            cwd=ROOT,
            env=environment,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout

    try:
        began = time.monotonic()
        first = run("up", "--catalog", str(feed), "--port", str(port))
        first_s = time.monotonic() - began
        url = next(word for word in first.split() if "/api/similarity/v1/products/" in word)
        with urllib.request.urlopen(url) as answer:
            results = json.load(answer)["results"]
        assert len(results) == 4
        assert {result["tier"] for result in results} == {"fused"}
        began = time.monotonic()
        second = run("up", "--catalog", str(feed), "--port", str(port))
        assert time.monotonic() - began < first_s, "what runs is not started anew"
        assert "are running" in second
    finally:
        stopped = run("stop")
    assert "web, worker, queries, pictures, PostgreSQL, Valkey" in stopped
    assert "Nothing of the demo is running" in run("stop")
