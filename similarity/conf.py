"""The plugin's settings: ``SIMILARITY_PRODUCT_MODEL`` and the ``SIMILARITY`` dict.

Every default stands here. Settings are read when used, never at import, and dotted
paths are resolved on first use. ``similarity.checks`` reports keys that are not known.
"""

import copy
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.signals import setting_changed
from django.db.models import Model
from django.utils.module_loading import import_string

from similarity.exceptions import ConfigurationError

DEFAULTS: dict[str, Any] = {
    # A dict maps the product model's fields; a string is the dotted path of an adapter.
    # See similarity.catalog.mapping.FieldMappingAdapter for the keys of the dict.
    "CATALOG": {},
    # part → {"CLASS": dotted path, "OPTIONS": keyword arguments}; None leaves a part out.
    "ENCODERS": {
        "text": {"CLASS": "similarity.encoders.text.TransformerTextEncoder", "OPTIONS": {}},
        "image": {"CLASS": "similarity.encoders.image.VisionEncoder", "OPTIONS": {}},
        "colour": {"CLASS": "similarity.encoders.colour.ColourEncoder", "OPTIONS": {}},
        "attributes": {
            "CLASS": "similarity.encoders.attributes.AttributeEncoder",
            "OPTIONS": {},
        },
    },
    # part → share of the fused vector's squared length;
    # chosen by `manage.py similarity evaluate --tune`.
    "WEIGHTS": {"text": 0.45, "image": 0.35, "colour": 0.10, "attributes": 0.10},
    # part → length it is reduced to inside the fused vector; together 512 at most.
    "DIMENSIONS": {"text": 128, "image": 128, "colour": 64, "attributes": 96},
    "DEVICE": "auto",  # auto, cuda, cuda:0, mps, cpu
    # Of the networks on a CPU: "auto" tries which one is fastest here; torch, openvino,
    # onnxruntime.
    "RUNTIME": "auto",
    "RUNTIME_DIR": None,  # where exported networks are kept; None: the cache of the user
    "TOKEN_BUDGET": 8192,  # padded tokens a text batch holds at most; 512 on a CPU
    "IMAGE_BATCH": 32,
    "IMAGE_MAX_BYTES": 20 * 1024 * 1024,
    "IMAGE_MAX_PIXELS": 40_000_000,
    "IMAGES_PER_PRODUCT": 4,
    # Domains that photos named by an address are fetched from: "cdn.example.com",
    # "*.example.com", "http://photos.example.com:8080". None are, by default.
    "IMAGE_DOMAINS": [],
    "IMAGE_FETCH_TIMEOUT_S": 10,  # for one photo in all, redirects included
    # "signals" of Django, or "triggers" in the database, which also see bulk changes and raw SQL.
    # None follows nothing, for a host's tests.
    "CAPTURE": "signals",
    "QUEUE": "similarity",  # name "similarity.gpu" here to send the work to GPU workers
    "BATCH_SIZE": 64,  # products a worker claims at once
    "LEASE_S": 300,
    "MAX_KILLS": 3,  # workers that may die of a product before it is given up
    "MAX_ATTEMPTS": 8,
    "BACKOFF_S": 10,  # doubled at each attempt, with jitter
    "BACKOFF_MAX_S": 3600,
    "RECONCILE_RATE": 500,  # products compared a second at most
    "RECONCILE_EVERY_H": 24,  # hours from the end of one round through the catalogue to the next
    "RECONCILE_BACKLOG": 5000,  # it waits while more products than this are due
    "EXACT_LIMIT": 20_000,  # a filter that leaves this many rows or fewer is scanned exactly
    # Vectors from which on a version is kept in cells as well; None never makes them.
    "CELLS_FROM": 20_000,
    # True: a shelf is filled up to its limit with whatever the shop has, best sellers and
    # newest last; False: it stops before products that are not similar.
    "SHELF_FILL": False,
    "CACHE": "default",  # alias in CACHES
    "CACHE_TIMEOUT_S": 300,
    "MAX_LIMIT": 100,  # most hits one call returns
    "API_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "API_THROTTLE": "120/min",  # per client; None switches throttling off
    "API_IMAGE_THROTTLE": "20/min",  # searches by picture per client; None switches it off
    "IMAGE_QUERY_MAX_BYTES": 5 * 1024 * 1024,  # of a picture that is searched by
    "IMAGE_QUERY_MAX_PIXELS": 25_000_000,  # phones take 24 million
    "IMAGE_QUERY_TIMEOUT_MS": 4000,  # longest such a search waits for a worker
    "IMAGE_QUERY_QUEUE": "similarity.pictures",  # of pictures that shoppers search by
    "IMAGE_QUERY_WAITING": 2,  # threads of a web process that wait for one at once
    # name of a query parameter → ORM lookup on the product model; None derives it from CATALOG.
    "API_FILTERS": None,
    # What a new version must show before it may be promoted: shares (0-1), see docs/versions.md.
    "PROMOTE_MIN_COVERAGE": 0.95,  # eligible products with vectors
    "PROMOTE_MAX_CATEGORY_LOSS": 0.05,  # less neighbours of the same category than live
    "PROMOTE_MAX_VARIANT_LOSS": 0.1,  # less variants among the nearest than live
    "PROMOTE_MAX_COPURCHASE_LOSS": 0.05,  # less products near what they are bought with
    "PROMOTE_WARN_OVERLAP": 0.2,  # fewer neighbours shared with live are pointed out
    "READY_MAX_LAG_S": 900,  # /health/ready fails when the outbox is older than this
    "METRICS_TOKEN": None,  # text that Prometheus sends as "Authorization: Bearer …"
    "METRICS_ADDRESS": None,  # "host:port" at which a worker serves its own metrics
    # A dict maps the order model's fields; a string is the dotted path of an adapter; None
    # says that there are no orders. See similarity.orders.mapping.MappedOrders.
    "ORDERS": None,
    "ORDERS_WINDOW_DAYS": 730,  # older orders do not count
    "HALF_LIFE_DAYS": 180,  # an order counts half after so many days
    "MIN_SHOPPERS": 3,  # a pair that fewer bought is shown to nobody
    "MAX_BASKET": 100,  # a larger order (a reseller's) makes no pairs
    "PARTNERS": 50,  # partners kept for each item
    "COPURCHASE_ENGINE": "similarity.orders.counting.local.LocalEngine",
    "COPURCHASE_MEMORY_MB": 512,  # most a full count takes beside the orders it read
    # Of SparkEngine: entries of Spark's own configuration, such as "spark.master".
    "SPARK": {},
    "SPARK_JDBC_DRIVER": "/usr/share/java/postgresql.jar",  # where Debian installs it
    # Two products of a category more alike (cosine) replace each other and are not shown as
    # bought together; strict, for no one looks at a shelf before shoppers do.
    "SUBSTITUTE_SIMILARITY": 0.6,
    "BUNDLE_PROPOSALS": 50,  # bundles proposed at most; 0 proposes none
    "BUNDLE_BASKETS": 100_000,  # the latest orders that bundles are looked for in
    "BUNDLE_MIN_SUPPORT": 0.001,  # share of the orders that must hold a bundle
    "BUNDLE_MIN_LIFT": 2.0,  # times more often than by chance it must be bought
    # The same of two products of a bundle; laxer, for staff look at every bundle.
    "BUNDLE_MAX_SIMILARITY": 0.8,
    "BUNDLE_DISCOUNT_PERCENT": 10,  # what a suggested price takes off
    "SEARCH_CONFIG": "english",  # PostgreSQL's text search configuration of the catalogue
    "QUERY_QUEUE": "similarity.queries",  # of questions that a shopper waits for
    "QUERY_TIMEOUT_MS": 150,  # longest a page waits for the vector of a query
    "QUERY_IN_PROCESS": False,  # True encodes queries in the web process, which then loads torch
    "QUERY_MIN_ASKED": 5,  # a query asked less often is never stored
    "HOT_QUERIES": 1000,  # queries whose vectors are made ahead
    "RERANK_BUDGET_MS": 100,
    "SEARCH_BUDGET_MS": 500,  # longest the database searches and counts for a page; None: no limit
    "RERANK_LIMIT": 200,  # results that are re-ordered; those after them keep their order
    "CROSS_ENCODER": None,  # folder or package of a transformers model that judges the best 50
}


def product_model_label() -> str:
    """``app_label.ModelName`` of the host's product model."""
    label = getattr(settings, "SIMILARITY_PRODUCT_MODEL", None)
    if not isinstance(label, str) or label.count(".") != 1:
        raise ConfigurationError(
            f"SIMILARITY_PRODUCT_MODEL is {label!r}; set it to the product model as "
            "'app_label.ModelName', for example 'shop.Product'."
        )
    return label


def product_model_reference() -> str:
    """What foreign keys name: the label, or where it is none, a model that nobody has.

    Django starts with that, as it does with a model that is not there, and its checks say what
    is wrong before any command runs.
    """
    try:
        return product_model_label()
    except ConfigurationError:
        return "similarity.ProductModelOfNobody"


def product_model() -> type[Model]:
    """The host's product model."""
    label = product_model_label()
    try:
        return apps.get_model(label)
    except LookupError as error:
        raise ConfigurationError(
            f"SIMILARITY_PRODUCT_MODEL is {label!r}, and no installed app has that model; "
            "correct it, or add its app to INSTALLED_APPS."
        ) from error


def installed_apps() -> list[AppConfig]:
    """Return the apps of this plugin that are installed, in the order of INSTALLED_APPS."""
    return [app for app in apps.get_app_configs() if app.name.split(".")[0] == "similarity"]


def get(name: str) -> Any:
    """The value of ``SIMILARITY[name]``, or its default.

    ``ENCODERS``, ``WEIGHTS`` and ``DIMENSIONS`` are merged with their defaults key by key,
    so that a host names only what it changes.
    """
    default = DEFAULTS[name]
    value = _configured().get(name, default)
    if name in ("ENCODERS", "WEIGHTS", "DIMENSIONS") and isinstance(value, Mapping):
        value = {**default, **value}
    return copy.deepcopy(value) if isinstance(value, dict | list) else value


@cache
def load(dotted_path: str) -> Any:
    """The object a dotted path names.

    Raises :class:`ConfigurationError` naming the path where it cannot be imported.
    """
    try:
        return import_string(dotted_path)
    except ImportError as error:
        raise ConfigurationError(
            f"SIMILARITY names {dotted_path!r}, which cannot be imported: {error}"
        ) from error


def _configured() -> Mapping[str, Any]:
    configured = getattr(settings, "SIMILARITY", {})
    if not isinstance(configured, Mapping):
        raise ConfigurationError(f"SIMILARITY is {configured!r}; it must be a dict.")
    return configured


Made = TypeVar("Made")

_forgotten: list[Callable[[], None]] = [load.cache_clear]


def kept(make: Callable[[], Made]) -> Callable[[], Made]:
    """Keep what ``make`` returns until a setting changes. An error is not kept."""
    once = cache(make)
    _forgotten.append(once.cache_clear)
    return once


def _forget(**kwargs: Any) -> None:
    """Whatever the setting: an adapter may read others than the plugin's."""
    for forget in _forgotten:
        forget()


setting_changed.connect(_forget, dispatch_uid="similarity.conf")
