"""`manage.py similarity propose-bundles` says what it found."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from similarity.orders.models import Bundle
from tests.configure import with_settings
from tests.host.models import Order, OrderLine

pytestmark = pytest.mark.django_db


@pytest.fixture
def orders(make_product):
    """Four guests each buy the same two products, and eight something else."""
    pair, other = [make_product(), make_product()], make_product()
    for number in range(12):
        order = Order.objects.create(
            number=f"N{number}",
            email=f"{number}@example.com",
            name="x",
            address="x",
            placed_at=timezone.now() - timedelta(days=number),
        )
        for product in pair if number < 4 else [other]:
            OrderLine.objects.create(order=order, product=product, unit_price=1)


def test_it_proposes_and_counts(orders, capsys):
    call_command("similarity", "propose-bundles")
    assert "12 orders read: 1 bundles are new, 0 were found again, 0 withdrawn." in (
        capsys.readouterr().out
    )
    assert Bundle.objects.get().orders == 4
    call_command("similarity", "propose-bundles")
    assert "0 bundles are new, 1 were found again" in capsys.readouterr().out


def test_an_error_is_one_line(settings):
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": None})
    with pytest.raises(CommandError, match=r"SIMILARITY\['ORDERS'\]\['SOURCE'\] is None"):
        call_command("similarity", "propose-bundles")
