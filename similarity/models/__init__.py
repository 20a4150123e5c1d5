"""Tables and their querysets, by topic."""

from similarity.models.bundles import Bundle
from similarity.models.catalogue_maps import CatalogueMap
from similarity.models.cells import VectorCells
from similarity.models.complements import CategoryComplement
from similarity.models.copurchase import (
    CountedBasket,
    CountedItem,
    CountedProduct,
    CountRun,
    PairCounts,
    PendingOrder,
    ProductPartners,
)
from similarity.models.demand import DemandSnapshot
from similarity.models.duplicates import DuplicateListing
from similarity.models.inputs import ProductInputs
from similarity.models.outbox import PendingProduct
from similarity.models.queries import HotQuery, HotQueryVector
from similarity.models.rankers import RankerVersion
from similarity.models.reconcile import ReconcileRound, SpilledChange
from similarity.models.search import (
    SearchDocument,
    SearchLexeme,
    SearchValue,
    SearchWord,
    Synonym,
)
from similarity.models.vectors import ProductVectors
from similarity.models.versions import EncoderVersion

__all__ = [
    "Bundle",
    "CatalogueMap",
    "CategoryComplement",
    "CountRun",
    "CountedBasket",
    "CountedItem",
    "CountedProduct",
    "DemandSnapshot",
    "DuplicateListing",
    "EncoderVersion",
    "HotQuery",
    "HotQueryVector",
    "PairCounts",
    "PendingOrder",
    "PendingProduct",
    "ProductInputs",
    "ProductPartners",
    "ProductVectors",
    "RankerVersion",
    "ReconcileRound",
    "SearchDocument",
    "SearchLexeme",
    "SearchValue",
    "SearchWord",
    "SpilledChange",
    "Synonym",
    "VectorCells",
]
