"""`make matrix`: the tests with other versions of Python and Django, in a venv for each pair.

    python -m tests.matrix                       # every pair whose Python is installed
    python -m tests.matrix 3.13/6.1 -- tests/api # one pair, and arguments for pytest

A pair whose Python is not installed is named and left out. Tests that need a browser, Spark or
minutes of kills are left out, because they do not depend on these versions.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".run" / "matrix"
#: Python/Django. Django 6.0 and newer need Python 3.12.
PAIRS = ("3.11/5.2", "3.12/5.2", "3.12/6.0", "3.13/6.1", "3.14/6.1")
LEFT_OUT = "not browser and not spark and not chaos"


def main(arguments: list[str]) -> int:
    """Run every pair; returns 1 where one fails."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    pairs, options = arguments[:at] or list(PAIRS), arguments[at + 1 :]
    rows = [(pair, *run(pair, options)) for pair in pairs]
    write("\nPython/Django   result")
    for pair, _failed, told in rows:
        write(f"{pair:<15} {told}")
    return int(any(failed for _pair, failed, _told in rows))


def run(pair: str, options: list[str]) -> tuple[bool, str]:
    """(whether it failed, the last line of pytest) of one pair."""
    if not re.fullmatch(r"3\.\d+/\d+\.\d+", pair):
        return True, f"{pair!r} is no pair; write it as 3.13/6.1"
    python, django = pair.split("/")
    interpreter = shutil.which(f"python{python}")
    # A shim of a version manager is on the path, and fails where it has no such version.
    if interpreter is None or subprocess.run([interpreter, "--version"]).returncode:
        return False, f"left out: python{python} is not installed"
    folder = FOLDER / f"python{python}-django{django}"
    binary = folder / "bin" / "python"
    if not binary.exists():
        subprocess.run([interpreter, "-m", "venv", str(folder)], check=True)
    requirements = ["-r", "requirements.txt", f"Django~={django}.0"]
    subprocess.run([str(binary), "-m", "pip", "install", "-q", *requirements], check=True, cwd=ROOT)
    told = subprocess.run(
        [str(binary), "-m", "pytest", "-q", "-m", LEFT_OUT, *options],
        cwd=ROOT,
        env={**os.environ, "SIMILARITY_RUN_DIR": str(folder / "run"), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    write(told.stdout)
    return told.returncode != 0, (told.stdout.strip() or "nothing told").splitlines()[-1]


def write(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
