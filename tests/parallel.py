"""`make test`: the suite in four processes side by side, each with servers of its own.

    python -m tests.parallel              # all tests
    python -m tests.parallel tests/api -x # with arguments for pytest: one process

The first process writes to the terminal; the output of the others follows at the end. Two of them
mostly wait for processes that they start, so that four keep two cores busy.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: Tests that run under the demo shop's settings.
OF_THE_SHOP = ("tests/shop", "tests/browser", "tests/benchmarks")
FIRST = tuple(
    f"tests/{name}"
    for name in (
        "admin",
        "encoders",
        "hostile",
        "models",
        "retrieval",
        "training",
        "capture",
        "api",
    )
)
#: Tests that start hosts, workers and demos as processes of their own.
THIRD = tuple(
    f"tests/{name}"
    for name in (
        *("chaos", "test_apps.py", "test_host_settings.py", "test_metrics_worker.py"),
        *("test_oscar.py", "test_pipeline_worker.py", "test_query_worker.py"),
        *("test_readme.py", "test_second_host.py"),
    )
)
#: Servers, media and output of the processes that do not write to the terminal.
RUN_DIR = ROOT / ".run"


def main(arguments: list[str]) -> int:
    """Run all processes, or one with ``arguments``; return 1 if a test failed."""
    if arguments:
        return _pytest([*_settings(arguments), *arguments])
    others = ["tests", *(f"--ignore={path}" for path in (*FIRST, *THIRD))]
    shop = [*_settings(OF_THE_SHOP), *OF_THE_SHOP]
    behind = [Behind("second", others), Behind("third", list(THIRD)), Behind("fourth", shop)]
    for each in behind:
        each.start()
    codes = [_pytest(list(FIRST))]
    for each in behind:
        each.join()
        sys.stdout.write(each.output.read_text())
        codes += each.codes
    return int(any(codes) or len(codes) < 4)


class Behind(threading.Thread):
    """A run of pytest with servers of its own."""

    def __init__(self, name: str, arguments: list[str]) -> None:
        super().__init__(name=name)
        self.arguments = arguments
        self.folder = RUN_DIR / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.output = self.folder / "output.txt"
        self.codes: list[int] = []

    def run(self) -> None:
        environment = {**os.environ, "SIMILARITY_RUN_DIR": str(self.folder)}
        try:
            with self.output.open("w") as file:
                file.write(f"\npytest {' '.join(self.arguments)}\n")
                file.flush()
                code = _pytest(self.arguments, env=environment, stdout=file, stderr=file)
                self.codes.append(code)
        finally:
            stop = [sys.executable, "-m", "shop.demo", "stop"]
            subprocess.run(stop, cwd=ROOT, env=environment)


def _pytest(arguments: list[str], **options: object) -> int:
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=ROOT, **options).returncode  # type: ignore[call-overload]


def _settings(arguments: "list[str] | tuple[str, ...]") -> list[str]:
    """Return the option that names the shop's settings, if tests of the shop are asked for."""
    asked = any(one.startswith(OF_THE_SHOP) for one in arguments)
    return ["--ds=tests.shop.settings"] if asked else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
