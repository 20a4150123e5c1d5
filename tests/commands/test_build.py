"""manage.py similarity build, run as a shop runs it."""

import pytest
from django.core.management import CommandError, call_command

from similarity.connections.locks import LockTaken
from similarity.models import EncoderVersion
from similarity.versions import build, lifecycle
from tests.fixtures_indexing import fake_encoders  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_encoders")]


@pytest.fixture(autouse=True)
def products(make_product):
    return [make_product() for _ in range(3)]


def test_builds_and_leaves_the_live_version_serving(capsys):
    live = lifecycle.ensure_live_version()
    call_command("similarity", "build", "--sample", "2")
    assert EncoderVersion.objects.live().pk == live.pk
    assert EncoderVersion.objects.get(status="ready").fitted_on == 2
    assert "is ready: 3 products, 0 failed" in capsys.readouterr().out


def test_promotes_at_once_when_asked():
    call_command("similarity", "build", "--promote")
    assert EncoderVersion.objects.live().figures["products"] == 3


def test_ctrl_c_leaves_a_version_to_go_on_with(monkeypatch, capsys):
    def interrupt(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(build, "fill", interrupt)
        with pytest.raises(SystemExit) as stopped:
            call_command("similarity", "build")
    assert stopped.value.code == 130
    assert "to resume the build" in capsys.readouterr().err
    begun = EncoderVersion.objects.get(status="building")
    call_command("similarity", "build")
    begun.refresh_from_db()
    assert begun.status == "ready"


def test_a_second_build_is_refused(monkeypatch):
    def taken(*args, **kwargs):
        raise LockTaken("a build is running")

    monkeypatch.setattr(lifecycle, "advisory_lock", taken)
    with pytest.raises(CommandError, match="is running"):
        call_command("similarity", "build")


@pytest.mark.parametrize("sample", ["0", "-5"])
def test_a_sample_of_nothing_is_refused(sample):
    """It would make a version whose fusion was fitted on no product, and be promoted."""
    with pytest.raises(CommandError, match=f"--sample is {sample}"):
        call_command("similarity", "build", f"--sample={sample}")
