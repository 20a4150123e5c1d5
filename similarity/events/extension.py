"""Extend the core with the URLs of events and of a shopper's own data."""

from similarity.extension import Extension


class EventsExtension(Extension):
    """Filled as the app grows: urls, status, gauges."""
