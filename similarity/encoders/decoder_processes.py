"""Child processes that decode pictures, so that no picture exceeds its cost limit.

A decoder written in C cannot be stopped from inside its own process. So each picture has a limit of
processor time and memory in a child process. A child that exceeds it ends, and only that picture is
lost. Children are kept for later pictures. They end with the process that started them, however it
dies, because their input ends then.

A child is started as a separate program, because processes of Celery's prefork pool may not use
``multiprocessing``. Also, no connection or secret of the worker is open to a hostile picture.
"""

import atexit
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from similarity.catalog.picture_header import FORMATS, Limits
from similarity.encoders.weights import package
from similarity.exceptions import EncoderError, ImageRejected

#: Seconds of processor time for a product's photo; 40 million pixels take about two.
CPU_S = 10.0
#: Seconds without an answer after which a child hangs, even if processor time is left.
HANGS_AFTER_S = 120.0
#: Memory for each allowed pixel: rows, coefficients and copies of a decoder.
BYTES_PER_PIXEL = 32
#: Memory for the file itself and other data that does not grow with the picture.
BASE_BYTES = 64 * 1024 * 1024

_PROGRAM = Path(__file__).with_name("picture_decoder.py")
#: Environment variables that a child gets; the others may hold passwords.
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "LANG")


class Pixels(NamedTuple):
    """A decoded picture: ``mode`` is RGB or RGBA, ``data`` its rows without gaps."""

    mode: str
    size: tuple[int, int]  # (width, height)
    data: bytes


class DecoderProcess:
    """A child process and the pipes to it. Only a single thread uses it at a time."""

    def __init__(self) -> None:
        package("PIL.Image")  # a web process, which decodes no pictures, may lack it
        #: The child's program as a module for the form of requests and answers.
        self._program = package("similarity.encoders.picture_decoder")
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        #: False if the child has ended, or may still write an answer to an abandoned request.
        self.usable = True
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", str(_PROGRAM), *FORMATS],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,  # a process that is forked meanwhile must not hold half a message
                env=environment,
            )
        except OSError as error:
            raise EncoderError(f"No process to decode pictures can be started: {error}.") from error

    def decode(self, data: bytes, limits: Limits, cpu_s: float) -> Pixels:
        """Decode a picture. Raises as :meth:`DecoderPool.decode`; check ``usable`` after that."""
        hangs = threading.Timer(HANGS_AFTER_S, self.process.kill)
        hangs.daemon = True
        hangs.start()
        self.usable, complete = False, False
        try:
            mode, size, body = self._exchange(data, limits, cpu_s)
            complete = True
        except (OSError, EOFError):
            raise self._death(cpu_s, hung=not hangs.is_alive()) from None
        finally:
            hangs.cancel()
            self.usable = complete
        if mode == self._program.REFUSED:
            raise ImageRejected(f"The image {body.decode()}; replace it by a sound file.")
        return Pixels(mode.decode().strip(), size, body)

    def _exchange(
        self, data: bytes, limits: Limits, cpu_s: float
    ) -> tuple[bytes, tuple[int, int], bytes]:
        memory = BASE_BYTES + 2 * limits.bytes + BYTES_PER_PIXEL * limits.pixels
        self._write(self._program.REQUEST.pack(len(data), limits.pixels, memory, cpu_s))
        self._write(data)
        answer = self._program.ANSWER
        mode, width, height, size = answer.unpack(self._read(answer.size))
        return mode, (width, height), self._read(size)

    def _write(self, data: bytes) -> None:
        assert self.process.stdin is not None  # noqa: S101 - a pipe, as asked for
        left = memoryview(data)
        while left:
            left = left[self.process.stdin.write(left) :]

    def _read(self, size: int) -> bytes:
        assert self.process.stdout is not None  # noqa: S101 - a pipe, as asked for
        found = bytearray()
        while len(found) < size:
            some = self.process.stdout.read(size - len(found))
            if not some:
                raise EOFError
            found += some
        return bytes(found)

    def _death(self, cpu_s: float, *, hung: bool) -> ImageRejected | EncoderError:
        self.process.kill()
        code = self.process.wait()
        if hung:
            return EncoderError(f"A picture was not decoded within {HANGS_AFTER_S:.0f} s.")
        if code == -signal.SIGPROF:
            return ImageRejected(f"The image takes more than {cpu_s:g} s to decode; save it again.")
        return ImageRejected(
            f"The process that decodes the image ended with status {code}; replace it by a sound "
            "file."
        )

    def end(self) -> None:
        """End the child and wait until it has ended."""
        self.let_go()
        self.process.kill()
        self.process.wait()

    def let_go(self) -> None:
        """Close the pipes, so that the child ends if no other process holds them open."""
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()


class DecoderPool:
    """A pool of at most ``size`` children, started on demand for any number of threads."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._begin()

    def _begin(self) -> None:
        self._free = threading.BoundedSemaphore(self.size)
        self._idle: list[DecoderProcess] = []
        self._all: set[DecoderProcess] = set()
        self._lock = threading.Lock()

    def decode(self, data: bytes, limits: Limits, cpu_s: float = CPU_S) -> Pixels:
        """Decode a picture in a child.

        Raises :class:`ImageRejected` for a picture that is damaged or costs too much, and
        :class:`EncoderError` if no child can be started.
        """
        with self._free:
            child = self._take()
            try:
                return child.decode(data, limits, cpu_s)
            finally:
                self._give_back(child)

    def close(self) -> None:
        """End every idle child."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._all.difference_update(idle)
        for child in idle:
            child.end()

    def forget(self) -> None:
        """Release the parent's children in a forked process, because they are not its own."""
        for child in list(self._all):
            child.let_go()
            child.process.returncode = 0  # this process does not wait for it
        self._begin()

    def _take(self) -> DecoderProcess:
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.process.poll() is None:
                    return child
                self._all.discard(child)
                child.end()
        child = DecoderProcess()
        with self._lock:
            self._all.add(child)
        return child

    def _give_back(self, child: DecoderProcess) -> None:
        with self._lock:
            if child.usable:
                self._idle.append(child)
                return
            self._all.discard(child)
        child.end()


#: As many as decode at once with a gain; each takes some 20 MB.
pool = DecoderPool(min(4, os.cpu_count() or 1))
atexit.register(pool.close)
os.register_at_fork(after_in_child=pool.forget)
