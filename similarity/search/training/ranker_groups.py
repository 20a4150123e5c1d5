"""Judged queries with the signals that serving would have, from the shop's own tables."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from django.core.exceptions import FieldError, ValidationError

from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.catalog.content import ProductContent
from similarity.encoders.base import FloatArray, unit_rows
from similarity.encoders.fusion import Fusion
from similarity.encoders.registry import get_encoder
from similarity.exceptions import RankerError
from similarity.models import EncoderVersion
from similarity.search.budget import Deadline
from similarity.search.query_vectors import normalised
from similarity.search.reranking.signals import COLUMN, cosines_of, read, signals_of
from similarity.search.training.judged import Judged
from similarity.search.training.ranker import Group
from similarity.search.words import parse_query
from similarity.similar.shelves import live_version

#: The longest time, in ms, to read one query's data.
_BUDGET_MS = 60_000
#: Longer lists are cut, because serving never orders more.
_MOST = 1000
_BATCH = 256


class Gathered(NamedTuple):
    """``unknown``: how many of the named products are not in the shop."""

    groups: list[Group]
    unknown: int


def gather_groups(
    judged: Sequence[Judged],
    key_field: str = "pk",
    progress: Callable[[int], object] = lambda count: None,
) -> Gathered:
    """Return a group for each query that has products of the shop.

    ``key_field``: the product model's field that identifies products in the judgements, for example
    ``sku``. The shown order is unknown or must not be learned from, so the signals ``position`` and
    ``score`` are 0 for all. Raises :class:`RankerError` for a field that does not exist.
    """
    adapter = get_adapter()
    keys = _keys(judged, key_field, adapter)
    vectors = query_vectors([one.query for one in judged])
    groups: list[Group] = []
    unknown = 0
    for one in judged:
        known = [name for name in one.utilities if name in keys][:_MOST]
        unknown += len(one.utilities) - len(known)
        if known:
            groups.append(_group(one, [keys[name] for name in known], known, vectors, adapter))
        progress(1)
    return Gathered(groups, unknown)


def query_vectors(queries: Sequence[str]) -> dict[str, FloatArray]:
    """Return query → its vector in the space of the live version's text part, if there is any."""
    version = EncoderVersion.objects.live()
    if version is None:
        return {}
    encoder, fusion = get_encoder("text"), Fusion.from_bytes(bytes(version.fusion))
    texts = [normalised(query) for query in queries]
    found: dict[str, FloatArray] = {}
    for start in range(0, len(texts), _BATCH):
        some = texts[start : start + _BATCH]
        if hasattr(encoder, "encode_texts"):
            raw = encoder.encode_texts(some).vectors
        else:
            raw = encoder.encode([ProductContent(key="", title=text) for text in some]).vectors
        rows = unit_rows(fusion.project("text", raw))
        found.update(zip(queries[start : start + _BATCH], rows, strict=True))
    return found


def _group(
    judged: Judged,
    keys: Sequence[Any],
    names: Sequence[str],
    vectors: Mapping[str, FloatArray],
    adapter: CatalogAdapter,
) -> Group:
    words = parse_query(normalised(judged.query))
    with Deadline(_BUDGET_MS).reading(EncoderVersion.objects.db) as reading:
        known = read(words, keys, adapter, reading, live_version(reading.using))
    cosines = cosines_of(keys, known.vectors, vectors.get(judged.query))
    values = signals_of(words, keys, None, known, cosines).values
    values[:, COLUMN["position"]] = 0.0
    utilities = np.array([judged.utilities[name] for name in names])
    return Group(judged.query, values, utilities)


def _keys(judged: Sequence[Judged], field: str, adapter: CatalogAdapter) -> dict[str, Any]:
    """Return name in the file → primary key, for existing products."""
    products = adapter.model._base_manager.all()
    names = list({name for one in judged for name in one.utilities if name})
    found: dict[str, Any] = {}
    try:
        for start in range(0, len(names), 5000):
            some = products.filter(**{f"{field}__in": names[start : start + 5000]})
            found.update((str(name), key) for name, key in some.values_list(field, "pk"))
    except (FieldError, ValidationError, ValueError, TypeError) as error:
        raise RankerError(
            f"The products of the file cannot be found by {field!r} of "
            f"{adapter.model._meta.label} ({error}); name the field that identifies them with "
            "--key-field, for example 'sku'."
        ) from error
    return found
