"""manage.py similarity promote, run as a shop runs it."""

import pytest
from django.core.management import CommandError, call_command

from similarity.models import EncoderVersion, ProductVectors
from similarity.vectors import indexes
from similarity.versions import lifecycle, quality
from tests.fixtures_indexing import fake_encoders  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_encoders")]


@pytest.fixture
def first(make_product):
    for _ in range(3):
        make_product()
    return lifecycle.ensure_live_version()


@pytest.fixture
def second(first):
    return lifecycle.build_version()


def live():
    return EncoderVersion.objects.live().pk


def test_the_newest_ready_version_goes_live(second, capsys):
    call_command("similarity", "promote")
    assert live() == second.pk
    assert f"Version {second.pk} is live" in capsys.readouterr().out


def test_and_back_again(first, second):
    call_command("similarity", "promote", str(second.pk))
    call_command("similarity", "promote", "--rollback")
    assert live() == first.pk


def test_missing_indexes_are_built_first(second):
    indexes.drop_indexes(second)
    call_command("similarity", "promote", str(second.pk))
    assert set(indexes.states(second).values()) == {"valid"}


def test_a_half_empty_version_needs_force(first, second):
    ProductVectors.objects.of_version(second).delete()
    with pytest.raises(CommandError, match=r"0 of 3 \(0.0 %\)"):
        call_command("similarity", "promote", str(second.pk))
    assert live() == first.pk
    call_command("similarity", "promote", str(second.pk), "--force")
    assert live() == second.pk


def test_a_version_and_rollback_together_are_refused(second):
    with pytest.raises(CommandError, match="not both"):
        call_command("similarity", "promote", str(second.pk), "--rollback")


def test_the_table_is_printed_before_anything_is_refused(first, second, capsys):
    ProductVectors.objects.of_version(second).delete()
    with pytest.raises(CommandError):
        call_command("similarity", "promote")
    assert "NO  eligible products with vectors" in capsys.readouterr().out


def test_figures_beside_another_live_version_are_taken_again_but_not_by_force(
    first, second, monkeypatch
):
    third = lifecycle.build_version()
    call_command("similarity", "promote", str(third.pk))
    call_command("similarity", "promote", str(second.pk))
    second.refresh_from_db()
    assert second.figures["quality"]["with"] == third.pk
    monkeypatch.setattr(quality, "compare", None)
    call_command("similarity", "promote", str(third.pk), "--force")
    assert live() == third.pk


def test_rolling_back_once_too_often_says_so(first, second):
    call_command("similarity", "promote")
    call_command("similarity", "promote", "--rollback")
    with pytest.raises(CommandError, match="nothing to roll back to"):
        call_command("similarity", "promote", "--rollback")
    assert live() == first.pk
