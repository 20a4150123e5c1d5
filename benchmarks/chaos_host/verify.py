"""``python -m benchmarks.chaos_host.verify``: compare each stored vector with a fresh encoding.

Prints JSON: the products, products without a vector, products with a vector of other content,
titles of dead products, rows left in the outbox, and the fingerprint of each saved title.
"""

import json
import sys

import django

django.setup()

import numpy as np  # noqa: E402
from django.conf import settings  # noqa: E402

from benchmarks.chaos_host.encoder import ChaosEncoder  # noqa: E402
from benchmarks.chaos_host.models import PeerVector, Product, SavedTitle  # noqa: E402
from similarity.catalog.content import ProductContent  # noqa: E402

#: Half-precision numbers have eleven bits: below one, they lose at most half a thousandth.
TOLERANCE = 1e-3


def main() -> None:
    settings.FOLDER = ""  # do not record held products here
    products = list(Product.objects.exclude(title__contains="poison").order_by("pk"))
    contents = [content_of(product.pk, product.title, product.text) for product in products]
    fresh = ChaosEncoder().encode(contents).vectors
    ours = settings.WAY == "similarity"
    stored = plugin_vectors() if ours else peer_vectors()
    expected = fused(fresh) if ours else fresh
    missing, stale = [], []
    for product, row in zip(products, expected, strict=True):
        if product.pk not in stored:
            missing.append(product.pk)
        elif np.abs(np.asarray(stored[product.pk]) - row).max() > TOLERANCE:
            stale.append(product.pk)
    report = {"products": len(products), "missing": missing, "stale": stale}
    json.dump({**report, **outbox(ours), "marks": marks(ours)}, sys.stdout)


def content_of(pk: int, title: str, text: str) -> ProductContent:
    return ProductContent(key=str(pk), title=title, description=text)


def peer_vectors() -> dict[int, list[float]]:
    return dict(PeerVector.objects.values_list("product_id", "vector"))


def plugin_vectors() -> dict[int, list[float]]:
    from similarity.models import EncoderVersion, ProductVectors

    live = ProductVectors.objects.of_version(EncoderVersion.objects.live())
    return dict(live.values_list("product_id", "fused"))


def fused(fresh: np.ndarray) -> np.ndarray:
    """Return the vectors of the parts, fused as by the live version."""
    from similarity.encoders.base import Encoded
    from similarity.models import EncoderVersion
    from similarity.vectors.fusions import fusion_of

    text = Encoded(fresh, np.ones(len(fresh), bool))
    return fusion_of(EncoderVersion.objects.live()).fuse({"text": text}).vectors


def outbox(ours: bool) -> dict[str, object]:
    if not ours:
        return {"waiting": 0, "dead": []}
    from similarity.models import PendingProduct

    dead = PendingProduct.objects.dead().values_list("product_key", "kills", "last_error")
    return {"waiting": PendingProduct.objects.waiting().count(), "dead": list(dead)}


def marks(ours: bool) -> dict[str, list[str]]:
    """Return title → the possible marks of its vectors; the product's text is one of a few."""
    if not ours:
        return {}
    texts = set(Product.objects.values_list("text", flat=True))
    return {
        title: [content_of(0, title, text).fingerprint for text in texts]
        for title in SavedTitle.objects.values_list("title", flat=True)
    }


if __name__ == "__main__":
    main()
