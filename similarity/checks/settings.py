"""Checks of ``SIMILARITY_PRODUCT_MODEL`` and of the keys and values of ``SIMILARITY``."""

import difflib
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info

from similarity import conf
from similarity.encoders.fusion import UNREDUCED
from similarity.exceptions import ConfigurationError

#: Longer rows of half precision (about 2 kB) are stored outside the page and scan 4 times slower.
MAX_FUSED_DIMENSION = 512

#: The most names that a hint lists.
MOST_NAMED = 20


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Check the product model's name, then the dict, then each of its keys."""
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
                hint="Set SIMILARITY = {...}, or leave it out to use every default.",
                id="similarity.E003",
            ),
        ]
    for name, value in configured.items():
        messages += _check_group(name, value)
    return messages + (_check_parts() if not messages else [])


def _model_error(error: ConfigurationError) -> Error:
    label = getattr(settings, "SIMILARITY_PRODUCT_MODEL", None)
    if not isinstance(label, str) or label.count(".") != 1:
        return Error(
            f"SIMILARITY_PRODUCT_MODEL is {label!r}, which is not the name of a model.",
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


def _check_group(name: Any, value: Any) -> list[CheckMessage]:
    if name in conf.SETTINGS:
        if name == "ENCODERS" and isinstance(value, Mapping):
            return _check_encoders(value)
        return _check_value(f"SIMILARITY[{name!r}]", conf.SETTINGS[name], value)
    if name not in conf.GROUPS:
        return [_unknown_group(name)]
    keys = conf.GROUPS[name]
    if not isinstance(value, Mapping):
        return [
            Error(
                f"SIMILARITY[{name!r}] is {value!r}, which is no dict.",
                hint=f"Its keys are {', '.join(keys)}.",
                id="similarity.E003",
            )
        ]
    messages: list[CheckMessage] = []
    for key, given in value.items():
        if key in keys:
            messages += _check_value(f"SIMILARITY[{name!r}][{key!r}]", keys[key], given)
        else:
            messages.append(_unknown_key(f"SIMILARITY[{name!r}]", key, list(keys)))
    return messages


def _unknown_group(name: Any) -> CheckMessage:
    """Return an error; for the group of an app that is not installed, a remark."""
    app = f"similarity.{str(name).lower()}"
    if str(name).isidentifier() and find_spec(f"{app}.conf" if find_spec(app) else app):
        return Info(
            f"SIMILARITY[{name!r}] is not used, because {app!r} is not in INSTALLED_APPS.",
            hint="Add the app, or leave its settings out.",
            id="similarity.I001",
        )
    for group, keys in conf.GROUPS.items():
        if name in keys:
            return Error(
                f"SIMILARITY has the unknown key {name!r}.",
                hint=f"It belongs to a group: SIMILARITY[{group!r}][{name!r}].",
                id="similarity.E004",
            )
    return _unknown_key("SIMILARITY", name, [*conf.SETTINGS, *conf.GROUPS])


def _unknown_key(where: str, key: Any, known: Sequence[str]) -> Error:
    return Error(
        f"{where} has the unknown key {key!r}.",
        hint=did_you_mean(key, known),
        id="similarity.E004",
    )


def _check_value(where: str, setting: conf.Setting, value: Any) -> list[CheckMessage]:
    if setting.holds(value):
        return []
    return [
        Error(
            f"{where} is {value!r}.",
            hint=f"It must be {setting.wanted}; the default is {setting.default!r}.",
            id="similarity.E005",
        )
    ]


def _check_encoders(configured: Mapping[Any, Any]) -> list[CheckMessage]:
    """Check each part after merging its defaults; messages quote the host's own value."""
    messages: list[CheckMessage] = []
    for part, entry in conf.get("ENCODERS").items():
        if isinstance(entry, Mapping) and entry and set(entry) <= {"WEIGHT", "DIMENSION"}:
            messages.append(_part_without_encoder(part))
        elif not (isinstance(part, str) and conf.is_encoder(entry)):
            messages.append(
                Error(
                    f"SIMILARITY['ENCODERS'][{part!r}] is {configured[part]!r}.",
                    hint=f"SIMILARITY['ENCODERS'] must be {conf.SETTINGS['ENCODERS'].wanted}.",
                    id="similarity.E005",
                )
            )
    return messages


def _part_without_encoder(part: str) -> Error:
    return Error(
        f"SIMILARITY['ENCODERS'] names the part {part!r}, which has no CLASS.",
        hint=did_you_mean(part, list(conf.default("ENCODERS"))),
        id="similarity.E008",
    )


def _check_parts() -> list[CheckMessage]:
    """Check the parts together, after each value is valid by itself."""
    messages: list[CheckMessage] = []
    parts = [part for part, entry in conf.get("ENCODERS").items() if entry is not None]
    weights, dimensions = conf.weights(), conf.dimensions()
    kept_whole = {"DIMENSION": UNREDUCED}
    for key, values in (("WEIGHT", weights), ("DIMENSION", dimensions)):
        lacking = [p for p in parts if not values.get(p) and p not in kept_whole.get(key, ())]
        if lacking:
            messages.append(
                Error(
                    f"SIMILARITY['ENCODERS'] has no {key} above 0 for {', '.join(lacking)}.",
                    hint=f"Add it to SIMILARITY['ENCODERS'][{lacking[0]!r}], or set the part to "
                    "None.",
                    id="similarity.E006",
                )
            )
    total = sum(dimensions.get(part, 0) for part in parts)
    if total > MAX_FUSED_DIMENSION:
        messages.append(
            Error(
                f"The dimensions of {', '.join(parts)} add up to {total}; a fused vector has "
                f"{MAX_FUSED_DIMENSION} at most.",
                hint="Lower DIMENSION of a part in SIMILARITY['ENCODERS'], or set it to None.",
                id="similarity.E007",
            )
        )
    return messages


def did_you_mean(name: Any, known: Sequence[str]) -> str:
    """Return a hint that names the nearest known name, or the first names of the list."""
    near = difflib.get_close_matches(str(name), known, n=1)
    if not near:  # the comparison is case-sensitive: "device" is not near "DEVICE"
        near = [key for key in known if key.lower() == str(name).lower()]
    if near:
        return f"Did you mean {near[0]!r}?"
    more = f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else ""
    return f"Known are {', '.join(known[:MOST_NAMED])}{more}."
