"""Checks of ``SIMILARITY["ENCODERS"]``: importable, subclasses of Encoder, with known options.

No check imports torch: packages are looked up, not loaded.
"""

import inspect
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from django.core.checks import CheckMessage, Error, Warning

from similarity import conf
from similarity.checks.settings import did_you_mean
from similarity.encoders.base import Encoder
from similarity.exceptions import ConfigurationError
from similarity.parts import PARTS

#: Packages a worker needs for the encoders of the plugin.
PACKAGES = {
    "text": ("torch", "transformers", "safetensors"),
    "image": ("torch", "torchvision", "PIL"),
    "colour": ("PIL",),
}


def check_encoders(**kwargs: Any) -> list[CheckMessage]:
    """Check each part's encoder."""
    try:
        encoders = conf.get("ENCODERS")
    except ConfigurationError:
        return []  # similarity.E003
    if not conf.SETTINGS["ENCODERS"].holds(encoders):
        return []  # similarity.E005
    parts = {part: entry for part, entry in encoders.items() if entry is not None}
    messages: list[CheckMessage] = [] if parts else [_nothing_left()]
    for part, entry in parts.items():
        if part not in PARTS:
            messages.append(_no_column(part))
        messages += _check_encoder(part, entry)
    return messages + _check_packages(parts)


def _nothing_left() -> Error:
    return Error(
        "SIMILARITY['ENCODERS'] sets every part to None, so no part can be encoded.",
        hint="Leave at least 1 part in.",
        id="similarity.E023",
    )


def _no_column(part: str) -> Warning:
    return Warning(
        f"SIMILARITY['ENCODERS'] names the part {part!r}, which has no column for its vectors: it "
        "counts in fused vectors only, and not in modes, in a request's weights or in reasons.",
        hint=f"{did_you_mean(part, PARTS)} If it is meant to be a part of your own, add "
        "'similarity.W024' to SILENCED_SYSTEM_CHECKS.",
        id="similarity.W024",
    )


def _check_encoder(part: str, entry: Mapping[str, Any]) -> list[CheckMessage]:
    place = f"SIMILARITY['ENCODERS'][{part!r}]"
    try:
        encoder = conf.load(entry["CLASS"])
    except ConfigurationError as error:
        if _missing_packages({part: entry}):
            return []  # similarity.W020 gives the cause
        return [
            Error(
                f"{place}: {error}",
                hint="Correct the dotted path, or install the package it is in.",
                id="similarity.E020",
            )
        ]
    if not (isinstance(encoder, type) and issubclass(encoder, Encoder)):
        return [
            Error(
                f"{place} names {entry['CLASS']!r}, which is no Encoder.",
                hint="Derive it from similarity.encoders.base.Encoder.",
                id="similarity.E021",
            )
        ]
    signature = inspect.signature(encoder)
    try:
        signature.bind(**entry.get("OPTIONS", {}))
    except TypeError as error:
        unknown = [name for name in entry.get("OPTIONS", {}) if name not in signature.parameters]
        return [
            Error(
                f"{place}['OPTIONS'] does not suit {encoder.__name__}: {error}.",
                hint=did_you_mean(unknown[0] if unknown else "", list(signature.parameters)),
                id="similarity.E022",
            )
        ]
    return []


def _missing_packages(parts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    own = [
        part for part, entry in parts.items() if entry["CLASS"].startswith("similarity.encoders.")
    ]
    wanted = {package for part in own for package in PACKAGES.get(part, ())}
    return sorted(package for package in wanted if find_spec(package) is None)


def _check_packages(parts: Mapping[str, Mapping[str, Any]]) -> list[CheckMessage]:
    missing = _missing_packages(parts)
    if not missing:
        return []
    return [
        Warning(
            f"The encoders need packages that are not installed here: {', '.join(missing)}.",
            hint="On machines that run Celery workers: pip install 'django-similarity[encoders]'. "
            "Web machines do not need them; there, add 'similarity.W020' to "
            "SILENCED_SYSTEM_CHECKS.",
            id="similarity.W020",
        )
    ]
