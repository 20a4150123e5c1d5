"""How near products are to a query in meaning: by the live version's text vectors, and by its image
vectors if its image encoder knows words."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from django.db import connections
from django.db.models.functions import Cast
from pgvector.django import CosineDistance, VectorField
from psycopg.sql import SQL

from similarity.models import EncoderVersion, ProductVectors
from similarity.models.stored_vectors import FloatArray
from similarity.models.vectors import key_type
from similarity.search.lexical import LexicalQuery, Match
from similarity.similar import candidates
from similarity.similar.plans import VectorSearch
from similarity.similar.shelves import live_version
from similarity.similar.within import Within, database_keys

#: The most nearest products that take part, regardless of their words.
NEIGHBOURS = 100
#: The most products found by words whose cosine is read; later products count as far.
RESCORED = 200


class Stored(NamedTuple):
    """``cosines``: part → key → cosine with the query; ``categories``: key → category's number."""

    cosines: dict[str, dict[Any, float]]
    categories: dict[Any, int]


@dataclass(frozen=True)
class Meaning:
    """A query's vectors in the spaces of ``version``: part → float32 (D,) of length one.

    Parts are ``text`` and ``image``.
    """

    vectors: Mapping[str, FloatArray]
    version: EncoderVersion
    within: Within

    def floor(self, part: str) -> float:
        """Return the least cosine of a near product, see `similarity.search.query_floors`."""
        return self.version.query_floor(part)

    def neighbours(self, part: str, query: LexicalQuery) -> list[Match]:
        """Return the nearest products by one part, one a group; the score is the cosine.

        They also hold the query's phrases and no excluded word.
        """
        search = VectorSearch(self.version, part, self.vectors[part], self.within)
        found = candidates.nearest(search, NEIGHBOURS, NEIGHBOURS)[:NEIGHBOURS]
        allowed = _allowed([one.key for one in found], query.restriction, self.within)
        return [Match(one.key, one.group, 2 * one.score - 1) for one in found if one.key in allowed]

    def stored(self, keys: Sequence[Any]) -> Stored:
        """Return cosines and categories of products with vectors, in a single database query."""
        # In single precision, because half precision, as stored, would round the cosines.
        cosines = [
            1 - CosineDistance(Cast(part, VectorField()), vector)
            for part, vector in self.vectors.items()
        ]
        stored = ProductVectors.objects.using(self.within.using).of_version(self.version)
        rows = stored.filter(product_id__in=list(keys)).values_list(
            "product_id", "category", *cosines
        )
        found = Stored({part: {} for part in self.vectors}, {})
        for key, category, *near in rows:
            found.categories[key] = category
            for part, cosine in zip(found.cosines, near, strict=True):
                if cosine is not None and not math.isnan(cosine):  # nan: a vector of zeros
                    found.cosines[part][key] = cosine
        return found


def meaning_of(vectors: Mapping[str, FloatArray], within: Within) -> Meaning | None:
    """Return the meaning; None without a live version or a vector of the version's lengths."""
    version = live_version(within.using) if vectors else None
    if version is None:
        return None
    sound: dict[str, FloatArray] = {}
    for part, vector in vectors.items():
        length = float(np.linalg.norm(vector))
        if version.dimensions.get(part) == len(vector) and np.isfinite(length) and length > 0:
            sound[part] = np.asarray(vector / length, np.float32)
    return Meaning(sound, version, within) if sound else None


def _allowed(keys: Sequence[Any], restriction: str, within: Within) -> set[Any]:
    if not restriction or not keys:
        return set(keys)
    kind = SQL(key_type(within.using))
    with connections[within.using].cursor() as cursor:
        cursor.execute(
            SQL(
                "SELECT product_id FROM similarity_searchdocument "
                "WHERE product_id = ANY(%s::{}[]) AND document @@ %s::tsquery"
            ).format(kind),
            [database_keys(keys, within.using), restriction],
        )
        return {key for (key,) in cursor.fetchall()}
