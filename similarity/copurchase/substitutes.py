"""Which products replace each other: of one category, and almost alike by their vectors."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from similarity import conf
from similarity.catalog.adapter import get_adapter
from similarity.copurchase.bundles import Substitutes
from similarity.models import EncoderVersion, ProductVectors

#: Products whose categories or vectors are read at once.
READ_AT_ONCE = 1000


def judge(products: Mapping[int, Any], items: Sequence[int]) -> Substitutes:
    """Answers whether two items replace each other; ``products`` has the key of each item.

    They do where a category is known for both, they share one, and the cosine of their
    vectors is above ``BUNDLE_MAX_SIMILARITY``. Without vectors nothing is known to replace
    anything. Vectors are held in half precision, 1 kB an item.
    """
    category, vector = _known([products[item] for item in items])
    most = conf.get("BUNDLE_MAX_SIMILARITY")

    def replace(first: int, second: int) -> bool:
        one, two = products[first], products[second]
        if not category.get(one, set()) & category.get(two, set()):
            return False
        if one not in vector or two not in vector:
            return False
        left, right = vector[one].astype(np.float32), vector[two].astype(np.float32)
        return float(left @ right) > most

    return replace


def _known(keys: Sequence[Any]) -> tuple[dict[Any, set[Any]], dict[Any, Any]]:
    """Key → its categories, and key → fused vector, float16 of length one; one query a page.

    Both are empty where the host has no categories, for nothing can be judged then.
    """
    category: dict[Any, set[Any]] = {}
    vector: dict[Any, Any] = {}
    lookup = get_adapter().filter_lookup("category")
    if lookup is None:
        return category, vector
    live = ProductVectors.objects.filter(version__status=EncoderVersion.Status.LIVE)
    for some in _pages(keys):
        rows = live.filter(product_id__in=some)
        for key, fused, name in rows.values_list("product_id", "fused", f"product__{lookup}"):
            vector[key] = np.asarray(fused, np.float16)
            if name:
                category.setdefault(key, set()).add(name)
    return category, vector


def _pages(keys: Sequence[Any]) -> Sequence[Sequence[Any]]:
    return [keys[start : start + READ_AT_ONCE] for start in range(0, len(keys), READ_AT_ONCE)]
