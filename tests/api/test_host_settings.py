"""A host's ``REST_FRAMEWORK`` is for its own API: it changes no answer of this one."""

import json

import pytest
from django.test import override_settings
from django.urls import reverse
from rest_framework import parsers, permissions, renderers, throttling, versioning
from rest_framework.views import APIView


@pytest.fixture
def answers(make_product, client):
    """(status, keys) of every kind of address, as a client sees them."""
    products = [make_product(name=f"red mug {at}") for at in range(3)]
    asked = [
        ("similar", [products[0].pk], {"limit": 2}),
        ("similar", [0], {}),
        ("similar", [products[0].pk], {"limit": "many"}),
        ("search", [], {"q": "mug", "limit": 1}),
        ("search", [], {"q": "mug", "format": "json"}),
        ("suggest", [], {"q": "re"}),
        ("live", [], {}),
        ("bought_together", [products[0].pk], {}),
    ]

    def read():
        found = []
        for name, args, query in asked:
            response = client.get(reverse(f"similarity:{name}", args=args), query)
            found.append((name, response.status_code, _keys(response)))
        body = json.dumps({"query": "mug", "results": [products[0].pk]})
        response = client.post(reverse("similarity:rerank"), body, "application/json")
        return [*found, ("rerank", response.status_code, _keys(response))]

    return read


def _keys(response):
    told = response.json()
    first = (told.get("results") or [None])[0]
    return sorted(told), sorted(first) if isinstance(first, dict) else None


@pytest.mark.parametrize(
    "of_the_host",
    [
        {"versioning_class": versioning.NamespaceVersioning},
        {"versioning_class": versioning.URLPathVersioning},
        {"versioning_class": versioning.AcceptHeaderVersioning},
        {"versioning_class": versioning.HostNameVersioning},
        {"renderer_classes": [renderers.StaticHTMLRenderer]},
        {"parser_classes": [parsers.FormParser]},
        {"metadata_class": None},
        {"throttle_classes": [throttling.AnonRateThrottle]},
        {"permission_classes": [permissions.IsAdminUser]},
    ],
    ids=lambda of_the_host: str(next(iter(of_the_host.values()))),
)
def test_no_policy_of_the_host_changes_an_answer(answers, of_the_host, monkeypatch):
    """REST framework reads its settings when its views are imported: as their defaults."""
    before = answers()
    assert [status for _name, status, _keys in before] == [200, 404, 400] + [200] * 6
    for name, policy in of_the_host.items():
        monkeypatch.setattr(APIView, name, policy)
    assert answers() == before


@pytest.mark.parametrize(
    "of_the_host",
    [
        {"URL_FORMAT_OVERRIDE": "q", "FORMAT_SUFFIX_KWARG": "key"},
        {"EXCEPTION_HANDLER": "nowhere.handler", "NON_FIELD_ERRORS_KEY": "oops"},
        {"ALLOWED_VERSIONS": ["2"], "DEFAULT_VERSION": "2", "VERSION_PARAM": "limit"},
        {"PAGE_SIZE": 1, "SEARCH_PARAM": "q", "UNAUTHENTICATED_USER": None},
    ],
    ids=lambda of_the_host: next(iter(of_the_host)),
)
def test_no_setting_of_the_host_changes_an_answer(answers, of_the_host):
    before = answers()
    with override_settings(REST_FRAMEWORK=of_the_host):
        assert answers() == before


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*"])
def test_a_probe_of_health_may_accept_anything(client, accept):
    """An orchestrator ends what answers its probe with an error."""
    assert client.get(reverse("similarity:live"), headers={"accept": accept}).status_code == 200


def test_options_describe_the_address(client, make_product):
    address = reverse("similarity:similar", args=[make_product().pk])
    assert client.options(address).status_code == 200
