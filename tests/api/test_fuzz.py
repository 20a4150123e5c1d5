"""Every endpoint against its own OpenAPI: no server error, no answer that is not described.

Schemathesis makes requests from the schema, those it allows and those it forbids: wrong
types, missing fields, malformed bodies, undeclared methods and content types.
``SIMILARITY_FUZZ_EXAMPLES`` sets how many of each (default 25).
"""

import os

import numpy as np
import pytest
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from similarity.search import picture
from tests.configure import with_settings
from tests.host.wsgi import application

EXAMPLES = int(os.environ.get("SIMILARITY_FUZZ_EXAMPLES", "25"))

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

pytestmark = pytest.mark.django_db


DOCUMENT = SchemaGenerator().get_schema(request=None, public=True)
# The path of the document itself is drf-spectacular's own.
schema = schemathesis.openapi.from_dict(DOCUMENT).exclude(path_regex="^/api/schema/")
schema.app = application


@pytest.fixture(autouse=True)
def _unthrottled(settings, monkeypatch, wsgi, shelf):
    """Over a catalogue of twelve products, as many requests as there are examples."""
    unthrottled = {"THROTTLE": None, "PICTURE_THROTTLE": None}
    settings.SIMILARITY = with_settings(API=unthrottled)
    settings.ALLOWED_HOSTS = ["*"]
    # No worker runs here: a picture it was asked about looks like the first product's.
    looked_at = np.array([1, 0], np.float32)
    monkeypatch.setattr(picture, "picture_vector", lambda data, *, timeout_ms: looked_at)


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_every_endpoint_answers_as_its_schema_says(case):
    response = case.call(base_url="http://localhost")
    ready = case.operation.path.endswith("/health/ready")  # 503 is what it is there to say
    case.validate_response(response, checks=CHECKS[1:] if ready else CHECKS)


#: (content type, body) that no endpoint takes, or takes only by chance.
BODIES = [
    ("application/json", b""),
    ("application/json", b"{"),
    ("application/json", b"[]"),
    ("application/json", b"null"),
    ("application/json", b"1e999"),
    ("application/json", b'"text"'),
    ("application/json", b"\xff\xfe\x00"),
    ("application/json", b'{"query": "\\u0000", "results": ["\\u0000"], "products": ["\\u0000"]}'),
    ("application/json", b'{"query": "\\ud800", "results": ["\\ud800"], "liked": ["\\ud800"]}'),
    ("application/json", b'{"products": [1e400], "liked": [NaN], "results": [-Infinity]}'),
    ("application/json", b'{"products": [99999999999999999999999], "liked": [true]}'),
    ("application/json", b'{"products": {"a": 1}, "liked": {"a": 1}, "results": "abc"}'),
    ("application/json", b'{"limit": -1, "products": [1], "liked": [1], "query": "a"}'),
    ("application/json", b"[" * 5000 + b"]" * 5000),
    ("application/json", b'{"products": [' + b"1," * 20_000 + b"1]}"),
    ("application/json", b'{"query": "' + b"a" * 100_000 + b'", "results": [1]}'),
    ("application/x-www-form-urlencoded", b"products=1&query=a"),
    ("multipart/form-data", b"no boundary"),
    ("multipart/form-data; boundary=x", b"--x\r\nbroken"),
    ("text/plain", b"hello"),
    ("application/xml", b"<a/>"),
    ("nonsense", b"\x00"),
]
POSTED = sorted(path for path, item in DOCUMENT["paths"].items() if "post" in item)


@pytest.mark.parametrize("path", POSTED)
def test_bodies_that_are_no_request_are_refused_as_described(client, path):
    """What a fuzzer seldom finds: broken JSON, deep nesting, NUL, lone surrogates, huge lists."""
    described = DOCUMENT["paths"][path]["post"]["responses"]
    for content_type, body in BODIES:
        answer = client.post(path, body, content_type=content_type)
        shown = f"{content_type} {body[:60]!r} → {answer.status_code} {answer.content[:200]!r}"
        assert str(answer.status_code) in described, shown
        assert answer.status_code < 500, shown
        if answer.status_code >= 400:
            assert set(answer.json()["error"]) == {"code", "message", "parameter"}, shown
