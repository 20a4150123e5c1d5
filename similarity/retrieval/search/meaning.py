"""How near products lie to a query in meaning: by the text vectors of the live version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connections

from similarity.models import EncoderVersion
from similarity.retrieval import candidates
from similarity.retrieval.plans import VectorSearch
from similarity.retrieval.search import lexical
from similarity.retrieval.search.lexical import LexicalQuery, Match
from similarity.retrieval.shelf import live_version
from similarity.retrieval.stored import FloatArray, read_vectors
from similarity.retrieval.within import Within, database_keys, key_field

#: Nearest products that take part, whatever words they hold.
NEIGHBOURS = 100
#: Products found by words whose cosine is looked up; those after them count as far.
RESCORED = 200


@dataclass(frozen=True)
class Meaning:
    """A query's vector, float32 (D,) of length one, in the text space of ``version``."""

    vector: FloatArray
    version: EncoderVersion
    within: Within

    def neighbours(self, query: LexicalQuery) -> list[Match]:
        """The nearest products, one a group, the score being the cosine; they too hold the
        query's phrases and none of the words it leaves out."""
        search = VectorSearch(self.version, "text", self.vector, self.within)
        found = candidates.nearest(search, NEIGHBOURS, NEIGHBOURS)[:NEIGHBOURS]
        allowed = _allowed([one.key for one in found], query.restriction, self.within)
        return [Match(one.key, one.group, 2 * one.score - 1) for one in found if one.key in allowed]

    def cosines(self, keys: Sequence[Any]) -> Mapping[Any, float]:
        """Key → cosine, of those that have a text vector; one query."""
        stored = read_vectors(self.version, keys, ("text",), self.within.using)
        rows = {key: one.vectors["text"] for key, one in stored.items()}
        return {
            key: float(row @ self.vector / np.linalg.norm(row))
            for key, row in rows.items()
            if row is not None and row.any()
        }


def meaning_of(vector: FloatArray | None, within: Within) -> Meaning | None:
    """None without a vector or a live version, and for a vector of another version's length."""
    version = live_version(within.using) if vector is not None else None
    if vector is None or version is None or version.dimensions.get("text") != len(vector):
        return None
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length == 0:
        return None
    return Meaning(np.asarray(vector / length, np.float32), version, within)


def _allowed(keys: Sequence[Any], restriction: str, within: Within) -> set[Any]:
    if not restriction or not keys:
        return set(keys)
    kind = key_field().db_type(connections[within.using])
    with connections[within.using].cursor() as cursor:
        cursor.execute(
            f"SELECT product_id FROM {lexical.TABLE} "  # noqa: S608 - constants
            f"WHERE product_id = ANY(%s::{kind}[]) AND document @@ %s::tsquery",
            [database_keys(keys, within.using), restriction],
        )
        return {key for (key,) in cursor.fetchall()}
