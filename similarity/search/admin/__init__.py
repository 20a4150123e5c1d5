"""Search in the admin: synonyms, learned rankers and hot queries."""

from similarity.search.admin import rankers, synonyms

__all__ = ["rankers", "synonyms"]
