"""The query floors: the least cosines at which a product counts as near to a query.

Every query has a nearest product, so nearness needs a comparison with chance. The shop's own
catalogue supplies it: meaningless words, built from the letters of the shop's words, pass through
the text encoder like queries, and the floor is the cosine that nearly all of them stay below. A
network that cannot read a language finds everything in it near. It finds nonsense near too, so the
floor rises. For photos, chance is the nearest photo of another department of the shop.
"""

import logging
import random
from collections.abc import Sequence

import numpy as np
from django.db.models.functions import MD5

from similarity.catalog.content import LEVEL
from similarity.exceptions import SimilarityError
from similarity.models import EncoderVersion, ProductVectors
from similarity.search import queries
from similarity.search.models import SearchWord
from similarity.types import FloatArray
from similarity.vectors import fusions, upsert
from similarity.versions import build, quality
from similarity.versions.quality import Rows

logger = logging.getLogger(__name__)

#: Meaningless words that are tried, and the share of them that stays below the floor.
PROBES = 256
SHARE = 0.98
#: The share of photos without a photo above the floor in other departments.
PHOTO_SHARE = 0.9
#: Products to compare with; for a larger catalogue the nearest is extrapolated from these.
SAMPLE = 8_000
#: Products whose photo is used as a query.
PHOTOS = 500
#: With fewer products no floor is learned.
FEWEST = 20

#: The key of the floor for pictures against photos, next to the query parts.
PHOTO = "photo"

_WORDS = 4_000
_SEED = 20_261_130


def refresh() -> None:
    """Learn the floors of the versions that this process keeps up to date.

    If a version's floors cannot be learned, it keeps its old floors, and the log holds the reason.
    """
    try:
        for version in fusions.runnable_versions():
            learn(version)
    except SimilarityError as error:
        logger.error("The query floors could not be learned and stay as they are: %s", error)


def learn(version: EncoderVersion) -> dict[str, float]:
    """Learn, store and return the floors of a version; floors that cannot be learned stay as they
    were.

    Takes some seconds, mostly to encode PROBES words. Raises :class:`SimilarityError` if the
    version's encoders are not available.
    """
    keys = build.sample_keys(SAMPLE)
    products = ProductVectors.objects.using(upsert.alias()).of_version(version).count()
    floors = dict(version.query_floors)
    if version.query_parts:
        probes = queries.text_vectors(nonsense(_shop_words(), PROBES), version).vectors
        start = 0
        for part, width in version.query_parts.items():
            stored = quality.read_rows(version, part, keys).rows
            if len(stored) >= FEWEST:
                floors[part] = floor(probes[:, start : start + width], stored, products)
            start += width
    if "image" in version.dimensions:
        photos = quality.read_rows(version, "image", keys)
        if (found := _photo_floor(photos, products)) is not None:
            floors[PHOTO] = found
    fusions.every_version().filter(pk=version.pk).update(query_floors=floors)
    version.query_floors = floors
    return floors


def floor(probes: FloatArray, stored: FloatArray, products: int) -> float:
    """Return the cosine to their nearest of ``products`` that SHARE of ``probes`` (P, D) stay
    below.

    ``stored`` (N, D) are some or all of the products. With more products the nearest is nearer, by
    about the same step for every doubling. For the products beyond N, the step is measured between
    the first quarter of ``stored`` and all of it.
    """
    sound = probes[np.any(probes != 0, axis=1)]
    if not len(sound):
        return 1.0
    cosines = sound @ stored.T
    return _extrapolated(cosines, products, SHARE)


def nonsense(words: Sequence[str], count: int) -> list[str]:
    """Return ``count`` texts with the letters and lengths of ``words``, but not among them.

    The texts are the same in each call. Every second text has two words, as queries have.
    """
    known = {word for word in words if word.isalpha()}
    long = sorted(word for word in known if len(word) > 3) or ["abcdefgh", "ijklmnop", "qrstuvwxyz"]
    dice, letters = random.Random(_SEED), "".join(long)  # noqa: S311 - nothing secret

    def word() -> str:
        made = "".join(dice.choices(letters, k=max(len(dice.choice(long)), 5)))
        return made if made not in known else word()

    return [word() if at % 2 else f"{word()} {word()}" for at in range(count)]


def _shop_words() -> list[str]:
    """Return some of the words in the search index."""
    words = SearchWord.objects.using(upsert.alias()).order_by(MD5("word"))
    return list(words.values_list("word", flat=True)[:_WORDS])


def _photo_floor(stored: Rows, products: int) -> float | None:
    """Return the floor of photos; None if the shop has fewer than two departments."""
    departments = _departments([product.key for product in stored.products])
    if len(set(departments)) < 2 or len(stored.rows) < FEWEST:
        return None
    cosines = stored.rows[:PHOTOS] @ stored.rows.T
    names = np.array(departments)
    cosines[names[:PHOTOS, None] == names[None, :]] = -1.0
    return _extrapolated(cosines, products, PHOTO_SHARE)


def _departments(keys: Sequence[object]) -> list[str]:
    """Return the top category of each product, or the category itself if there is a single top."""
    categories = quality.categories(keys)
    paths = [min(categories.get(key, {""})) for key in keys]
    tops = [path.split(LEVEL)[0] for path in paths]
    return tops if len(set(tops)) > 1 else paths


def _extrapolated(cosines: FloatArray, products: int, share: float) -> float:
    known = cosines.shape[1]
    found = float(np.quantile(cosines.max(axis=1), share))
    if products > known:
        quarter = float(np.quantile(cosines[:, : max(known // 4, 1)].max(axis=1), share))
        found += (found - quarter) * float(np.log(products / known) / np.log(4))
    return round(min(max(found, 0.0), 1.0), 4)
