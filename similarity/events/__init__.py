"""What shoppers do, kept with their consent.

This module is the public interface of the app. A shop imports only from here, except for the models
in ``similarity.events.models``.
"""

from typing import TYPE_CHECKING

from similarity.lazy import lazy_door

if TYPE_CHECKING:
    from similarity.events.erasure import erase as erase
    from similarity.events.erasure import export as export
    from similarity.events.history import Seen as Seen
    from similarity.events.history import read_history as read_history
    from similarity.events.identity import forget as forget
    from similarity.events.identity import give_consent as give_consent
    from similarity.events.identity import profile_of as profile_of
    from similarity.events.identity import refuses as refuses
    from similarity.events.identity import remember as remember
    from similarity.events.recording import record as record

_DOOR = {
    "Seen": "similarity.events.history",
    "erase": "similarity.events.erasure",
    "export": "similarity.events.erasure",
    "forget": "similarity.events.identity",
    "give_consent": "similarity.events.identity",
    "profile_of": "similarity.events.identity",
    "read_history": "similarity.events.history",
    "record": "similarity.events.recording",
    "refuses": "similarity.events.identity",
    "remember": "similarity.events.identity",
}
__all__ = sorted(_DOOR)

if not TYPE_CHECKING:  # type checkers must not take a wrong name for a lazy one
    __getattr__, __dir__ = lazy_door(__name__, _DOOR)
