"""`make test`: the suite in two processes side by side, each with servers of its own.

    python -m tests.parallel              # all tests
    python -m tests.parallel tests/api -x # with arguments for pytest: one process

The first process writes to the terminal; what the second one wrote follows at the end.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: Folders of the first process, half of the work; all others belong to the second.
FIRST = (
    *("admin", "api", "benchmarks", "capture", "chaos", "connections", "copurchase"),
    *("encoders", "hostile", "models", "retrieval", "training"),
)
#: Servers, media and output of the second process.
SECOND = ROOT / ".run" / "second"


def main(arguments: list[str]) -> int:
    """Run both halves, or one process with ``arguments``; returns 1 if a test failed."""
    pytest = [sys.executable, "-m", "pytest"]
    if arguments:
        return subprocess.run([*pytest, *arguments], cwd=ROOT).returncode
    folders = [f"tests/{name}" for name in FIRST]
    others = ["tests", *(f"--ignore={folder}" for folder in folders)]
    environment = {**os.environ, "SIMILARITY_RUN_DIR": str(SECOND)}
    SECOND.mkdir(parents=True, exist_ok=True)
    output = SECOND / "output.txt"
    try:
        with output.open("w") as file:
            second = subprocess.Popen(
                [*pytest, *others], cwd=ROOT, env=environment, stdout=file, stderr=file
            )
            first = subprocess.run([*pytest, *folders], cwd=ROOT)
            second.wait()
    finally:
        subprocess.run([sys.executable, "-m", "shop.demo", "stop"], cwd=ROOT, env=environment)
    sys.stdout.write(f"\n{' '.join(['pytest', *others])}\n{output.read_text()}")
    return int(bool(first.returncode or second.returncode))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
