"""Plain PostgreSQL full text over names and descriptions."""

import re

from django.contrib.postgres.search import SearchQuery, SearchRank, SearchVector
from django.db.models import QuerySet

from shop.models import Product

#: The expression of the index ``product_text_idx``; any other would scan the whole table.
INDEXED = SearchVector("name", "description", config="english")
#: A word in the name weighs more than one in the description.
WEIGHTED = SearchVector("name", weight="A", config="english") + SearchVector(
    "description", weight="D", config="english"
)


def search_query(text: str) -> SearchQuery:
    """What a shopper typed as a query: quotes, ``or`` and ``-`` as on the web.

    Plain words also match where the last of them is only begun ("runn" finds "runner").
    """
    typed = SearchQuery(text, search_type="websearch", config="english")
    words = re.findall(r"\w+", text)
    has_operators = re.search(r'"|(^|\s)-|\bor\b', text, re.IGNORECASE)
    if not words or has_operators:
        return typed
    begun = " & ".join([*words[:-1], f"{words[-1]}:*"])
    return typed | SearchQuery(begun, search_type="raw", config="english")


def search_products(products: QuerySet[Product], text: str) -> QuerySet[Product]:
    """The products that match, annotated with their ``rank``."""
    query = search_query(text)
    return products.annotate(document=INDEXED, rank=SearchRank(WEIGHTED, query)).filter(
        document=query
    )
