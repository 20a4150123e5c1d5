"""Product similarity for Django shops. The public door of the core: import nothing deeper."""

from similarity.lazy import lazy_door

_DOOR = {
    "CatalogAdapter": "similarity.catalog.adapter",
    "Encoded": "similarity.encoders.base",
    "Encoder": "similarity.encoders.base",
    "Extension": "similarity.extension",
    "FieldMappingAdapter": "similarity.catalog.mapping",
    "Hit": "similarity.retrieval.hits",
    "ProductContent": "similarity.catalog.content",
    "beat_schedule": "similarity.schedule",
    "enqueue": "similarity.indexing.outbox",
    "more_like": "similarity.retrieval.more_like",
    "similar_page": "similarity.retrieval.shelves",
    "similar_to": "similarity.retrieval.shelves",
}
__all__ = sorted(_DOOR)
__getattr__, __dir__ = lazy_door(__name__, _DOOR)
