"""Plan the failures of a chaos run: the same seed gives the same events in every way."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """The length of a run and the number of failures in it."""

    duration_s: float = 300.0
    products: int = 400
    writers: int = 3
    workers: int = 2
    pool: str = "prefork"  # Celery's, of one process: prefork or solo
    saves_per_s: float = 60.0
    worker_kills: int = 32
    web_kills: int = 20
    broker_kills: int = 2
    broker_away_s: float = 60.0  # the last outage; earlier outages last a tenth of it
    database_kills: int = 4
    database_away_s: float = 3.0
    settle_s: float = 90.0  # maximum wait after the last save


#: The scale that the test suite runs each time.
SHORT = Scale(
    duration_s=10.0,
    products=60,
    writers=3,
    saves_per_s=50.0,
    worker_kills=3,
    web_kills=2,
    broker_kills=1,
    broker_away_s=2.0,
    database_kills=1,
    database_away_s=0.5,
    settle_s=240.0,  # a machine under load restarts six workers in a minute or two
)


@dataclass(frozen=True, order=True)
class Event:
    at_s: float
    #: worker, web, poison-kill, poison-segfault, broker-down, broker-up, database-down, database-up
    what: str


def plan(seed: int, scale: Scale) -> list[Event]:
    """Return the events of a run, in order of time.

    Servers go away one after the other, and each is back before the next goes. Workers in turn and
    web processes are killed throughout, also while a server is away.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    events = [
        Event((number + chance.uniform(0.1, 0.9)) / count * 0.95 * scale.duration_s, what)
        for what, count in (("worker", scale.worker_kills), ("web", scale.web_kills))
        for number in range(count)
    ]
    events += [
        Event(0.1 * scale.duration_s, "poison-kill"),
        Event(0.5 * scale.duration_s, "poison-segfault"),
    ]
    outages = [("database", scale.database_away_s)] * scale.database_kills
    short = scale.broker_away_s / 10
    outages += [("broker", short)] * (scale.broker_kills - 1)
    chance.shuffle(outages)
    outages += [("broker", scale.broker_away_s)] * (scale.broker_kills > 0)
    free = 0.85 * scale.duration_s - sum(seconds for _server, seconds in outages)
    at = 0.1 * scale.duration_s
    for server, seconds in outages:
        at += free / (len(outages) + 1) * chance.uniform(0.5, 1.0)
        events += [Event(at, f"{server}-down"), Event(at + seconds, f"{server}-up")]
        at += seconds
    return sorted(events)
