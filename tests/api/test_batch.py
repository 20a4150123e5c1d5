"""POST batch/: several requests in one, each answered, refused and counted by itself."""

import json

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import connection
from django.test import AsyncClient
from rest_framework.test import APIClient

from similarity.api import batch
from tests.configure import with_settings

pytestmark = pytest.mark.django_db

API = "/api/similarity/v1/"


def post(*requests, client=None, **extra):
    client = client or APIClient()
    return client.post(f"{API}batch/", {"requests": list(requests)}, format="json", **extra)


def part(path, body=None, name="a"):
    return {"id": name, "path": path, **({} if body is None else {"body": body})}


def statuses(response):
    assert response.status_code == 200, response.content
    return [one["status"] for one in response.json()["responses"]]


def test_each_part_is_what_the_request_by_itself_answers(shelf):
    key = shelf[0].pk
    found = post(
        part(f"products/{key}/similar/?limit=3&fields=title,price", name="similar"),
        part("more-like-these/", {"liked": [key], "limit": 2}, "more"),
        part("search/?q=product%201", name="search"),
        part("cart/bought-together/", {"products": [key]}, "cart"),
    ).json()["responses"]
    assert [one["id"] for one in found] == ["similar", "more", "search", "cart"]
    client = APIClient()
    alone = [
        client.get(f"{API}products/{key}/similar/?limit=3&fields=title,price"),
        client.post(f"{API}more-like-these/", {"liked": [key], "limit": 2}, format="json"),
        client.get(f"{API}search/?q=product%201"),
        client.post(f"{API}cart/bought-together/", {"products": [key]}, format="json"),
    ]
    assert [one["status"] for one in found] == [200] * 4
    assert [one["body"] for one in found] == [response.json() for response in alone]
    following = APIClient().get(found[0]["body"]["next"])
    assert following.status_code == 200, "the address of the next page is no batch's"


@pytest.mark.parametrize("in_a_transaction", [False, True])
def test_a_fault_stays_with_its_part(shelf, monkeypatch, in_a_transaction):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", in_a_transaction)

    def broken(*args, **kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr("similarity.api.views.more_like", broken)
    key = shelf[0].pk
    answer = post(
        part("products/0/similar/"),
        part(f"products/{key}/similar/?limit=many"),
        part("more-like-these/", {"liked": [key]}),
        part("more-like-these/"),
        part(f"products/{key}/similar/", {}),
        part(f"products/{key}/similar/"),
    )
    assert statuses(answer) == [404, 400, 500, 405, 405, 200]
    errors = [one["body"]["error"]["code"] for one in answer.json()["responses"][:5]]
    assert errors[:3] == ["not_found", "bad_parameter", "error"]


@pytest.mark.parametrize(
    "path",
    [
        "batch/",
        "search/image/",
        "metrics/",
        "health/ready",
        "fragments/a/",
        "../../../admin/",
        "/admin/",
        "//evil.example/",
        "http://[evil/",
        "nothing/",
        "\U0001f600/",
    ],
)
def test_a_batch_asks_nothing_but_what_reads(path, shelf):
    assert statuses(post(part(path), part(path, {}))) == [404, 404]


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "requests"),
        ({"requests": []}, "requests"),
        ({"requests": [{"id": "a", "path": "search/"}] * 11}, "requests"),
        ({"requests": [1]}, "requests"),
        ({"requests": [{"path": "search/"}]}, "requests"),
        ({"requests": [{"id": "a", "path": 1}]}, "requests"),
        ({"requests": [{"id": "a", "path": "search/", "body": [1]}]}, "requests"),
        ({"requests": [{"id": "a", "path": "search/", "method": "DELETE"}]}, "requests"),
        ({"request": []}, "request"),
    ],
)
def test_what_is_no_batch_is_refused_by_name(body, parameter):
    answer = APIClient().post(f"{API}batch/", body, format="json")
    assert answer.status_code == 400, answer.content
    error = answer.json()["error"]
    assert error["parameter"] == parameter
    assert parameter in error["message"]


def test_each_part_counts_in_its_own_scope(shelf, settings):
    throttle = {"shelves": "3/min", "search": "1/min", "batch": "4/min"}
    settings.SIMILARITY = with_settings(API={"THROTTLE": throttle})
    shelf_, search = part(f"products/{shelf[0].pk}/similar/"), part("search/?q=a")
    assert statuses(post(shelf_, shelf_, search, search)) == [200, 200, 200, 429]
    assert statuses(post(shelf_, shelf_, search)) == [200, 429, 429]
    alone = APIClient().get(f"{API}products/{shelf[0].pk}/similar/")
    assert alone.status_code == 429
    assert [post(shelf_).status_code for _ in range(3)] == [200, 200, 429]


def test_permissions_and_the_user_are_those_of_the_request(shelf, settings):
    path = f"products/{shelf[0].pk}/similar/?explain=true"
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    [answer] = post(part(path), client=client).json()["responses"]
    assert answer["body"]["plans"][0]["because"], "for the staff only"
    [answer] = post(part(path)).json()["responses"]
    assert "because" not in answer["body"]["plans"][0]
    staff = ["rest_framework.permissions.IsAdminUser"]
    settings.SIMILARITY = with_settings(API={"PERMISSION_CLASSES": staff})
    assert post(part(path)).status_code == 403
    assert statuses(post(part(path), client=client)) == [200]


def test_what_begins_too_late_is_not_asked(shelf, monkeypatch):
    monkeypatch.setattr(batch, "TIMEOUT_S", -1)
    answer = post(part("search/?q=a"))
    assert statuses(answer) == [503]
    assert answer.json()["responses"][0]["body"]["error"]["code"] == "unavailable"


def test_headers_of_the_batch_are_not_those_of_its_parts(shelf):
    path = f"products/{shelf[0].pk}/similar/"
    tag = APIClient().get(API + path)["ETag"]
    answer = post(part(path), headers={"if-none-match": tag})
    assert statuses(answer) == [200]
    assert answer["Cache-Control"] == "no-store"


def test_deep_nesting_is_no_server_error(shelf):
    deep = "[" * 900 + "]" * 900
    body = f'{{"requests": [{{"id": "a", "path": "search/", "body": {{"a": {deep}}}}}]}}'
    answer = APIClient().post(f"{API}batch/", body, content_type="application/json")
    assert answer.status_code in (200, 400)
    assert json.loads(answer.content)


@pytest.mark.django_db(transaction=True)
def test_a_batch_is_answered_under_asgi(shelf):
    body = {"requests": [part(f"products/{shelf[0].pk}/similar/?limit=2"), part("suggest/?q=a")]}

    async def ask():
        return await AsyncClient().post(f"{API}batch/", body, content_type="application/json")

    assert statuses(async_to_sync(ask)()) == [200, 200]
