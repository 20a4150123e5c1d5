"""Tables and their querysets, by topic."""

from similarity.models.cells import VectorCells
from similarity.models.inputs import ProductInputs
from similarity.models.outbox import PendingProduct
from similarity.models.reconcile import ReconcileRound, SpilledChange
from similarity.models.vectors import ProductVectors
from similarity.models.versions import EncoderVersion

__all__ = [
    "EncoderVersion",
    "PendingProduct",
    "ProductInputs",
    "ProductVectors",
    "ReconcileRound",
    "SpilledChange",
    "VectorCells",
]
