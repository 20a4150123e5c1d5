"""How near is near: the least cosines by which a product counts as close to a query.

Any query has a nearest product, so nearness alone says nothing. What chance brings is learned
on the shop's own catalogue: words that mean nothing, drawn from the letters of the shop's own
words, are put through the text encoder as queries are, and the floor is what all but a few of
them stay below. A network that cannot read a language is near to everything in it; nonsense is
too, and the floor rises. For photos chance is what a product's photo comes nearest to in other
departments of the shop.
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

#: Words of no meaning that are tried, and the share of them that stays below the floor.
PROBES = 256
SHARE = 0.98
#: Of products' photos, the share that has nothing above the floor in other departments.
PHOTO_SHARE = 0.9
#: Products that are compared with; of a larger catalogue the best is extrapolated from these.
SAMPLE = 8_000
#: Products of which the photo is a query.
PHOTOS = 500
#: Below so many products there is nothing to learn from.
FEWEST = 20

#: The floor of a picture's nearness to photos, beside those of query parts.
PHOTO = "photo"

_WORDS = 4_000
_SEED = 20_261_130


def refresh() -> None:
    """Learn the floors of the versions that this process keeps up to date.

    A version whose floors cannot be learned keeps those that it has, and the log says why.
    """
    try:
        for version in fusions.runnable_versions():
            learn(version)
    except SimilarityError as error:
        logger.error("How near is near is not learned anew: %s", error)


def learn(version: EncoderVersion) -> dict[str, float]:
    """Learn the floors of a version and keep them; what cannot be learned stays as it was.

    Takes some seconds, most of them for encoding PROBES words. Raises :class:`SimilarityError`
    where the version's encoders cannot be had.
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
    """What SHARE of ``probes`` (P, D) stay below at their nearest of ``products``.

    ``stored`` (N, D) are some or all of them. The nearest of more products is nearer, by about
    as much with every doubling; for those beyond N that step is taken from the last quarter.
    """
    sound = probes[np.any(probes != 0, axis=1)]
    if not len(sound):
        return 1.0
    cosines = sound @ stored.T
    return _extrapolated(cosines, products, SHARE)


def nonsense(words: Sequence[str], count: int) -> list[str]:
    """``count`` texts of the letters and lengths of ``words`` that are none of them; the same in
    each call. Every other one has two words, as queries have."""
    known = {word for word in words if word.isalpha()}
    long = sorted(word for word in known if len(word) > 3) or ["abcdefgh", "ijklmnop", "qrstuvwxyz"]
    dice, letters = random.Random(_SEED), "".join(long)  # noqa: S311 - nothing secret

    def word() -> str:
        made = "".join(dice.choices(letters, k=max(len(dice.choice(long)), 5)))
        return made if made not in known else word()

    return [word() if at % 2 else f"{word()} {word()}" for at in range(count)]


def _shop_words() -> list[str]:
    """Some of the words that the search index holds."""
    words = SearchWord.objects.using(upsert.alias()).order_by(MD5("word"))
    return list(words.values_list("word", flat=True)[:_WORDS])


def _photo_floor(stored: Rows, products: int) -> float | None:
    """None where the shop has no two departments."""
    departments = _departments([product.key for product in stored.products])
    if len(set(departments)) < 2 or len(stored.rows) < FEWEST:
        return None
    cosines = stored.rows[:PHOTOS] @ stored.rows.T
    names = np.array(departments)
    cosines[names[:PHOTOS, None] == names[None, :]] = -1.0
    return _extrapolated(cosines, products, PHOTO_SHARE)


def _departments(keys: Sequence[object]) -> list[str]:
    """The top category of each, or where the shop has but one the category itself."""
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
