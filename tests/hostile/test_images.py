"""Whatever is uploaded as a photo has a defined result, in time and within memory."""

import resource
import subprocess
import sys
import time

import pytest

from similarity.encoders.colour import ColourEncoder
from similarity.encoders.images import decode
from similarity.encoders.picture_decoder import MAX_SIDE
from similarity.exceptions import ImageRejected
from tests.encoders.photos import content, picture, saved
from tests.hostile.images import EITHER, OK, REJECTED, every_case

CASES = every_case()
LONGEST_S = 4.0  # of the processor; less than one on a machine of today
MOST_MEMORY_MB = 700

pytestmark = pytest.mark.filterwarnings("ignore")  # Pillow's own, about damaged files


def test_there_are_enough_cases_and_each_has_a_name():
    assert len(CASES) >= 200
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_hostile_image_has_its_result(case):
    started = time.thread_time()  # of this thread: others may keep the processor busy
    result, told = decoded(case.data)
    assert time.thread_time() - started < 1
    assert "to decode; save it again" not in told, "it was ended after LONGEST_S"
    assert case.result in (result, EITHER), told
    assert len(told) < 500


def decoded(data):
    """What became of it, and what was said; anything but a rejection is a failure."""
    try:
        image = decode(data, cpu_s=LONGEST_S)
    except ImageRejected as rejected:
        return REJECTED, str(rejected)
    assert image.mode in ("RGB", "RGBA")
    assert 1 <= min(image.size) <= max(image.size) <= MAX_SIDE
    return OK, ""


def test_none_of_them_stops_a_batch():
    """Each beside a sound photo: the product keeps the sound one."""
    sound = saved(picture("navy"))
    batch = [content(str(at), case.data, sound) for at, case in enumerate(CASES)]
    encoded = ColourEncoder().encode(batch)
    assert encoded.present.all()


MEASURE = """
import resource, django
django.setup()
from tests.hostile.images import every_case
from similarity.encoders.images import decode, pool
from similarity.exceptions import ImageRejected
cases = every_case()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for case in cases:
    try:
        decode(case.data)
    except ImageRejected:
        pass
own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
pool.close()
print(own // 1024, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


def test_memory_stays_bounded():
    """All of them in one worker, whose peak, and that of its child, the operating system tells."""
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MEASURE],
        capture_output=True,
        text=True,
        timeout=300,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    own, child = map(int, finished.stdout.split())
    assert own < 100, own
    assert child < MOST_MEMORY_MB, child
