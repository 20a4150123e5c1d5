"""Processes of one machine are told together, those that ended included."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

import similarity
from similarity.connections import metrics_export
from similarity.exceptions import ConfigurationError

ROOT = Path(similarity.__file__).parent.parent

COUNT = """
import sys, time
from similarity.connections import metrics
for _ in range(int(sys.argv[1])):
    metrics.count("cache_total", cache="shelf", result="hit")
metrics.observe("query_seconds", 0.004, plan="exact")
print("counted", flush=True)
sys.stdin.read()
"""

FORK = """
import os
from similarity.connections import metrics
metrics.count("cache_total", cache="shelf", result="hit")
for _ in range(2):
    if os.fork() == 0:
        metrics.count("cache_total", 10, cache="shelf", result="hit")
        os._exit(0)
os.wait(), os.wait()
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def start(folder):
    """Starts a process that counts so often and then waits."""
    started = []

    def begin(times):
        process = subprocess.Popen(
            [sys.executable, "-c", COUNT, str(times)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        started.append(process)
        assert process.stdout.readline() == "counted\n"
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def told():
    """name → value, of the samples with cache="shelf" or plan="exact"."""
    families = text_string_to_metric_families(metrics_export.text().decode())
    return {
        sample.name: sample.value
        for family in families
        for sample in family.samples
        if sample.labels.get("cache") == "shelf" or sample.labels.get("le") == "0.005"
    }


def test_processes_are_added_up_and_the_dead_stay_counted(start, folder):
    """Where a sum fell with a worker's end, Prometheus would see a restart and count anew."""
    first, second = start(3), start(5)
    both = {"similarity_cache_total": 8, "similarity_query_seconds_bucket": 2}
    assert told() == both
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert told() == both
    assert told() == both  # and once more: nothing is added twice
    files = sorted(path.name for path in folder.glob("*.db"))
    assert files == [
        f"counter_{second.pid}.db",
        "counter_dead.db",
        f"histogram_{second.pid}.db",
        "histogram_dead.db",
    ]
    second.kill()
    second.wait()
    start(2)
    assert told()["similarity_cache_total"] == 10


def test_children_of_a_fork_count_for_themselves(folder):
    """As in Celery's prefork pool and in gunicorn that loads the application first."""
    subprocess.run([sys.executable, "-c", FORK], check=True, cwd=ROOT, timeout=120)
    assert told() == {"similarity_cache_total": 21}


def test_files_of_others_are_left_alone(folder):
    for name in ("gauge_all_1.db", "counter_of_mine.db", "counter_99999999999999999999.db"):
        (folder / name).write_bytes(b"\0" * 64)
    assert metrics_export.add_up_dead(folder) == 0
    assert len(list(folder.iterdir())) == 3


def test_the_hosts_own_metrics_in_the_folder_are_not_told_twice(folder):
    script = (
        "from prometheus_client import Counter\n"
        "Counter('orders_total', 'Of the host.').inc()\n"
        "from similarity.connections import metrics\n"
        "metrics.count('cache_total', cache='shelf', result='hit')\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT, timeout=120)
    assert "orders_total" not in metrics_export.text().decode()
    assert told() == {"similarity_cache_total": 1}


def test_a_worker_serves_what_its_machine_measured(folder, free_tcp_port, caplog):
    subprocess.run([sys.executable, "-c", FORK], check=True, cwd=ROOT, timeout=120)
    address = f"127.0.0.1:{free_tcp_port}"
    assert metrics_export.serve(address)
    server, thread = metrics_export._serving.pop()
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as answer:
            assert b'similarity_cache_total{cache="shelf",result="hit"} 21.0' in answer.read()
        assert not metrics_export.serve(address)  # a second worker of the machine
        assert "not served" in caplog.text
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.mark.parametrize("address", ["9464", ":9464", "localhost:", "localhost:99999", "a:b"])
def test_what_is_no_address_is_named(address):
    with pytest.raises(ConfigurationError, match="ADDRESS"):
        metrics_export.serve(address)


def test_a_scrape_of_many_dead_processes_is_quick(folder):
    """Workers are replaced every so many tasks: hundreds of files between two scrapes."""
    from prometheus_client.mmap_dict import MmapedDict, mmap_key

    number = _unused_process_number()
    key = mmap_key("similarity_cache_total", "similarity_cache_total", ["cache"], ["shelf"], "help")
    for at in range(50):
        file = MmapedDict(str(folder / f"counter_{number + at}.db"))
        file.write_value(key, 2.0, 0.0)
        file.close()
    started = time.perf_counter()
    assert told() == {"similarity_cache_total": 100}
    assert time.perf_counter() - started < 2
    assert [path.name for path in folder.glob("*.db")] == ["counter_dead.db"]


def _unused_process_number():
    """Above every number that Linux gives to processes."""
    limit = Path("/proc/sys/kernel/pid_max")
    return int(limit.read_text()) + 1 if limit.exists() else 2**22 + os.getpid()
