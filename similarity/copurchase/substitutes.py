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
    keys = [products[item] for item in items]
    category, vector = _categories(keys), _vectors(keys)
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


def _categories(keys: Sequence[Any]) -> dict[Any, set[Any]]:
    """Key → its categories; empty where the host has none."""
    adapter = get_adapter()
    lookup = adapter.filter_lookup("category")
    found: dict[Any, set[Any]] = {}
    if lookup is None:
        return found
    for some in _pages(keys):
        rows = adapter.model._base_manager.filter(pk__in=some).values_list("pk", lookup)
        for key, name in rows:
            if name:
                found.setdefault(key, set()).add(name)
    return found


def _vectors(keys: Sequence[Any]) -> dict[Any, Any]:
    """Key → fused vector, float16 of length one."""
    version = EncoderVersion.objects.defer("fusion").live()
    found: dict[Any, Any] = {}
    if version is None:
        return found
    for some in _pages(keys):
        rows = ProductVectors.objects.of_version(version).filter(product_id__in=some)
        for key, fused in rows.values_list("product_id", "fused"):
            found[key] = np.asarray(fused, np.float16)
    return found


def _pages(keys: Sequence[Any]) -> Sequence[Sequence[Any]]:
    return [keys[start : start + READ_AT_ONCE] for start in range(0, len(keys), READ_AT_ONCE)]
