"""The plugin in a host that is nothing like the demo shop: UUID or text keys, other fields.

Each test runs in a process of its own, since a process has one product model.
"""

from functools import partial

import pytest

from tests.host_process import run_host

SETTINGS = "tests.uuid_host.settings"


run = partial(run_host, SETTINGS)


@pytest.mark.parametrize("auto_field", ["AutoField", "BigAutoField"])
def test_no_migration_drift(auto_field):
    """A host's DEFAULT_AUTO_FIELD may not make `makemigrations` invent one for the plugin."""
    finished = run(
        *("-m", "django", "makemigrations", "similarity", "--check", "--dry-run"),
        HOST_AUTO_FIELD=f"django.db.models.{auto_field}",
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "No changes detected" in finished.stdout


def test_system_checks_pass():
    finished = run("-m", "django", "check", "--fail-level", "WARNING")
    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.mark.parametrize("key", ["uuid", "text"])
def test_save_to_similar_products(key):
    """The scenario in tests/uuid_host/scenario.py, from saving to tag, API and admin."""
    finished = run(
        *("-m", "pytest", "tests/uuid_host/scenario.py", "-q", "-p", "no:cacheprovider"),
        *("--ds", SETTINGS, "--create-db"),
        HOST_KEY=key,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert " passed" in finished.stdout
    assert "skipped" not in finished.stdout
