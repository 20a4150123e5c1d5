"""The encoders that made a version, from the record in its row.

While a new model is built beside the live model, and after a rollback to the old model, the
settings name only one of the two. The other is made from its class and options, so that a worker
keeps both up to date.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.core.signals import setting_changed

from similarity.encoders.base import Encoder
from similarity.encoders.registry import get_encoders, make_encoder
from similarity.exceptions import ConfigurationError, EncoderError

#: Encoders kept beside those configured: all parts of one former version.
KEPT = 4


def recorded_encoder(part: str, record: Mapping[str, Any]) -> Encoder:
    """Return the encoder that gives the vectors of ``record`` (class, options, signature).

    Returns the configured encoder if it has the signature. Raises :class:`EncoderError` if neither
    has the signature, because the weights that it was made with are gone or have changed.
    """
    configured = get_encoders().get(part)
    if configured is not None and configured.signature == record["signature"]:
        return configured
    options = json.dumps(record["options"], sort_keys=True)
    try:
        former = _former(part, record["class"], options)
        signature = former.signature
    except (ConfigurationError, EncoderError) as error:
        raise EncoderError(f"{part} was {record['signature']}, which is gone: {error}") from error
    if signature != record["signature"]:
        raise EncoderError(f"{part} was {record['signature']}, now {signature}")
    return former


@lru_cache(maxsize=KEPT)
def _former(part: str, dotted_path: str, options: str) -> Encoder:
    entry = {"CLASS": dotted_path, "OPTIONS": json.loads(options)}
    return make_encoder(entry, f"the part {part!r} of an encoder version")


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "SIMILARITY":
        _former.cache_clear()


setting_changed.connect(_forget, dispatch_uid="similarity.encoders.recorded")
