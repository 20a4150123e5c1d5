"""Checks of ``SIMILARITY_PRODUCT_MODEL`` and of the keys and values of ``SIMILARITY``."""

import difflib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error

from similarity import conf
from similarity.connections.clients import THROTTLE_SCOPES
from similarity.encoders.fusion import UNREDUCED
from similarity.exceptions import ConfigurationError

#: Rows of half precision over about 2 kB leave the page and scan four times slower.
MAX_FUSED_DIMENSION = 512

#: Names that a hint lists at most.
MOST_NAMED = 20

THROTTLE_RATE = re.compile(r"[1-9]\d*/(s|sec|second|m|min|minute|h|hour|d|day)s?")
ADDRESS = re.compile(r"\S+:\d{1,5}")
DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """The product model's name, then the dict, then each of its keys."""
    messages: list[CheckMessage] = []
    try:
        conf.product_model()
    except ConfigurationError as error:
        messages.append(_model_error(error))
    configured = getattr(settings, "SIMILARITY", {})
    if not isinstance(configured, Mapping):
        return [
            *messages,
            Error(
                f"SIMILARITY is {configured!r}, which is no dict.",
                hint="Set SIMILARITY = {...}, or leave it out to take every default.",
                id="similarity.E003",
            ),
        ]
    for key, value in configured.items():
        messages += _check_key(key, value)
    return messages + (_check_sums(configured) if not messages else [])


def _model_error(error: ConfigurationError) -> Error:
    label = getattr(settings, "SIMILARITY_PRODUCT_MODEL", None)
    if not isinstance(label, str) or label.count(".") != 1:
        return Error(
            f"SIMILARITY_PRODUCT_MODEL is {label!r}, which names no model.",
            hint="Set it to 'app_label.ModelName', for example 'shop.Product'.",
            id="similarity.E001",
        )
    name = label.rsplit(".", 1)[1].lower()
    same = [model._meta.label for model in apps.get_models() if model._meta.model_name == name]
    hint = "Compare it with the model's app label, and its app with INSTALLED_APPS."
    return Error(
        str(error),
        hint=f"Did you mean {' or '.join(map(repr, same))}?" if same else hint,
        id="similarity.E002",
    )


def _check_key(key: Any, value: Any) -> list[CheckMessage]:
    if key not in conf.DEFAULTS:
        return [
            Error(
                f"SIMILARITY has the unknown key {key!r}.",
                hint=did_you_mean(key, list(conf.DEFAULTS)),
                id="similarity.E004",
            )
        ]
    wanted, holds = RULES[key]
    if holds(value):
        return []
    return [
        Error(
            f"SIMILARITY[{key!r}] is {value!r}.",
            hint=f"It must be {wanted}; the default is {conf.DEFAULTS[key]!r}.",
            id="similarity.E005",
        )
    ]


def _check_sums(configured: Mapping[str, Any]) -> list[CheckMessage]:
    """The parts together, once each value is known to be of the right kind."""
    messages: list[CheckMessage] = []
    parts = [part for part, entry in conf.get("ENCODERS").items() if entry is not None]
    weights, dimensions = conf.get("WEIGHTS"), conf.get("DIMENSIONS")
    kept_whole = {"DIMENSIONS": UNREDUCED}
    for key, values in (("WEIGHTS", weights), ("DIMENSIONS", dimensions)):
        lacking = [p for p in parts if not values.get(p) and p not in kept_whole.get(key, ())]
        if lacking:
            messages.append(
                Error(
                    f"SIMILARITY[{key!r}] has no number above 0 for {', '.join(lacking)}, and "
                    "SIMILARITY['ENCODERS'] has an encoder for it.",
                    hint=f"Add {lacking[0]!r} to it, or set that encoder to None.",
                    id="similarity.E006",
                )
            )
    total = sum(dimensions.get(part, 0) for part in parts)
    if total > MAX_FUSED_DIMENSION:
        messages.append(
            Error(
                f"SIMILARITY['DIMENSIONS'] adds up to {total} over {', '.join(parts)}; "
                f"a fused vector has {MAX_FUSED_DIMENSION} dimensions at most.",
                hint="Lower one of them, or set its part to None in SIMILARITY['ENCODERS'].",
                id="similarity.E007",
            )
        )
    for key in ("WEIGHTS", "DIMENSIONS"):
        for part in set(configured.get(key, {})) - set(conf.get("ENCODERS")):
            messages.append(
                Error(
                    f"SIMILARITY[{key!r}] names the part {part!r}, which has no encoder.",
                    hint=did_you_mean(part, list(conf.get("ENCODERS"))),
                    id="similarity.E008",
                )
            )
    return messages


def did_you_mean(name: Any, known: Sequence[str]) -> str:
    """A hint that names the nearest known name, or the first of them."""
    near = difflib.get_close_matches(str(name), known, n=1)
    if not near:  # capitals apart, "device" has nothing in common with "DEVICE"
        near = [key for key in known if key.lower() == str(name).lower()]
    if near:
        return f"Did you mean {near[0]!r}?"
    more = f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else ""
    return f"Known are {', '.join(known[:MOST_NAMED])}{more}."


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_positive(value: Any) -> bool:
    return _is_number(value) and value > 0


def _is_whole(value: Any) -> bool:
    return _is_positive(value) and isinstance(value, int)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_dict_of(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        return isinstance(value, Mapping) and all(
            _is_text(key) and holds(item) for key, item in value.items()
        )

    return check


def _is_encoder(value: Any) -> bool:
    return value is None or (
        isinstance(value, Mapping)
        and set(value) <= {"CLASS", "OPTIONS"}
        and _is_text(value.get("CLASS"))
        and isinstance(value.get("OPTIONS", {}), Mapping)
    )


def _is_list_of_text(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(_is_text(item) for item in value)


WHOLE = ("a whole number above 0", _is_whole)
SECONDS = ("a number of seconds above 0", _is_positive)
SHARE = ("a number from 0 to 1", lambda value: _is_number(value) and 0 <= value <= 1)
RATE = (
    "a rate such as '120/min', or None",
    lambda value: (
        value is None or (isinstance(value, str) and bool(THROTTLE_RATE.fullmatch(value)))
    ),
)

THROTTLES = (
    "a rate such as '120/min', None, or a dict of some of "
    f"{', '.join(map(repr, THROTTLE_SCOPES))} → such a rate",
    lambda value: (
        RATE[1](value)
        if not isinstance(value, Mapping)
        else set(value) <= set(THROTTLE_SCOPES) and all(map(RATE[1], value.values()))
    ),
)

#: key → (what it must be, whether a value is that); the parts' own checks look closer.
RULES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "CATALOG": (
        "a dict that maps fields, or the dotted path of an adapter",
        lambda value: isinstance(value, Mapping) or _is_text(value),
    ),
    "ENCODERS": (
        "a dict of part → {'CLASS': dotted path, 'OPTIONS': dict} or None",
        _is_dict_of(_is_encoder),
    ),
    "WEIGHTS": (
        "a dict of part → number, 0 or above",
        _is_dict_of(lambda value: _is_number(value) and value >= 0),
    ),
    "DIMENSIONS": ("a dict of part → whole number above 0", _is_dict_of(_is_whole)),
    "DEVICE": (
        "'auto', 'cpu', 'mps', 'cuda' or 'cuda:N'",
        lambda value: isinstance(value, str) and bool(DEVICE.fullmatch(value)),
    ),
    "RUNTIME": (
        "'auto', 'torch', 'openvino' or 'onnxruntime'",
        lambda value: value in ("auto", "torch", "openvino", "onnxruntime"),
    ),
    "RUNTIME_DIR": ("None or the path of a folder", lambda value: value is None or _is_text(value)),
    "TOKEN_BUDGET": WHOLE,
    "IMAGE_BATCH": WHOLE,
    "IMAGE_MAX_BYTES": WHOLE,
    "IMAGE_MAX_PIXELS": WHOLE,
    "IMAGES_PER_PRODUCT": WHOLE,
    "IMAGE_DOMAINS": ("a list of domains such as 'cdn.example.com'", _is_list_of_text),
    "IMAGE_FETCH_TIMEOUT_S": SECONDS,
    "CAPTURE": (
        "'signals', 'triggers' or None",
        lambda value: value in ("signals", "triggers", None),
    ),
    "QUEUE": ("the name of a Celery queue", _is_text),
    "BATCH_SIZE": WHOLE,
    "LEASE_S": SECONDS,
    "MAX_ATTEMPTS": WHOLE,
    "MAX_KILLS": WHOLE,
    "BACKOFF_S": SECONDS,
    "BACKOFF_MAX_S": SECONDS,
    "RECONCILE_RATE": ("a number of products above 0", _is_positive),
    "RECONCILE_EVERY_H": ("a number of hours above 0", _is_positive),
    "RECONCILE_BACKLOG": WHOLE,
    "EXACT_LIMIT": (
        "a whole number, 0 or above",
        lambda value: value == 0 or _is_whole(value),
    ),
    "SHELF_FILL": ("True or False", lambda value: isinstance(value, bool)),
    "CACHE": ("an alias in CACHES", _is_text),
    "CACHE_TIMEOUT_S": (
        "a number of seconds, 0 or above",
        lambda value: _is_number(value) and value >= 0,
    ),
    "MAX_LIMIT": WHOLE,
    "API_PERMISSION_CLASSES": ("a list of dotted paths", _is_list_of_text),
    "API_THROTTLE": THROTTLES,
    "API_IMAGE_THROTTLE": RATE,
    "IMAGE_QUERY_MAX_BYTES": WHOLE,
    "IMAGE_QUERY_TIMEOUT_MS": WHOLE,
    "API_FILTERS": (
        "a dict of query parameter → ORM lookup, or None",
        lambda value: value is None or _is_dict_of(_is_text)(value),
    ),
    "PROMOTE_MIN_COVERAGE": SHARE,
    "PROMOTE_MAX_CATEGORY_LOSS": SHARE,
    "PROMOTE_MAX_VARIANT_LOSS": SHARE,
    "PROMOTE_MAX_COPURCHASE_LOSS": SHARE,
    "PROMOTE_WARN_OVERLAP": SHARE,
    "READY_MAX_LAG_S": SECONDS,
    "METRICS_TOKEN": (
        "a text of 16 characters or more, or None",
        lambda value: value is None or (isinstance(value, str) and len(value) >= 16),
    ),
    "METRICS_ADDRESS": (
        "'host:port', such as '127.0.0.1:9464', or None",
        lambda value: value is None or bool(ADDRESS.fullmatch(str(value))),
    ),
    "ORDERS": (
        "a dict that maps fields, the dotted path of an adapter, or None",
        lambda value: value is None or isinstance(value, Mapping) or _is_text(value),
    ),
    "CELLS_FROM": (
        "a whole number above 0, or None",
        lambda value: value is None or _is_whole(value),
    ),
    "ORDERS_WINDOW_DAYS": WHOLE,
    "HALF_LIFE_DAYS": ("a number of days above 0", _is_positive),
    "MIN_SHOPPERS": WHOLE,
    "MAX_BASKET": WHOLE,
    "PARTNERS": WHOLE,
    "COPURCHASE_ENGINE": ("the dotted path of an engine", _is_text),
    "COPURCHASE_MEMORY_MB": WHOLE,
    "SPARK": ("a dict of text → text", _is_dict_of(_is_text)),
    "SPARK_JDBC_DRIVER": ("the path of a jar", _is_text),
    "SUBSTITUTE_SIMILARITY": (
        "a cosine from 0 to 1",
        lambda value: _is_number(value) and 0 <= value <= 1,
    ),
    "BUNDLE_PROPOSALS": (
        "a whole number, 0 or above",
        lambda value: value == 0 or _is_whole(value),
    ),
    "BUNDLE_BASKETS": WHOLE,
    "BUNDLE_MIN_SUPPORT": (
        "a share above 0 and at most 1",
        lambda value: _is_number(value) and 0 < value <= 1,
    ),
    "BUNDLE_MIN_LIFT": (
        "a number, 1 or above",
        lambda value: _is_number(value) and value >= 1,
    ),
    "BUNDLE_MAX_SIMILARITY": (
        "a cosine from 0 to 1",
        lambda value: _is_number(value) and 0 <= value <= 1,
    ),
    "BUNDLE_DISCOUNT_PERCENT": (
        "a number of percent from 0 to below 100",
        lambda value: _is_number(value) and 0 <= value < 100,
    ),
    "SEARCH_CONFIG": ("the name of a text search configuration", _is_text),
    "QUERY_QUEUE": ("the name of a Celery queue", _is_text),
    "IMAGE_QUERY_QUEUE": ("the name of a Celery queue", _is_text),
    "IMAGE_QUERY_MAX_PIXELS": WHOLE,
    "IMAGE_QUERY_WAITING": WHOLE,
    "QUERY_TIMEOUT_MS": WHOLE,
    "QUERY_IN_PROCESS": ("True or False", lambda value: isinstance(value, bool)),
    "QUERY_MIN_ASKED": WHOLE,
    "HOT_QUERIES": WHOLE,
    "RERANK_BUDGET_MS": WHOLE,
    "SEARCH_BUDGET_MS": (
        "a whole number above 0, or None",
        lambda value: value is None or _is_whole(value),
    ),
    "RERANK_LIMIT": WHOLE,
    "CROSS_ENCODER": (
        "the folder or package of a model, or None",
        lambda value: value is None or _is_text(value),
    ),
}
