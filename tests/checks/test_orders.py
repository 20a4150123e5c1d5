"""Each way to misconfigure ORDERS is reported under its id, with a remedy."""

import pytest

from similarity.checks.settings import check_settings
from similarity.orders.checks import check_orders
from similarity.orders.mapping import MappedOrders
from tests.configure import with_settings
from tests.host.models import Order


class NeedsArguments(MappedOrders):
    def __init__(self, connection):
        super().__init__()


@pytest.fixture
def change(settings):
    """Merges keys into the shop's ORDERS; a key set to ... is left out."""

    def change(**keys):
        orders = {**settings.SIMILARITY["ORDERS"]["SOURCE"], **keys}
        orders = {key: value for key, value in orders.items() if value is not ...}
        settings.SIMILARITY = with_settings(ORDERS={"SOURCE": orders})
        return found()

    return change


def found():
    messages = [*check_settings(), *check_orders()]
    assert all(message.hint for message in messages), "each message says what to do"
    return messages


def test_the_shop_is_configured_well():
    assert found() == []


@pytest.mark.parametrize(
    ("keys", "check", "said", "hint"),
    [
        ({"placed_on": "x"}, "E050", "unknown key 'placed_on'", "Did you mean 'placed_at'?"),
        ({"products": ...}, "E050", "has no 'products'", "docs/settings.md"),
        ({"model": "host.Ordre"}, "E050", "'host.Ordre'", "docs/settings.md"),
        (
            {"placed_at": "placed_att"},
            "E051",
            "host.Order has no field 'placed_att'",
            "Did you mean 'placed_at'?",
        ),
        (
            {"products": "lines__produkt"},
            "E051",
            "host.OrderLine has no field 'produkt'",
            "Did you mean 'product'?",
        ),
        ({"customer": "total"}, "E051", "has no field 'total'", "Known are"),
        ({"placed_at": "number"}, "E052", "leads to a CharField", "DateTimeField"),
        ({"products": "lines"}, "E053", "does not lead to host.Product", "lines__product"),
        ({"quantity": "id"}, "E054", "is not on the same row", "a field of lines"),
        ({"customer": "lines__product"}, "E055", "gives an order several", "customer_id"),
        ({"user": "customer"}, "E059", "does not lead to auth.User", "customer__user"),
        ({"user": "customer__user__id"}, "E059", "does not lead to auth.User", "customer__user"),
        ({"user": "customer__usr"}, "E051", "host.Customer has no field 'usr'", "'user'"),
        ({"counted": {"state": "paid"}}, "E056", "'state'", "lookups of QuerySet.filter"),
        ({"counted": {"placed_at__gte": "soon"}}, "E056", "soon", "lookups of QuerySet.filter"),
        ({"counted": ...}, "W057", "cancelled and returned orders count", "Filter them out"),
        ({"verified": {"state": "paid"}}, "E056", "'state'", "lookups of QuerySet.filter"),
        ({"verified": ...}, "W061", "anyone can invent", "paid"),
        ({"customer": ...}, "W062", "cannot be distinguished", "['customer_id', 'email']"),
        ({"customer": ["customer_id", "e_mail"]}, "E051", "no field 'e_mail'", "'email'"),
        ({"customer": ["email", "lines__id"]}, "E055", "gives an order several", "customer_id"),
        ({"customer": "customer_id"}, "W063", "may be empty", "['customer_id', 'email']"),
        ({"customer": []}, "E050", "'customer'] is []", "docs/settings.md"),
        ({"customer": ["email", 3]}, "E050", "a list of paths", "docs/settings.md"),
    ],
)
def test_a_wrong_key_is_told(change, keys, check, said, hint):
    [message] = change(**keys)
    assert message.id == f"similarity.{check}"
    assert said in message.msg
    assert hint in message.hint


def test_an_order_of_one_product_is_told(change):
    """A line taken for the order: each has one product, and no pair is ever made."""
    line = {
        **{"model": "host.OrderLine", "products": "product", "placed_at": "order__placed_at"},
        **{"customer": "order__email", "user": ..., "quantity": "quantity", "counted": {}},
    }
    [message] = change(**line)
    assert message.id == "similarity.W060"
    assert "host.OrderLine one product" in message.msg


@pytest.mark.parametrize("counted", [{}, {"pk__in": []}])
def test_a_filter_that_resolves_is_fine(change, counted):
    assert change(counted=counted) == []


@pytest.mark.parametrize(
    ("configured", "check"),
    [
        (7, "E005"),
        ("", "E005"),
        (f"{__name__}.NeedsArguments", "E050"),
        (f"{__name__}.Order", "E050"),
        ("no.such.adapter", "E050"),
    ],
)
def test_a_wrong_adapter_is_told(settings, configured, check):
    assert Order  # the dotted path of something that is no adapter
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": configured})
    assert [message.id for message in found()] == [f"similarity.{check}"]


def test_a_shop_without_orders_is_fine(settings):
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": None})
    assert found() == []


@pytest.mark.parametrize("path", ["similarity.copurchase.nowhere.Engine", f"{__name__}.Order"])
def test_an_engine_that_is_none_is_told(settings, path):
    settings.SIMILARITY = with_settings(ORDERS={"ENGINE": path})
    [message] = found()
    assert message.id == "similarity.E058"
    assert path in message.msg


@pytest.mark.parametrize(
    "key", ["HALF_LIFE_DAYS", "WINDOW_DAYS", "MIN_SHOPPERS", "MAX_BASKET", "SOURCE", "ENGINE"]
)
def test_a_setting_that_cannot_be_is_told(settings, key):
    settings.SIMILARITY = with_settings(ORDERS={key: 0 if key != "SOURCE" else 5})
    assert [message.id for message in check_settings()] == ["similarity.E005"]
