"""The OpenAPI document says what the endpoint does."""

import pytest
import yaml
from django.core.management import call_command
from rest_framework.test import APIClient

from tests.configure import with_settings


@pytest.fixture
def document(tmp_path):
    file = tmp_path / "schema.yml"
    call_command("spectacular", fail_on_warn=True, validate=True, file=str(file))
    return yaml.safe_load(file.read_text())


def operation(document):
    return document["paths"]["/api/similarity/v1/products/{key}/similar/"]["get"]


def test_every_parameter_is_described(document):
    named = {p["name"]: p for p in operation(document)["parameters"]}
    wanted = "key limit cursor weights diversity metric mode explain min_price max_price in_stock"
    assert {*wanted.split(), "brand", "category", "If-None-Match"} <= set(named)
    assert named["limit"]["schema"]["maximum"] == 100
    assert named["metric"]["schema"]["enum"] == ["cosine", "dot", "l2"]
    assert named["brand"]["schema"]["type"] == "array"


def test_every_answer_is_described(document):
    responses = operation(document)["responses"]
    assert {"200", "304", "400", "403", "404", "429", "503"} <= set(responses)
    error = responses["400"]["content"]["application/json"]
    assert error["schema"]["$ref"].endswith("/ErrorAnswer")
    assert error["examples"]
    assert "ETag" in responses["200"]["headers"]
    assert responses["200"]["content"]["application/json"]["examples"]


def test_filters_follow_the_settings(settings, tmp_path):
    settings.SIMILARITY = with_settings(API={"FILTERS": {"maker": "brand__slug"}})
    file = tmp_path / "schema.yml"
    call_command("spectacular", file=str(file))
    names = [p["name"] for p in operation(yaml.safe_load(file.read_text()))["parameters"]]
    assert "maker" in names
    assert "brand" not in names


def test_health_is_in_it(document):
    assert {"200", "503"} <= set(
        document["paths"]["/api/similarity/v1/health/ready"]["get"]["responses"]
    )


def test_health_asks_for_no_login(document):
    for name in ("live", "ready"):
        described = document["paths"][f"/api/similarity/v1/health/{name}"]["get"]
        assert [wanted for wanted in described.get("security", []) if wanted] == []


@pytest.mark.parametrize("name", ["RerankRequest", "CartRequest", "MoreLikeRequest"])
def test_a_body_takes_no_other_fields(document, name):
    """As the code has it: an unknown field is 400, so that a typo is found."""
    assert document["components"]["schemas"][name]["additionalProperties"] is False


def test_a_budget_may_be_null_and_a_query_not_blank(document):
    fields = document["components"]["schemas"]["RerankRequest"]["properties"]
    assert fields["budget_ms"]["nullable"] is True
    assert fields["query"]["pattern"] == r"\S"


@pytest.mark.django_db
def test_a_key_has_as_many_digits_as_the_error_says(shelf):
    for key, status in ((10**254, 200), (10**255, 400)):
        body = {"query": "linen", "results": [key]}
        answer = APIClient().post("/api/similarity/v1/rerank/", body, format="json")
        assert answer.status_code == status
