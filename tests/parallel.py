"""`make test`: the suite in two processes side by side, each with servers of its own.

    python -m tests.parallel              # all tests
    python -m tests.parallel tests/api -x # with arguments for pytest: one process

The first process writes to the terminal; what the second one wrote follows at the end.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: Tests that run under the demo shop's settings.
OF_THE_SHOP = ("shop", "browser", "benchmarks")
#: Folders of the first process, half of the work; the second runs all others, then the shop's.
FIRST = (
    *("admin", "api", "capture", "chaos", "connections", "copurchase"),
    *("encoders", "hostile", "models", "retrieval", "training"),
)
#: Servers, media and output of the second process.
SECOND = ROOT / ".run" / "second"


def main(arguments: list[str]) -> int:
    """Run both halves, or one process with ``arguments``; returns 1 if a test failed."""
    pytest = [sys.executable, "-m", "pytest"]
    if arguments:
        return subprocess.run([*pytest, *_settings(arguments), *arguments], cwd=ROOT).returncode
    first = [f"tests/{name}" for name in FIRST]
    others = ["tests", *(f"--ignore={folder}" for folder in first)]
    shop = [f"tests/{name}" for name in OF_THE_SHOP]
    environment = {**os.environ, "SIMILARITY_RUN_DIR": str(SECOND)}
    SECOND.mkdir(parents=True, exist_ok=True)
    output = SECOND / "output.txt"
    codes: list[int] = []

    def run_second() -> None:
        with output.open("w") as file:
            for folders in (others, [*_settings(shop), *shop]):
                file.write(f"\npytest {' '.join(folders)}\n")
                file.flush()
                run = subprocess.run(
                    [*pytest, *folders], cwd=ROOT, env=environment, stdout=file, stderr=file
                )
                codes.append(run.returncode)

    second = threading.Thread(target=run_second)
    try:
        second.start()
        codes.append(subprocess.run([*pytest, *first], cwd=ROOT).returncode)
        second.join()
    finally:
        subprocess.run([sys.executable, "-m", "shop.demo", "stop"], cwd=ROOT, env=environment)
    sys.stdout.write(output.read_text())
    return int(any(codes) or len(codes) < 3)


def _settings(arguments: list[str]) -> list[str]:
    """The option that names the shop's settings, if tests of the shop are asked for."""
    asked = any(one.startswith(f"tests/{name}") for one in arguments for name in OF_THE_SHOP)
    return ["--ds=tests.shop.settings"] if asked else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
