"""Tables of events: who consented, and what they did."""

from similarity.events.models.events import Event, EventBatch, EventDay, Kind
from similarity.events.models.profiles import Profile

__all__ = ["Event", "EventBatch", "EventDay", "Kind", "Profile"]
