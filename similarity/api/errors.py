"""Errors of the API, all of one shape: ``{"error": {"code", "message", "parameter"}}``."""

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DataError, InterfaceError, OperationalError, ProgrammingError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from similarity.exceptions import QueryError

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 5

#: How PostgreSQL names a table that migrations have yet to make.
_OUR_TABLE = 'relation "similarity_'


class BadParameter(exceptions.APIException):
    """A query parameter that is not known or cannot be served."""

    status_code = 400
    default_code = "bad_parameter"

    def __init__(self, message: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """The response to an error; None for one nobody foresaw, which is a bug and shows as such."""
    if isinstance(error, QueryError):
        error = BadParameter(str(error), getattr(error, "parameter", None))
    if isinstance(error, OperationalError | InterfaceError):
        logger.error("The database does not answer %s: %s", context["request"].path, error)
        set_rollback()
        body = _body("unavailable", "The database does not answer; try again soon.")
        return Response(body, status=503, headers={"Retry-After": str(RETRY_AFTER_S)})
    if isinstance(error, ProgrammingError) and _OUR_TABLE in str(error):
        logger.error("A table of the plugin is missing, run manage.py migrate: %s", error)
        set_rollback()
        body = _body("unavailable", "The service is being set up; try again soon.")
        return Response(body, status=503, headers={"Retry-After": str(RETRY_AFTER_S)})
    if isinstance(error, DataError):
        logger.warning("The database refuses a value of %s: %s", context["request"].path, error)
        set_rollback()
        error = BadParameter("A value is outside what the database can compare; give another.")
    response = exception_handler(error, context)
    if response is None:
        return None
    response.data = _body(_code(error), _message(error), getattr(error, "parameter", None))
    return response


def _body(code: str, message: str, parameter: str | None = None) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "parameter": parameter}}


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
