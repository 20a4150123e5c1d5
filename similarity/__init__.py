"""Product similarity for Django shops.

The public door of the core: a shop imports no deeper module. A name is imported on first use,
because settings import this package before models are loaded.
"""

from typing import TYPE_CHECKING

from similarity.lazy import lazy_door

if TYPE_CHECKING:
    from similarity.api.throttling import AddressThrottle as AddressThrottle
    from similarity.api.throttling import ClientThrottle as ClientThrottle
    from similarity.catalog.adapter import CatalogAdapter as CatalogAdapter
    from similarity.catalog.adapter import get_adapter as get_adapter
    from similarity.catalog.card import Card as Card
    from similarity.catalog.card import image_alt as image_alt
    from similarity.catalog.card import image_url as image_url
    from similarity.catalog.card import page_url as page_url
    from similarity.catalog.content import ImageRef as ImageRef
    from similarity.catalog.content import ProductContent as ProductContent
    from similarity.catalog.mapping import FieldMappingAdapter as FieldMappingAdapter
    from similarity.catalog.oscar import OscarCatalogue as OscarCatalogue
    from similarity.catalog.paths import image_refs as image_refs
    from similarity.catalog.picture_header import image_format as image_format
    from similarity.catalog.plaintext import plain_line as plain_line
    from similarity.catalog.plaintext import plain_text as plain_text
    from similarity.catalog.variants import VariantAdapter as VariantAdapter
    from similarity.catalog.wording import normalise_code as normalise_code
    from similarity.connections.csv_cells import inert_cell as inert_cell
    from similarity.connections.metrics import timed as timed
    from similarity.encoders.base import Encoded as Encoded
    from similarity.encoders.base import Encoder as Encoder
    from similarity.encoders.images import check_image as check_image
    from similarity.exceptions import ConfigurationError as ConfigurationError
    from similarity.exceptions import EncoderError as EncoderError
    from similarity.exceptions import FilterError as FilterError
    from similarity.exceptions import ImageRejected as ImageRejected
    from similarity.exceptions import QueryError as QueryError
    from similarity.exceptions import SimilarityError as SimilarityError
    from similarity.exceptions import VersionError as VersionError
    from similarity.extension import Extension as Extension
    from similarity.extension import register_extension as register_extension
    from similarity.outbox.draining import enqueue as enqueue
    from similarity.schedule import beat_schedule as beat_schedule
    from similarity.similar.filters import MAX_FILTER_LENGTH as MAX_FILTER_LENGTH
    from similarity.similar.filters import MAX_FILTER_VALUES as MAX_FILTER_VALUES
    from similarity.similar.filters import filter_products as filter_products
    from similarity.similar.hits import Hit as Hit
    from similarity.similar.hits import Page as Page
    from similarity.similar.hits import Reason as Reason
    from similarity.similar.more_like import more_like as more_like
    from similarity.similar.shelves import similar_page as similar_page
    from similarity.similar.shelves import similar_to as similar_to
    from similarity.similar.trace import trace_queries as trace_queries

_DOOR = {
    "AddressThrottle": "similarity.api.throttling",
    "Card": "similarity.catalog.card",
    "CatalogAdapter": "similarity.catalog.adapter",
    "ClientThrottle": "similarity.api.throttling",
    "ConfigurationError": "similarity.exceptions",
    "Encoded": "similarity.encoders.base",
    "Encoder": "similarity.encoders.base",
    "EncoderError": "similarity.exceptions",
    "Extension": "similarity.extension",
    "FieldMappingAdapter": "similarity.catalog.mapping",
    "FilterError": "similarity.exceptions",
    "Hit": "similarity.similar.hits",
    "ImageRef": "similarity.catalog.content",
    "ImageRejected": "similarity.exceptions",
    "MAX_FILTER_LENGTH": "similarity.similar.filters",
    "MAX_FILTER_VALUES": "similarity.similar.filters",
    "OscarCatalogue": "similarity.catalog.oscar",
    "Page": "similarity.similar.hits",
    "ProductContent": "similarity.catalog.content",
    "QueryError": "similarity.exceptions",
    "Reason": "similarity.similar.hits",
    "SimilarityError": "similarity.exceptions",
    "VariantAdapter": "similarity.catalog.variants",
    "VersionError": "similarity.exceptions",
    "beat_schedule": "similarity.schedule",
    "check_image": "similarity.encoders.images",
    "enqueue": "similarity.outbox.draining",
    "filter_products": "similarity.similar.filters",
    "get_adapter": "similarity.catalog.adapter",
    "image_alt": "similarity.catalog.card",
    "image_format": "similarity.catalog.picture_header",
    "image_refs": "similarity.catalog.paths",
    "image_url": "similarity.catalog.card",
    "inert_cell": "similarity.connections.csv_cells",
    "more_like": "similarity.similar.more_like",
    "normalise_code": "similarity.catalog.wording",
    "page_url": "similarity.catalog.card",
    "plain_line": "similarity.catalog.plaintext",
    "plain_text": "similarity.catalog.plaintext",
    "register_extension": "similarity.extension",
    "similar_page": "similarity.similar.shelves",
    "similar_to": "similarity.similar.shelves",
    "timed": "similarity.connections.metrics",
    "trace_queries": "similarity.similar.trace",
}
__all__ = sorted(_DOOR)

if not TYPE_CHECKING:  # type checkers must not take a wrong name for a lazy one
    __getattr__, __dir__ = lazy_door(__name__, _DOOR)
