"""Errors of the API, all of one shape: ``{"error": {"code", "message", "parameter"}}``."""

import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DataError, InterfaceError, OperationalError, ProgrammingError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from similarity.exceptions import QueryError

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 5

#: The most characters of a value that an error repeats.
SHOWN = 100

MISSING = object()

#: The remedy for each refusal code of REST framework; our own fields name theirs themselves.
REMEDIES = {
    "required": "give it",
    "null": "give a value, or leave it out",
    "blank": "give a text that is not blank",
    "empty": "give at least one",
    "not_a_list": "give a list",
}

#: How PostgreSQL names a table that migrations have yet to make.
_OUR_TABLE = 'relation "similarity_'


class BadParameter(exceptions.APIException):
    """A query parameter that is unknown or cannot be served."""

    status_code = 400
    default_code = "bad_parameter"

    def __init__(self, message: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the response to an error; None for an unexpected error, which is a bug."""
    if isinstance(error, QueryError):
        error = BadParameter(str(error), getattr(error, "parameter", None))
    missing_table = isinstance(error, ProgrammingError) and _OUR_TABLE in str(error)
    if missing_table or isinstance(error, OperationalError | InterfaceError):
        logger.error("The database cannot answer %s: %s", context["request"].path, error)
        set_rollback()
        if missing_table:
            logger.error("A table of the plugin is missing; run manage.py migrate.")
        because = "The service is being set up" if missing_table else "The database does not answer"
        return unavailable(f"{because}; try again soon.")
    if isinstance(error, DataError):
        logger.warning("The database refuses a value of %s: %s", context["request"].path, error)
        set_rollback()
        error = BadParameter("A value is outside what the database can compare; give another.")
    response = exception_handler(error, context)
    if response is not None:
        response.data = body_of(_code(error), _message(error), getattr(error, "parameter", None))
        response["Cache-Control"] = "no-store"
    return response


def unavailable(message: str) -> Response:
    headers = {"Retry-After": str(RETRY_AFTER_S), "Cache-Control": "no-store"}
    return Response(body_of("unavailable", message), status=503, headers=headers)


def body_of(code: str, message: str, parameter: str | None = None) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "parameter": parameter}}


def bad_parameter(error: ValidationError, data: Any) -> BadParameter:
    """Return the first fault that a serializer found in ``data``, in the API's own shape."""
    path, value, fault = _first_fault(error.detail, data)
    names = [part for part in path if isinstance(part, str)]
    remedy = REMEDIES.get(fault.code, str(fault).rstrip("."))
    if value is MISSING or fault.code == "required":
        found = "is missing"
    elif isinstance(value, list):
        found = f"has {len(value)} entries"
    else:
        found = f"{'is' if path and path[-1:] == tuple(names[-1:]) else 'holds'} {shown(value)}"
    return BadParameter(f"{'.'.join(names)} {found}; {remedy}.", names[0] if names else None)


def shown(value: Any) -> str:
    """Return a value as an error repeats it: safe to send, and short."""
    return ascii(value)[:SHOWN]


def _first_fault(detail: Any, value: Any, path: tuple[Any, ...] = ()) -> tuple[Any, Any, Any]:
    if isinstance(detail, ErrorDetail):
        return path, value, detail
    if not isinstance(detail, Mapping):
        if isinstance(detail[0], ErrorDetail):
            return path, value, detail[0]
        detail = dict(enumerate(detail))  # of a list of serializers: {} marks no fault
    at, inner = next((at, inner) for at, inner in detail.items() if inner)
    if isinstance(value, str):  # a single value stands for a list of it
        return _first_fault(inner, value, (*path, at))
    try:
        part = value[at]
    except (LookupError, TypeError):
        part = MISSING
    return _first_fault(inner, part, (*path, at))


def _code(error: Exception) -> str:
    if isinstance(error, Http404):
        return "not_found"
    if isinstance(error, PermissionDenied):
        return "permission_denied"
    return str(getattr(error, "default_code", "error"))


def _message(error: Exception) -> str:
    if isinstance(error, exceptions.APIException):
        return str(error.detail)
    return str(error) or "Not found."
