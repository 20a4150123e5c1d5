"""The core alone, and with each optional app: each in a process of its own."""

import pytest

from tests.host_process import run_host

SETTINGS = "tests.uuid_host.settings"


@pytest.mark.parametrize(
    "apps", ["", "search", "orders", "insights", "orders planning", "events", "events shoppers"]
)
def test_each_app_can_be_left_out(apps):
    finished = run_host(
        SETTINGS,
        *("-m", "pytest", "tests/uuid_host/apps_scenario.py", "-q", "-p", "no:cacheprovider"),
        *("--ds", SETTINGS, "--create-db"),
        HOST_APPS=apps,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert " passed" in finished.stdout
    assert "skipped" not in finished.stdout


def test_planning_without_orders_is_refused_with_the_remedy():
    finished = run_host(SETTINGS, "-m", "django", "check", HOST_APPS="planning")
    assert finished.returncode == 1
    assert "similarity.planning needs similarity.orders" in finished.stderr
    assert "INSTALLED_APPS" in finished.stderr
