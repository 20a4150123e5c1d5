"""Detect products that replace each other: same category and very similar vectors."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from django.db.models import OuterRef, Subquery

from similarity.catalog.adapter import VALUE, get_adapter
from similarity.catalog.sources import each_value
from similarity.models import EncoderVersion, ProductVectors
from similarity.orders.bundles.itemsets import Substitutes

#: Products whose categories or vectors are read at once.
READ_AT_ONCE = 1000


#: The similarity of substitutes if a category is unknown: listings of the same product. In the demo
#: shop, products of different categories stay below it (0.59 at most).
NEAR_DUPLICATE = 0.75


def judge(
    products: Mapping[int, Any], items: Sequence[int], most: float, using: str | None = None
) -> Substitutes:
    """Return a function that returns True if two items replace each other.

    ``products`` has the key of each item. Two items replace each other if they have a category in
    common and the cosine of their vectors is above ``most``. If the category of an item is unknown,
    the cosine must also be above :data:`NEAR_DUPLICATE`. ``most`` is ``SUBSTITUTE_SIMILARITY`` for
    shelves, which staff do not review, and the higher ``MAX_SIMILARITY`` for bundles, which staff
    review. Items without vectors never replace another item. Vectors are held in half precision, 1
    kB per item. They are read from the database ``using``, or by the database routers.
    """
    category, vector = _known([products[item] for item in items], using)

    def replace(first: int, second: int) -> bool:
        one, two = products[first], products[second]
        if one not in vector or two not in vector:
            return False
        known = bool(category[one] and category[two])
        if known and not category[one] & category[two]:
            return False
        left, right = vector[one].astype(np.float32), vector[two].astype(np.float32)
        return float(left @ right) > (most if known else max(most, NEAR_DUPLICATE))

    return replace


def _known(keys: Sequence[Any], using: str | None) -> tuple[dict[Any, set[Any]], dict[Any, Any]]:
    """Return categories by key, and fused vectors by key, as float16 of length 1.

    Each page of keys needs one query, or two if the adapter reads categories from its content.
    """
    category: dict[Any, set[Any]] = {}
    vector: dict[Any, Any] = {}
    adapter = get_adapter()
    live = ProductVectors.objects.filter(
        product=OuterRef("pk"), version__status=EncoderVersion.Status.LIVE
    )
    every = adapter.model._base_manager.using(using).order_by()
    every = every.annotate(similarity_fused=Subquery(live.values("fused")[:1]))
    for some in _pages(keys):
        products = every.filter(pk__in=some, similarity_fused__isnull=False)
        valued = adapter.annotate_value(products, "category")
        told: Iterable[tuple[Any, Any, Any]]
        if valued is None:
            named = adapter.values_of("category", products)
            rows = products.values_list("pk", "similarity_fused")
            told = [(key, fused, named.get(key, ())) for key, fused in rows]
        else:
            told = valued.values_list("pk", "similarity_fused", VALUE)
        for key, fused, values in told:
            vector[key] = np.asarray(fused, np.float16)
            category.setdefault(key, set()).update(filter(None, each_value([values])))
    return category, vector


def _pages(keys: Sequence[Any]) -> Sequence[Sequence[Any]]:
    return [keys[start : start + READ_AT_ONCE] for start in range(0, len(keys), READ_AT_ONCE)]
