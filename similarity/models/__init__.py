"""Tables and their querysets, by topic."""

from similarity.models.outbox import PendingProduct
from similarity.models.vectors import ProductVectors
from similarity.models.versions import EncoderVersion

__all__ = ["EncoderVersion", "PendingProduct", "ProductVectors"]
