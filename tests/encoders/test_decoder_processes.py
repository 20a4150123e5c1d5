"""Pictures are decoded in children that end where a picture costs too much."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import billiard
import numpy as np
import psutil
import pytest
from PIL import Image

from similarity.catalog.picture_header import Limits
from similarity.encoders import decoder_processes, images
from similarity.encoders.colour import ColourEncoder
from similarity.encoders.decoder_processes import DecoderPool, DecoderProcess
from similarity.exceptions import EncoderError, ImageRejected
from tests.encoders import bombs
from tests.encoders.photos import content, picture, saved

ROOT = Path(__file__).resolve().parents[2]
LIMITS = Limits(20 * 1024 * 1024, 40_000_000, "save it anew")
SOUND = saved(picture())


#: Python warns of forks of a process with threads, which Celery does all the same.
forks = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@pytest.fixture
def pool():
    pool = DecoderPool(2)
    yield pool
    pool.close()
    assert not pool._all


def only_child(pool):
    (child,) = pool._all
    return child.process


def gone(process_id):
    return not psutil.pid_exists(process_id) or (
        psutil.Process(process_id).status() == psutil.STATUS_ZOMBIE
    )


def wait_until(condition):
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_child_is_kept_for_the_next_picture(pool):
    assert pool.decode(SOUND, LIMITS) == pool.decode(SOUND, LIMITS)
    assert len(pool._all) == 1


def test_a_picture_that_takes_too_long_is_lost_alone(pool):
    """The scans are past the check of the bytes here: only the child's own time stops them."""
    pool.decode(SOUND, LIMITS)
    first = only_child(pool)
    with pytest.raises(ImageRejected, match=r"takes more than 0\.2 s to decode"):
        pool.decode(bombs.jpeg_of_scans(600), LIMITS, cpu_s=0.2)
    assert first.returncode == -signal.SIGPROF
    assert pool.decode(SOUND, LIMITS).size == (60, 40)


def test_a_picture_that_takes_too_much_memory_is_lost_and_its_child_goes_on(pool):
    wide = saved(Image.new("L", (6000, 6000)))
    pool.decode(SOUND, LIMITS)
    tight = Limits(1024, 36_000_000, "save it anew")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder_processes, "BYTES_PER_PIXEL", 0)
        patch.setattr(decoder_processes, "BASE_BYTES", 10 * 1024 * 1024)
        with pytest.raises(ImageRejected, match="memory"):
            pool.decode(wide, tight)
    first = only_child(pool)
    assert pool.decode(wide, LIMITS).size == (512, 512)
    assert only_child(pool) is first


def test_each_picture_has_the_whole_time(pool):
    """The time of a child that is kept for days would be used up one day."""
    for _ in range(6):
        pool.decode(saved(Image.effect_noise((1500, 1500), 90)), LIMITS, cpu_s=0.5)
    assert len(pool._all) == 1


def test_a_child_that_dies_takes_its_picture_with_it_and_no_other(pool, monkeypatch):
    child = DecoderProcess()
    pool._all.add(child)
    pool._idle.append(child)
    write = child._write
    monkeypatch.setattr(child, "_write", lambda data: (child.process.kill(), write(data)))
    with pytest.raises(ImageRejected, match="ended with status -9"):
        pool.decode(SOUND, LIMITS)
    assert pool.decode(SOUND, LIMITS).size == (60, 40)


def test_a_child_that_died_between_two_pictures_costs_none(pool):
    pool.decode(SOUND, LIMITS)
    only_child(pool).kill()
    wait_until(lambda: only_child(pool).poll() is not None)
    assert pool.decode(SOUND, LIMITS).size == (60, 40)
    assert len(pool._all) == 1


def test_a_child_that_hangs_is_ended_and_the_photo_is_tried_again_later(pool, monkeypatch):
    """A machine that stands still says nothing of the picture."""
    pool.decode(SOUND, LIMITS)  # a child takes its time to start
    monkeypatch.setattr(decoder_processes, "HANGS_AFTER_S", 0.3)
    stopped = only_child(pool)
    os.kill(stopped.pid, signal.SIGSTOP)
    with pytest.raises(EncoderError, match="not decoded within"):
        pool.decode(SOUND, LIMITS)
    assert gone(stopped.pid)


def test_no_child_to_be_had_is_no_fault_of_the_picture(pool, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(EncoderError, match="can be started"):
        pool.decode(SOUND, LIMITS)


def test_an_answer_that_was_not_waited_for_is_never_given_to_another_picture(pool, monkeypatch):
    """As when Celery's soft time limit is raised inside the waiting."""

    class OutOfTime(Exception):
        pass

    pool.decode(SOUND, LIMITS)
    (child,) = pool._all
    monkeypatch.setattr(child, "_read", lambda size: (_ for _ in ()).throw(OutOfTime))
    with pytest.raises(OutOfTime):
        pool.decode(saved(picture(size=(7, 7))), LIMITS)
    assert pool.decode(SOUND, LIMITS).size == (60, 40)


def test_threads_share_the_children(pool):
    sizes = [(10 + number, 20) for number in range(24)]
    with ThreadPoolExecutor(8) as threads:
        found = threads.map(lambda size: pool.decode(saved(picture(size=size)), LIMITS), sizes)
        assert [pixels.size for pixels in found] == sizes
    assert len(pool._all) <= 2


def test_a_child_sees_no_secret_and_no_open_file_of_the_worker(pool, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://shop:hidden@db/shop")
    with open(ROOT / "manage.py") as opened:
        os.set_inheritable(opened.fileno(), True)
        pool.decode(SOUND, LIMITS)
        child = psutil.Process(only_child(pool).pid)
        assert child.open_files() == []
    assert "hidden" not in str(child.environ())
    assert set(child.environ()) <= {*decoder_processes._PASSED_ON, "PYTHONPATH", "LC_CTYPE"}


def _decode_into(results):
    results.put(images.decode(SOUND).size)
    images.pool.close()


@forks
def test_a_process_of_celerys_prefork_pool_has_children_although_it_is_a_daemon():
    """``multiprocessing`` refuses children to daemons, which those processes are."""
    context = billiard.get_context("fork")
    results = context.SimpleQueue()
    process = context.Process(target=_decode_into, args=(results,), daemon=True)
    process.start()
    assert results.get() == (60, 40)
    process.join(20)
    assert process.exitcode == 0


@forks
def test_a_forked_process_leaves_its_parents_children_alone():
    """Celery's prefork pool forks a process that may have decoded, while a thread decodes."""
    images.decode(SOUND)
    before = set(images.pool._all)
    reading, writing = os.pipe()
    forked = os.fork()
    if not forked:
        try:
            decoded = images.decode(SOUND).size == (60, 40)
            os.write(writing, b"+" if decoded and not before & images.pool._all else b"-")
        finally:
            images.pool.close()
            os._exit(0)
    os.waitpid(forked, 0)
    assert os.read(reading, 1) == b"+"
    os.close(reading)
    os.close(writing)
    assert images.decode(SOUND).size == (60, 40)
    assert images.pool._all == before


HOLD = """
import sys, django
from django.conf import settings
settings.configure(SIMILARITY={})
django.setup()
from similarity.encoders import images
from tests.encoders.photos import picture, saved
images.decode(saved(picture()))
print(*[child.process.pid for child in images.pool._all], flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, None])
def test_children_end_with_their_worker_however_it_ends(how):
    worker = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    children = [int(word) for word in worker.stdout.readline().split()]
    assert children
    if how is None:
        worker.stdin.close()
    else:
        worker.send_signal(how)
    worker.wait(20)
    worker.stdout.close()
    if not worker.stdin.closed:
        worker.stdin.close()
    wait_until(lambda: all(gone(child) for child in children))


def test_a_shoppers_picture_is_decoded_once_under_its_own_limits(settings, monkeypatch):
    product = content("1", SOUND)
    with monkeypatch.context() as limits:
        limits.setattr("similarity.catalog.picture_header.QUERY_MAX_PIXELS", 60 * 40 - 1)
        with pytest.raises(ImageRejected, match="send a smaller one"):
            images.decode_query(product.images[0], SOUND, 4.0)
    settings.SIMILARITY = {"IMAGES": {"MAX_PIXELS": 60 * 40 - 1}}
    images.decode_query(product.images[0], SOUND, 4.0)
    monkeypatch.setattr(images, "decode", lambda *args: pytest.fail("decoded again"))
    assert ColourEncoder().encode([product]).present.all()


def test_sixteen_bit_values_are_those_of_exact_arithmetic():
    grey = np.linspace(0, 65_535, 64 * 64).reshape(64, 64).astype(np.uint16)
    found = np.asarray(images.decode(saved(Image.fromarray(grey))))[..., 0]
    assert np.array_equal(found, (grey.astype(np.int64) * 255 // 65_535).astype(np.uint8))
