"""``POST batch/``: the requests of several widgets of one screen, in one request."""

import io
import json
import logging
import time
from contextlib import ExitStack
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.handlers.wsgi import WSGIRequest
from django.db import connections, transaction
from django.urls import Resolver404, resolve
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from similarity.api.base import SimilarityView, unstored_answer
from similarity.api.errors import body_of, unavailable
from similarity.api.fields import TextField
from similarity.api.schema import HIT, answered, asked, document
from similarity.api.serializers import RequestSerializer
from similarity.logs import log_error

logger = logging.getLogger(__name__)

MAX_REQUESTS = 10

#: Requests that would start later than this are not answered.
TIMEOUT_S = 5.0

#: Headers that belong to the batch and not to its parts.
_OF_THE_BATCH = ("CONTENT_", "HTTP_IF_", "HTTP_RANGE", "SCRIPT_URL", "REDIRECT_URL")
_READ_OF_THE_BATCH = ("_body", "_post", "_files")


class PartSerializer(RequestSerializer):
    id = TextField(max_length=100, help_text="Returned with the answer.")
    path = TextField(
        max_length=4000,
        help_text="Below the API's own, with its query string: `products/17/similar/?limit=8`.",
    )
    body = serializers.DictField(
        required=False, help_text="Body of a POST; without it the request is a GET."
    )


class BatchRequestSerializer(RequestSerializer):
    requests = serializers.ListField(
        child=PartSerializer(), allow_empty=False, max_length=MAX_REQUESTS
    )


class PartAnswerSerializer(serializers.Serializer):
    id = serializers.CharField()
    status = serializers.IntegerField(help_text="The same as for the request by itself.")
    body = serializers.DictField(
        help_text="The same as for the request by itself, also for errors."
    )


class BatchSerializer(serializers.Serializer):
    responses = PartAnswerSerializer(many=True, help_text="In the order of the requests.")


PARTS = [
    {"id": "shelf", "path": "products/17/similar/?limit=8"},
    {"id": "cart", "path": "cart/bought-together/", "body": {"products": [17]}},
]
BODY = {"version": 3, "tier": "fused", "results": [HIT], "next": None}


class BatchView(SimilarityView):
    """Several requests of this API in one; each is answered, refused and counted by itself."""

    throttle_scope = "batch"
    http_method_names = ["post", "options"]

    @document(
        "batch",
        BatchSerializer,
        body=BatchRequestSerializer,
        examples=[
            asked("A product's page", {"requests": PARTS}),
            answered("One answer", {"responses": [{"id": "shelf", "status": 200, "body": BODY}]}),
        ],
    )
    def post(self, request: Request) -> Response:
        parts = BatchRequestSerializer.read(request.data)["requests"]
        ends_at = time.monotonic() + TIMEOUT_S
        answers = [
            _answer(request, part)
            if time.monotonic() < ends_at
            else unavailable("The time of the batch is up; send the missing requests again.")
            for part in parts
        ]
        return unstored_answer(
            {
                "responses": [
                    {"id": part["id"], "status": answer.status_code, "body": answer.data}
                    for part, answer in zip(parts, answers, strict=True)
                ]
            }
        )


def _answer(request: Request, part: dict[str, Any]) -> Any:
    """Return the answer of the view itself; an error stays with this part."""
    try:
        address = urlsplit(part["path"])
        path = unquote(address.path)
        match = resolve(f"/{path}", "similarity.api.urls")
        view = getattr(match.func, "view_class", None)
        if view is None or not issubclass(view, SimilarityView) or not view.in_batch:
            raise Resolver404(path)
        asked_alone = _request_of(request, part, path, address.query)
    except (Resolver404, ValueError, RecursionError):
        message = "A batch cannot ask for this path; ask for it by itself, or see the OpenAPI."
        return Response(body_of("not_found", message, "path"), status=404)
    try:
        # A part rolls back only its own work, even if the host wraps each request in a transaction.
        with ExitStack() as parts_own:
            for connection in connections.all(initialized_only=True):
                if connection.in_atomic_block:
                    parts_own.enter_context(transaction.atomic(using=connection.alias))
            return match.func(asked_alone, *match.args, **match.kwargs)
    except Exception as error:  # noqa: BLE001 - the other parts must still be answered
        log_error(logger, error, "A part of a batch failed: %s", ascii(part["path"]))
        return Response(body_of("error", "This request failed; see the log."), status=500)


def _request_of(request: Request, part: dict[str, Any], path: str, query: str) -> WSGIRequest:
    """Return the request that the client would have made; middleware has already seen it."""
    whole = request._request
    body = json.dumps(part["body"]).encode() if "body" in part else b""
    prefix = whole.path_info[: -len("batch/")]
    headers = {
        name: value for name, value in whole.META.items() if not name.startswith(_OF_THE_BATCH)
    }
    alone = WSGIRequest(
        {
            **headers,
            "REQUEST_METHOD": "POST" if "body" in part else "GET",
            "PATH_INFO": f"{prefix}{path}".encode().decode("latin-1"),
            "QUERY_STRING": query.encode().decode("latin-1"),
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_ACCEPT": "application/json",
            "wsgi.input": io.BytesIO(body),
            "wsgi.url_scheme": whole.scheme,
        }
    )
    # The user, the session, and other attributes that the host's middleware set.
    for name, value in vars(whole).items():
        if name not in _READ_OF_THE_BATCH and not hasattr(WSGIRequest, name):
            vars(alone).setdefault(name, value)
    return alone
