"""What shoppers do, kept with their consent.

This module is the public interface of the app. A shop imports only from here, except for the models
in ``similarity.events.models``.
"""

from similarity.lazy import lazy_door

_DOOR: dict[str, str] = {}
__all__ = sorted(_DOOR)

__getattr__, __dir__ = lazy_door(__name__, _DOOR)
