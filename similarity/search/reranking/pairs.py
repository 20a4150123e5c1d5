"""The optional second stage: a cross-encoder reads query and product together."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from similarity import conf
from similarity.catalog.adapter import CatalogAdapter
from similarity.catalog.card import title_of
from similarity.catalog.plaintext import plain_line
from similarity.search.ask_worker import ask_worker
from similarity.search.budget import Deadline, TimedReading
from similarity.search.models import SearchDocument
from similarity.search.reranking.signals import standardised
from similarity.types import DoubleArray

#: The most of the best results that the model scores, and the weight of its scores beside the first
#: stage's.
MOST = 50
SHARE = 0.7

#: Seconds kept for the remaining steps while waiting for the worker.
RESERVE_S = 0.005

_LONGEST = 400  # characters of a product's text; more than the model reads


def second_scores(
    query: str,
    keys: Sequence[Any],
    first: DoubleArray,
    adapter: CatalogAdapter,
    deadline: Deadline,
    using: str,
) -> DoubleArray | None:
    """Return scores (N,) that include the cross-encoder's scores of the best ``MOST``.

    ``first`` (N,): the scores of the first stage. Returns None if no model is configured or no
    worker answers in time.
    """
    if not conf.get("SEARCH", "CROSS_ENCODER"):
        return None
    best = [at for at in np.argsort(-first, kind="stable")[:MOST] if keys[at] is not None]
    with deadline.reading(using) as reading:
        texts = _texts([keys[at] for at in best], adapter, reading)
    judged = [at for at in best if keys[at] in texts]
    payload = {"query": query, "texts": [texts[keys[at]] for at in judged]}
    left_ms = int(1000 * (deadline.left_s - RESERVE_S))
    if not judged or left_ms <= 0:
        return None
    answer = ask_worker("pairs", json.dumps(payload).encode(), left_ms)
    if answer is None or answer.row is None or len(answer.row) != len(judged):
        return None
    # Results without such a score stay behind those with it.
    floor = np.full(len(first), -np.inf)
    mixed = (1 - SHARE) * standardised(first[judged])
    floor[judged] = mixed + SHARE * standardised(answer.row.astype(np.float64))
    rest = np.isinf(floor)
    if rest.any():
        floor[rest] = floor[judged].min() - 1 - (first[rest].max() - first[rest])
    return floor


def _texts(keys: Sequence[Any], adapter: CatalogAdapter, reading: TimedReading) -> dict[Any, str]:
    """Return key → title and attributes, as a shopper would read them."""
    reading.check()
    documents = SearchDocument.objects.using(reading.using).filter(product__in=keys)
    values = dict(documents.values_list("product_id", "values"))
    reading.check()
    products = adapter.model._base_manager.using(reading.using).filter(pk__in=keys)
    titles = {product.pk: title_of(adapter, product) for product in products}
    told = {key: "; ".join(v.partition("=")[2] for v in values.get(key, ())) for key in titles}
    return {key: plain_line(f"{title}. {told[key]}", _LONGEST) for key, title in titles.items()}
