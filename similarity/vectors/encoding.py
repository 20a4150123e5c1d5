"""Reading and encoding of a batch, so that a bad product does not fail the others."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from django.db import InterfaceError, OperationalError

from similarity.catalog.adapter import CatalogAdapter
from similarity.catalog.content import ProductContent
from similarity.connections import metrics
from similarity.encoders.base import Encoded, Encoder
from similarity.encoders.registry import get_encoders
from similarity.exceptions import EncoderError, SimilarityError
from similarity.logs import log_error

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

Errors = dict[str, str]  # key → error of the product


class EncodedBatch(NamedTuple):
    """``contents`` (N) with ``parts``: part → N rows from its encoder."""

    contents: list[ProductContent]
    parts: dict[str, Encoded]


def read_contents(
    adapter: CatalogAdapter, keys: Sequence[str]
) -> tuple[list[ProductContent], Errors]:
    """Return the contents the adapter reads, in the order of ``keys``, and errors by key."""
    results, errors = _isolated(keys, adapter.read_content, key=str, stage="read")
    found = {content.key: content for result in results for content in result}
    return [found[key] for key in keys if key in found], errors


def encode(
    contents: Sequence[ProductContent], encoders: Mapping[str, Encoder]
) -> tuple[EncodedBatch, Errors]:
    """Return the encoded batch and errors by key; each encoder is called once for the batch.

    If that fails, it is called for each product alone. Raises the encoder's own
    :class:`SimilarityError` if no product can be encoded, because then the encoder is broken
    and not a product.
    """
    if not contents:
        return EncodedBatch([], {}), {}
    results, errors = _isolated(
        contents,
        lambda some: EncodedBatch(list(some), encode_parts(some, encoders)),
        key=lambda content: content.key,
        stage="encode",
    )
    return join(results), errors


def load_networks() -> None:
    """Load networks that encoders would otherwise read from disk at their first batch."""
    for encoder in get_encoders().values():
        getattr(encoder, "tower", None)  # reading it loads the network


def encode_parts(
    contents: Sequence[ProductContent], encoders: Mapping[str, Encoder]
) -> dict[str, Encoded]:
    """Return part → rows, checked for shape and for values that are not finite."""
    parts = {
        part: _checked(part, encoder, encoder.encode(contents), len(contents))
        for part, encoder in encoders.items()
    }
    for part, encoded in parts.items():
        metrics.count("encoded_total", int(encoded.present.sum()), part=part)
    return parts


def join(batches: Sequence[EncodedBatch]) -> EncodedBatch:
    """Return several batches as one batch."""
    contents = [content for batch in batches for content in batch.contents]
    parts = {
        part: Encoded(
            np.concatenate([batch.parts[part].vectors for batch in batches]),
            np.concatenate([batch.parts[part].present for batch in batches]),
        )
        for part in (batches[0].parts if batches else ())
    }
    return EncodedBatch(contents, parts)


def _isolated(
    items: Sequence[str] | Sequence[ProductContent],
    call: Callable[[Sequence], Result],
    key: Callable[..., str],
    stage: str,
) -> tuple[list[Result], Errors]:
    """Call ``call`` on all items, or on each alone if that raises; return results and errors."""
    try:
        return ([call(items)] if items else []), {}
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if len(items) == 1 and isinstance(error, SimilarityError):
            raise
        logger.info(
            "A batch of %d products failed, its products follow one by one: %s",
            len(items),
            error,
            extra={"product_keys": [key(item) for item in items], "stage": stage},
        )
    results: list[Result] = []
    errors: Errors = {}
    refused: SimilarityError | None = None
    for item in items:
        try:
            results.append(call([item]))
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001 - a fault of one product stays with it
            refused = error if isinstance(error, SimilarityError) else None
            errors[key(item)] = f"{type(error).__name__}: {error}"
            log_error(
                logger,
                error,
                "Product %s cannot be embedded.",
                key(item),
                level=logging.WARNING,
                product_keys=[key(item)],
                stage=stage,
            )
    if refused is not None and not results:
        raise refused
    metrics.count("embed_errors_total", len(errors), kind=stage)
    return results, errors


def _checked(part: str, encoder: Encoder, encoded: Encoded, count: int) -> Encoded:
    vectors, present = encoded
    if vectors.shape != (count, encoder.dimension) or present.shape != (count,):
        raise EncoderError(
            f"The {part} encoder gave rows of the shape {vectors.shape} and a mask of "
            f"{present.shape} for {count} products; its contract is ({count}, "
            f"{encoder.dimension}) and ({count},)."
        )
    if not np.isfinite(vectors).all():
        raise EncoderError(f"The {part} encoder gave values that are not finite.")
    return encoded
