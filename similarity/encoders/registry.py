"""The configured encoders, one instance of each per process."""

from collections.abc import Mapping
from functools import cache
from threading import RLock
from typing import Any

from django.core.signals import setting_changed

from similarity import conf
from similarity.encoders.base import Encoder
from similarity.exceptions import ConfigurationError, EncoderError
from similarity.parts import PARTS

_lock = RLock()


def get_encoders() -> dict[str, Encoder]:
    """Return the encoder of each part, in the order of ``PARTS``, then the host's own.

    A part set to None is left out. Raises :class:`ConfigurationError` for an entry of
    ``SIMILARITY["ENCODERS"]`` that names no encoder, and :class:`EncoderError` for options that the
    encoder refuses. Loads no weights.
    """
    with _lock:  # the threads of a worker share one set of networks
        return dict(_encoders())


def get_encoder(part: str) -> Encoder:
    """Return the encoder of a part; raise :class:`ConfigurationError` if there is none."""
    encoders = get_encoders()
    if part not in encoders:
        raise ConfigurationError(
            f"No encoder makes the part {part!r}; SIMILARITY['ENCODERS'] has "
            f"{', '.join(encoders) or 'none'}."
        )
    return encoders[part]


@cache
def _encoders() -> dict[str, Encoder]:
    configured = conf.get("ENCODERS")
    if not isinstance(configured, Mapping):
        raise ConfigurationError(
            f"SIMILARITY['ENCODERS'] is {configured!r}; it must be a dict of parts."
        )
    parts = [*PARTS, *(part for part in configured if part not in PARTS)]
    return {
        part: make_encoder(configured[part], f"SIMILARITY['ENCODERS'][{part!r}]")
        for part in parts
        if configured.get(part)
    }


def make_encoder(entry: Any, where: str) -> Encoder:
    """Return a new encoder of ``{"CLASS": dotted path, "OPTIONS": {…}}``; errors name ``where``."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("CLASS"), str):
        raise ConfigurationError(
            f"{where} is {entry!r}; it must be {{'CLASS': dotted path, 'OPTIONS': {{…}}}} or None."
        )
    unknown = set(entry) - set(conf.ENCODER_KEYS)
    if unknown:
        raise ConfigurationError(
            f"{where} has the unknown key {min(unknown)!r}; known are "
            f"{', '.join(conf.ENCODER_KEYS)}."
        )
    made_from = conf.load(entry["CLASS"])
    if not (isinstance(made_from, type) and issubclass(made_from, Encoder)):
        raise ConfigurationError(
            f"{where} names {entry['CLASS']!r}, which is not an Encoder; derive it from "
            "similarity.encoders.base.Encoder."
        )
    try:
        return made_from(**entry.get("OPTIONS", {}))
    except TypeError as error:
        raise EncoderError(f"The OPTIONS of {where} are refused: {error}") from error


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "SIMILARITY":
        _encoders.cache_clear()


setting_changed.connect(_forget, dispatch_uid="similarity.encoders.registry")
