"""The plugin's settings: ``SIMILARITY_PRODUCT_MODEL`` and the ``SIMILARITY`` dict.

Settings are read when used, never at import, and dotted paths are resolved on first use. Each
optional app declares its group in a ``conf`` module of its own. ``similarity.checks`` reports
keys and values that are wrong.
"""

import copy
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.signals import setting_changed
from django.db.models import Model
from django.utils.module_loading import import_string

from similarity.exceptions import ConfigurationError

#: The most hits one call returns.
MAX_LIMIT = 100

#: Scopes that count requests separately: the keys of ``API["THROTTLE"]`` if that is a dict.
THROTTLE_SCOPES = ("shelves", "search", "suggest", "rerank", "batch", "metrics", "events")

#: Keys that an entry of ``ENCODERS`` may have.
ENCODER_KEYS = ("CLASS", "OPTIONS", "WEIGHT", "DIMENSION")


@dataclass(frozen=True)
class Setting:
    """One key: its default, a description of a valid value, and a test for it."""

    default: Any
    wanted: str
    holds: Callable[[Any], bool]


def is_number(value: Any) -> bool:
    """Return True if the value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_positive(value: Any) -> bool:
    """Return True if the value is a number above 0."""
    return is_number(value) and value > 0


def is_whole(value: Any) -> bool:
    """Return True if the value is a whole number above 0."""
    return is_positive(value) and isinstance(value, int)


def is_text(value: Any) -> bool:
    """Return True if the value is a text that is not blank."""
    return isinstance(value, str) and bool(value.strip())


def is_list_of_text(value: Any) -> bool:
    """Return True if the value is a list of texts that are not blank."""
    return isinstance(value, list | tuple) and all(map(is_text, value))


def is_rate(value: Any) -> bool:
    """Return True if the value is a throttle's rate, or None."""
    if value is None:
        return True
    rate = r"[1-9]\d*/(s|sec|second|m|min|minute|h|hour|d|day)s?"
    return isinstance(value, str) and bool(re.fullmatch(rate, value))


def whole(default: int) -> Setting:
    """Return a setting that is a whole number above 0."""
    return Setting(default, "a whole number above 0", is_whole)


def switch(default: bool) -> Setting:
    """Return a setting that is True or False."""
    return Setting(default, "True or False", lambda value: isinstance(value, bool))


def queue(default: str) -> Setting:
    """Return a setting that names a queue of Celery."""
    return Setting(default, "the name of a Celery queue", is_text)


def source(default: Any, wanted: str, *, required: bool = True) -> Setting:
    """Return a setting that maps fields by a dict, or names an adapter by a dotted path."""
    return Setting(
        default,
        wanted,
        lambda value: (
            isinstance(value, Mapping) or is_text(value) or (value is None and not required)
        ),
    )


def is_encoder(value: Any) -> bool:
    """Return True if the value is an entry of ``ENCODERS``."""
    return value is None or (
        isinstance(value, Mapping)
        and set(value) <= set(ENCODER_KEYS)
        and is_text(value.get("CLASS"))
        and isinstance(value.get("OPTIONS", {}), Mapping)
        and (is_number(value.get("WEIGHT", 0)) and value.get("WEIGHT", 0) >= 0)
        and is_whole(value.get("DIMENSION", 1))
    )


def _are_encoders(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        is_text(part) and is_encoder(entry) for part, entry in value.items()
    )


def _are_rates(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return is_rate(value)
    return set(value) <= set(THROTTLE_SCOPES) and all(map(is_rate, value.values()))


def _part(path: str, weight: float, dimension: int) -> dict[str, Any]:
    path = f"similarity.encoders.{path}"
    return {"CLASS": path, "OPTIONS": {}, "WEIGHT": weight, "DIMENSION": dimension}


#: Keys outside any group.
SETTINGS: dict[str, Setting] = {
    # A dict maps the product model's fields; a string is the dotted path of an adapter.
    # See similarity.catalog.mapping.FieldMappingAdapter for the keys of the dict.
    "CATALOG": source({}, "a dict that maps fields, or the dotted path of an adapter"),
    # "signals": Django's signals. "triggers": triggers in the database, which also see bulk
    # changes and raw SQL. None: follow no changes, in a host's tests.
    "CAPTURE": Setting(
        "signals",
        "'signals', 'triggers' or None",
        lambda value: value in ("signals", "triggers", None),
    ),
    # Part → its encoder (None leaves the part out), its share of the fused vector's squared
    # length, chosen by `manage.py similarity evaluate --tune`, and the length it is reduced to
    # inside that vector. The lengths add up to 512 at most.
    "ENCODERS": Setting(
        {
            "text": _part("text.TransformerTextEncoder", 0.45, 128),
            "image": _part("image.VisionEncoder", 0.35, 128),
            "colour": _part("colour.ColourEncoder", 0.10, 64),
            "attributes": _part("attributes.AttributeEncoder", 0.10, 96),
        },
        "a dict of part → None, or {'CLASS': dotted path, 'OPTIONS': dict, 'WEIGHT': number, 0 or "
        "above, 'DIMENSION': whole number above 0}",
        _are_encoders,
    ),
}

#: Group → key → setting. Optional apps add theirs with :func:`declare`.
GROUPS: dict[str, dict[str, Setting]] = {
    "WORKERS": {
        "QUEUE": queue("similarity"),  # "similarity.gpu" here sends the work to GPU workers
        "DEVICE": Setting(
            "auto",
            "'auto', 'cpu', 'mps', 'cuda' or 'cuda:N'",
            lambda value: (
                isinstance(value, str) and bool(re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", value))
            ),
        ),
        # How networks run on a CPU: "auto" measures which runtime is fastest on this machine.
        "RUNTIME": Setting(
            "auto",
            "'auto', 'torch', 'openvino' or 'onnxruntime'",
            lambda value: value in ("auto", "torch", "openvino", "onnxruntime"),
        ),
        # The folder for exported networks; None: the user's cache folder.
        "RUNTIME_DIR": Setting(
            None, "None or the path of a folder", lambda value: value is None or is_text(value)
        ),
        "BATCH_SIZE": whole(64),  # products a worker claims at once
    },
    "IMAGES": {
        "MAX_BYTES": whole(20 * 1024 * 1024),
        "MAX_PIXELS": whole(40_000_000),
        "PER_PRODUCT": whole(4),
        # Domains from which photos may be fetched if the catalogue gives their address:
        # "cdn.example.com", "*.example.com", "http://photos.example.com:8080". Default: no domain.
        "DOMAINS": Setting([], "a list of domains such as 'cdn.example.com'", is_list_of_text),
    },
    "SHELVES": {
        # True: fill a shelf up to its limit with other products, best sellers and newest last.
        # False: the shelf ends before products that are not similar.
        "FILL": switch(False),
    },
    "CACHE": {
        "ALIAS": Setting("default", "an alias in CACHES", is_text),
        "TIMEOUT_S": Setting(
            300, "a number of seconds, 0 or above", lambda value: is_number(value) and value >= 0
        ),
    },
    "API": {
        "PERMISSION_CLASSES": Setting(
            ["rest_framework.permissions.AllowAny"], "a list of dotted paths", is_list_of_text
        ),
        # Per client; None switches throttling off.
        "THROTTLE": Setting(
            "120/min",
            "a rate such as '120/min', None, or a dict of some of "
            f"{', '.join(map(repr, THROTTLE_SCOPES))} → such a rate",
            _are_rates,
        ),
        "PICTURE_THROTTLE": Setting("20/min", "a rate such as '20/min', or None", is_rate),
        # Query parameter → ORM lookup on the product model; None derives it from CATALOG.
        "FILTERS": Setting(
            None,
            "a dict of query parameter → ORM lookup, or None",
            lambda value: (
                value is None
                or (isinstance(value, Mapping) and all(map(is_text, (*value, *value.values()))))
            ),
        ),
    },
    "MONITORING": {
        # /health/ready fails when the outbox is older than this.
        "MAX_LAG_S": Setting(900, "a number of seconds above 0", is_positive),
        # The token that Prometheus sends as "Authorization: Bearer …".
        "TOKEN": Setting(
            None,
            "a text of 16 characters or more, or None",
            lambda value: value is None or (isinstance(value, str) and len(value) >= 16),
        ),
        # The address at which a worker serves its own metrics.
        "ADDRESS": Setting(
            None,
            "'host:port', such as '127.0.0.1:9464', or None",
            lambda value: value is None or bool(re.fullmatch(r"\S+:\d{1,5}", str(value))),
        ),
    },
}


def declare(group: str, keys: Mapping[str, Setting]) -> None:
    """Add the group of an optional app."""
    GROUPS[group] = dict(keys)


def product_model_label() -> str:
    """Return ``app_label.ModelName`` of the host's product model.

    Raises :class:`ConfigurationError` if the setting has another form.
    """
    label = getattr(settings, "SIMILARITY_PRODUCT_MODEL", None)
    if not isinstance(label, str) or label.count(".") != 1:
        raise ConfigurationError(
            f"SIMILARITY_PRODUCT_MODEL is {label!r}; set it to the product model as "
            "'app_label.ModelName', for example 'shop.Product'."
        )
    return label


def product_model_reference() -> str:
    """Return the model that foreign keys name: the label, or a model that does not exist.

    With a missing model Django still starts, and its checks report the error before any
    command runs.
    """
    try:
        return product_model_label()
    except ConfigurationError:
        return "similarity.ProductModelOfNobody"


def product_model() -> type[Model]:
    """Return the host's product model; raise :class:`ConfigurationError` if it is not installed."""
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


def get(group: str, key: str | None = None) -> Any:
    """Return ``SIMILARITY[group][key]`` or its default; without ``key``, ``SIMILARITY[group]``.

    ``ENCODERS`` is merged with its defaults, part by part and key by key, so that a host names
    only its changes. Raises :class:`ConfigurationError` if a dict is expected and the setting
    holds another value.
    """
    if key is None:
        value = _configured().get(group, SETTINGS[group].default)
        if group == "ENCODERS" and isinstance(value, Mapping):
            value = _merge_parts(value)
    else:
        value = _group(group).get(key, GROUPS[group][key].default)
    return copy.deepcopy(value) if isinstance(value, dict | list) else value


def default(group: str, key: str | None = None) -> Any:
    """Return the default of a setting."""
    return copy.deepcopy((SETTINGS[group] if key is None else GROUPS[group][key]).default)


def weights() -> dict[str, float]:
    """Return the weight of each encoded part; parts without a weight are left out."""
    return {part: entry["WEIGHT"] for part, entry in _parts() if "WEIGHT" in entry}


def dimensions() -> dict[str, int]:
    """Return the length each part is reduced to; parts without a length are left out."""
    return {part: entry["DIMENSION"] for part, entry in _parts() if "DIMENSION" in entry}


def _parts() -> list[tuple[str, Mapping[str, Any]]]:
    return [item for item in get("ENCODERS").items() if isinstance(item[1], Mapping)]


def _merge_parts(configured: Mapping[str, Any]) -> dict[str, Any]:
    parts: dict[str, Any] = {**SETTINGS["ENCODERS"].default, **configured}
    for part, entry in configured.items():
        usual = SETTINGS["ENCODERS"].default.get(part, {})
        if isinstance(entry, Mapping):  # another class has other options
            same = entry.get("CLASS", usual.get("CLASS")) == usual.get("CLASS")
            parts[part] = {**usual, **({} if same else {"OPTIONS": {}}), **entry}
    return parts


@cache
def load(dotted_path: str) -> Any:
    """Return the object a dotted path names.

    Raises :class:`ConfigurationError` with the path if it cannot be imported.
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


def _group(name: str) -> Mapping[str, Any]:
    group = _configured().get(name, {})
    if not isinstance(group, Mapping):
        raise ConfigurationError(f"SIMILARITY[{name!r}] is {group!r}; it must be a dict.")
    return group


Made = TypeVar("Made")

_forgotten: list[Callable[[], None]] = [load.cache_clear]


def kept(make: Callable[[], Made]) -> Callable[[], Made]:
    """Cache the result of ``make`` until a setting changes. An error is not cached."""
    once = cache(make)
    _forgotten.append(once.cache_clear)
    return once


def _forget(**kwargs: Any) -> None:
    """Forget after a change of any setting: an adapter may read settings of the host."""
    for forget in _forgotten:
        forget()


setting_changed.connect(_forget, dispatch_uid="similarity.conf")
