"""Extend the core with personal shelves: vectors of new products, URLs, status."""

from similarity.extension import Extension


class ShoppersExtension(Extension):
    """Filled as the app grows: urls, write, status, gauges."""
