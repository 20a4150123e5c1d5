"""The limit of requests with events, counted in the process: a refusal leaves no cache entry."""

from collections.abc import Mapping

from similarity import conf
from similarity.api.throttling import AddressThrottle

#: Requests of an address with events in each process. A page of a shopper sends some ten a minute,
#: and many shoppers may share an address; ``EVENTS["PER_MINUTE"]`` bounds each of them.
RATE = "600/min"


class EventsThrottle(AddressThrottle):
    """A limit by address, per process; ``API["THROTTLE"]["events"]`` changes it."""

    in_process = True

    def __init__(self) -> None:
        super().__init__("events")

    def get_rate(self) -> str | None:
        configured = conf.get("API", "THROTTLE")
        if isinstance(configured, Mapping):
            rate: str | None = configured.get("events", RATE)
            return rate
        return None if configured is None else RATE
