"""The plugin in a django-oscar shop, from the lines of docs/oscar.md.

In processes of their own, because a process has one product model.
"""

from functools import partial

import pytest

from tests.host_process import run_host

pytest.importorskip("oscar", reason="django-oscar is not installed; it is in requirements.txt")

SETTINGS = "tests.oscar_host.settings"


run = partial(run_host, SETTINGS, timeout_s=600)


def test_system_checks_pass():
    finished = run("-m", "django", "check", "--fail-level", "WARNING")
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_the_shop():
    """The scenario in tests/oscar_host/scenario.py, from the dashboard to shelves and search."""
    finished = run(
        *("-m", "pytest", "tests/oscar_host/scenario.py", "-q", "-p", "no:cacheprovider"),
        *("--ds", SETTINGS, "--create-db"),
        *("-o", "filterwarnings=ignore"),  # Oscar's own are not ours to mend
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert " passed" in finished.stdout
    assert "1 skipped" in finished.stdout, "a renamed category above, by triggers"
