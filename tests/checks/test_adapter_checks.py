"""Checks of an adapter, and of what a host's managers raise: a message, never a traceback."""

import pytest
from celery import current_app
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import models

from similarity.catalog.adapter import CatalogAdapter
from similarity.catalog.content import ProductContent
from similarity.checks import contained
from similarity.checks import settings as settings_checks
from similarity.checks.catalog import check_catalog
from similarity.checks.celery import check_celery
from similarity.checks.content import check_content
from similarity.checks.settings import check_settings, did_you_mean
from tests.host.models import Brand, Product


class Plain(CatalogAdapter):
    def content(self, keys):
        for product in self.model.objects.filter(pk__in=list(keys)):
            yield ProductContent(str(product.pk), product.name)

    def eligible(self, request=None):
        return self.model.objects.all()


class GivesAList(Plain):
    def eligible(self, request=None):
        return [1, 2]


class Unreadable(Plain):
    def content(self, keys):
        raise KeyError("no such shelf")
        yield


class OtherKeys(Plain):
    def content(self, keys):
        yield ProductContent("another", "Mug")


class NoCard(Plain):
    def card(self, product, request=None):
        raise ZeroDivisionError("of the card")


class Misled(Plain):
    def related_models(self):
        return {Brand: ["maker"]}


class CannotBeMade(Plain):
    def __init__(self):
        raise OSError("no licence server")


@pytest.fixture
def use(settings):
    def use(catalog):
        if isinstance(catalog, type):
            catalog = f"{__name__}.{catalog.__name__}"
        elif isinstance(catalog, dict):
            catalog = {**settings.SIMILARITY["CATALOG"], **catalog}
        settings.SIMILARITY = {**settings.SIMILARITY, "CATALOG": catalog}

    return use


def told(messages):
    assert all(message.hint for message in messages)
    return {message.id.removeprefix("similarity."): message.msg for message in messages}


@pytest.mark.parametrize(
    ("adapter", "id", "text"),
    [
        (GivesAList, "E013", "TypeError: [1, 2] is no queryset"),
        (Misled, "E027", "related_models() has 'maker' for host.Brand: FieldError: Cannot resolve"),
        (CannotBeMade, "E010", "OSError: no licence server"),
    ],
)
def test_an_adapter_that_cannot_serve_is_named(use, adapter, id, text):
    use(adapter)
    found = told(check_catalog())
    assert text in found[id]
    assert "Choices are" not in found[id]


@pytest.mark.parametrize(
    "error", [RuntimeError("no tenant in context"), LookupError("x"), OSError()]
)
def test_a_manager_that_raises_is_told_with_class_and_text(monkeypatch, error):
    def raising(self):
        raise error

    monkeypatch.setattr(type(Product._default_manager), "get_queryset", raising)
    assert f"{type(error).__name__}: {error}".strip() in told(check_catalog())["E013"]
    with pytest.raises(SystemCheckError, match=r"similarity\.E013"):
        call_command("check")


@pytest.mark.parametrize(
    ("catalog", "id"),
    [
        ({"price": "images__position"}, "W019"),
        ({"currency": "images__alt"}, "W019"),
        ({"group": "images__alt"}, "W019"),
        ({"title": ["images__alt", "name"]}, "W019"),
        ({"attributes": {"category": "images__alt"}}, "W019"),
        ({"price": {"path": "images__position"}}, "W019"),
        ({"price": {"all": "images__position"}}, "E025"),
        ({"attributes": {"category": {"all": "images__alt"}}}, "E025"),
        ({"price": {"min": "images__position", "where": {"shade": "x"}}}, "E011"),
        ({"price": {"min": "images__place"}}, "E011"),
        ({"eligible": "tests.nowhere.eligible"}, "E013"),
        ({"eligible": lambda products, request: None}, "E013"),
        ({"eligible": models.Q(shade="red")}, "E013"),
    ],
)
def test_a_value_that_is_a_guess_or_none_is_told(use, catalog, id):
    use(catalog)
    assert set(told(check_catalog())) == {id}


@pytest.mark.parametrize(
    "catalog",
    [
        {"price": {"min": "images__position"}, "currency": {"first": "images__alt"}},
        {"price": {"min": "images__position", "where": {"alt": "front"}}},
        {"attributes": {"category": {"first": "images__alt"}, "shade": "images__alt"}},
        {"title": ["name", {"first": "images__alt"}]},
        {"eligible": models.Q(stock__gt=0) | models.Q(is_active=True)},
        {"eligible": lambda products, request: products.filter(stock__gt=models.F("pk"))},
        {"eligible": {"stock__gt": models.F("price")}},
    ],
)
def test_a_rule_that_is_named_is_no_guess(use, catalog):
    use(catalog)
    assert check_catalog() == []


class TestTrial:
    @pytest.mark.parametrize(
        ("adapter", "text"),
        [
            (Unreadable, "Unreadable.content() cannot read product '{key}': KeyError"),
            (OtherKeys, "it gave ProductContent(key='another'"),
            (NoCard, "NoCard.card() cannot read product '{key}': ZeroDivisionError: of the card"),
        ],
    )
    def test_an_adapter_is_tried_on_a_product(self, use, make_product, adapter, text):
        product = make_product()
        use(adapter)
        assert check_content(databases=["other"]) == []
        [message] = check_content(databases=["default"])
        assert message.id == "similarity.E026"
        assert text.format(key=product.pk) in message.msg

    def test_what_can_be_read_is_no_message(self, use, make_product):
        assert check_content(databases=["default"]) == []  # no product to try
        make_product()
        for catalog in ({}, Plain):
            use(catalog)
            assert check_content(databases=["default"]) == []


def test_a_check_that_raises_is_a_message():
    def check_weather(**kwargs):
        raise RuntimeError("no tenant in context")

    [message] = contained(check_weather)()
    assert message.id == "similarity.E018"
    assert "check_weather" in message.msg
    assert "RuntimeError: no tenant in context" in message.msg
    assert __file__ in message.hint


def test_every_check_is_contained(monkeypatch):
    """A failure of any of them ends in a message of its own."""
    from django.core.checks.registry import registry

    ours = [
        check
        for check in registry.registered_checks | registry.deployment_checks
        if "similarity.checks" in check.__module__
    ]
    assert len(ours) >= 9
    assert all(check.__wrapped__ for check in ours)


class TestCelery:
    def test_a_project_without_an_app(self, monkeypatch):
        from celery import _state

        assert check_celery() == []
        monkeypatch.setattr(_state._tls, "current_app", None)
        monkeypatch.setattr(_state, "default_app", None)
        assert set(told(check_celery())) == {"W046"}


class TestHints:
    def test_a_model_of_the_same_name_is_suggested(self, settings):
        settings.SIMILARITY_PRODUCT_MODEL = "oscar.Product"
        [message] = check_settings()
        assert message.hint == "Did you mean 'host.Product'?"

    def test_a_hint_lists_few_names_and_fields_before_what_refers_to_the_model(self, use):
        use({"price": "zzz"})
        [message] = check_catalog()
        assert message.hint.startswith("Known are id, sku, name")
        assert "and 9 more" in did_you_mean("x", [str(at) for at in range(29)])
        assert settings_checks.MOST_NAMED == 20


def test_eager_tasks_are_told():
    current_app.conf.task_always_eager = True
    try:
        assert set(told(check_celery())) == {"W074"}
    finally:
        current_app.conf.task_always_eager = False
