import io

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from similarity.exceptions import ImageRejected
from similarity.search import picture
from similarity.search.api import uploads
from similarity.search.page import SearchPage
from tests.api.conftest import HIT
from tests.configure import with_settings

pytestmark = pytest.mark.django_db

ADDRESS = "/api/similarity/v1/search/image/"


def upload(data=None, name="photo.jpg"):
    if data is None:
        buffer = io.BytesIO()
        Image.new("RGB", (40, 30), "navy").save(buffer, "JPEG")
        data = buffer.getvalue()
    return SimpleUploadedFile(name, data)


def post(client, **fields):
    return client.post(ADDRESS, {"image": upload(), **fields})


def refused(answer, status, parameter=None):
    assert answer.status_code == status, answer.content
    error = answer.json()["error"]
    assert error["parameter"] == parameter
    return error["message"]


@pytest.fixture
def looked_at(monkeypatch):
    """The pictures a worker was asked about; it answers with the shelf's first direction."""
    seen = []

    def answer(data, *, timeout_ms):
        seen.append(data)
        return np.array([1, 0], np.float32)

    monkeypatch.setattr(picture, "picture_vector", answer)
    return seen


def test_most_alike_first_with_the_documented_keys(client, shelf, version, looked_at):
    answer = post(client, limit="3")
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert set(body) == {"version", "results"}
    assert body["version"] == version.pk
    assert [one["id"] for one in body["results"]] == [product.pk for product in shelf[:3]]
    assert set(body["results"][0]) == HIT
    assert answer["Cache-Control"] == "no-store"
    assert looked_at == [upload().read()]


def test_filters_come_with_the_form(client, shelf, at_angle, looked_at):
    cheap = at_angle(80, price=5, brand="Halden")
    results = post(client, max_price="6", brand="Halden").json()["results"]
    assert [one["id"] for one in results] == [cheap.pk]


def test_words_are_searched_among_what_looks_alike(client, shelf, looked_at, monkeypatch):
    asked = []

    def search(text, limit, *, within, hybrid):
        asked.append((text, within.count(), hybrid))
        return SearchPage(hits=[], total=0)

    monkeypatch.setattr(picture, "search", search)
    post(client, q="  navy ")
    assert asked[0] == ("navy", 12, False)


@pytest.mark.parametrize(
    ("fields", "parameter"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "1e2"}, "limit"),
        ({"limit": "٣"}, "limit"),
        ({"q": "x" * 201}, "q"),
        ({"q": "a\0b"}, "q"),
        ({"colur": "navy"}, "colur"),
        ({"min_price": "cheap"}, "min_price"),
        ({"in_stock": "perhaps"}, "in_stock"),
        ({"image": "text"}, "image"),
        ({"image": upload(b"<svg/>", "photo.jpg")}, "image"),
        ({"image": upload(b"")}, "image"),
        ({"image": [upload(), upload()]}, "image"),
        ({"other": upload()}, "other"),
        ({"limit": upload(), "image": "text"}, "image"),
        ({"q": upload(), "image": "text"}, "image"),
    ],
)
def test_a_field_that_cannot_be_served_is_named(client, shelf, looked_at, fields, parameter):
    refused(post(client, **fields), 400, parameter)
    assert looked_at == []


def test_a_picture_that_a_worker_cannot_decode_is_the_clients_fault(client, monkeypatch):
    def refuse(data, *, timeout_ms):
        raise ImageRejected("The image cannot be decoded.")

    monkeypatch.setattr(picture, "picture_vector", refuse)
    assert "cannot be decoded" in refused(post(client), 400, "image")


def test_without_a_worker_the_client_is_told_when_to_come_back(client, shelf, monkeypatch):
    monkeypatch.setattr(picture, "picture_vector", lambda data, *, timeout_ms: None)
    answer = post(client)
    assert "try again soon" in refused(answer, 503)
    assert int(answer["Retry-After"]) > 0


def test_an_upload_that_is_too_large_is_not_read(client, settings, looked_at, monkeypatch):
    monkeypatch.setattr("similarity.catalog.picture_header.QUERY_MAX_BYTES", 1000)
    monkeypatch.setattr(uploads, "FORM_BYTES", 200)
    monkeypatch.setattr(
        "django.http.multipartparser.MultiPartParser.parse", lambda self: pytest.fail("was read")
    )
    assert "1000 bytes" in refused(post(client, image=upload(b"x" * 2000)), 413)


def test_no_upload_is_written_to_disk(client, shelf, looked_at, settings, monkeypatch):
    """Django writes an upload above this size into the folder of temporary files."""
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 10
    monkeypatch.setattr(
        "django.core.files.uploadedfile.TemporaryUploadedFile.__init__",
        lambda *args, **kwargs: pytest.fail("an upload went to disk"),
    )
    assert post(client).status_code == 200


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("application/x-www-form-urlencoded", b"image=a", 415),
        ("multipart/form-data", b"no boundary", 400),
        ("multipart/form-data; boundary=x", b"--x\r\nbroken", 400),
        ("multipart/form-data; boundary=x; charset=base64", b"--x\r\n" + b"a" * 40, 400),
        ("multipart/form-data; boundary=x", b"", 400),
    ],
)
def test_what_is_no_form_with_a_picture(client, content_type, body, status):
    answer = client.generic("POST", ADDRESS, body, content_type)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"code", "message", "parameter"}


@pytest.mark.parametrize("charset", ["base64", "utf-16", "rot13", "none-such"])
def test_a_strange_charset_is_no_server_error(client, shelf, looked_at, charset):
    body = (
        b'--x\r\nContent-Disposition: form-data; name="q"\r\n\r\nnavy\r\n'
        b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        b"GIF8\r\n--x--\r\n"
    )
    content_type = f"multipart/form-data; boundary=x; charset={charset}"
    assert client.generic("POST", ADDRESS, body, content_type).status_code == 400


def test_too_many_fields_are_the_clients_fault(client, settings, looked_at):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 3
    refused(post(client, a="1", b="2", c="3", d="4"), 400)
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    refused(post(client, q="x" * 100), 400)


def test_parameters_belong_in_the_form(client, looked_at):
    answer = client.post(f"{ADDRESS}?limit=3", {"image": upload()})
    assert "field of the form" in refused(answer, 400, "limit")


def test_its_own_throttle(client, shelf, looked_at, settings):
    settings.SIMILARITY = with_settings(API={"PICTURE_THROTTLE": "2/min", "THROTTLE": "1/min"})
    assert [post(client).status_code for _ in range(3)] == [200, 200, 429]
    assert client.get(reverse("similarity:similar", args=[shelf[0].pk])).status_code == 200


def test_permissions_are_those_of_the_settings(client, shelf, settings):
    settings.SIMILARITY = with_settings(
        API={"PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"]}
    )
    refused(post(client), 403)


def test_a_session_is_of_no_use_to_other_sites(shelf, looked_at, django_user_model):
    client = Client(enforce_csrf_checks=True)
    client.force_login(django_user_model.objects.create_user("shopper"))
    assert "CSRF" in refused(post(client), 403)


def test_get_is_not_a_search(client, db):
    refused(client.get(ADDRESS), 405)
