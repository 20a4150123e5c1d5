"""Count changed orders: the functions that saves, commands and workers call."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Model, QuerySet
from django.utils import timezone

from similarity.connections import wakeup
from similarity.exceptions import ConfigurationError, SimilarityError
from similarity.models.retries import failed
from similarity.orders.adapter import OrderAdapter, get_order_adapter
from similarity.orders.counting import applying, ledger, numbering, ranking, runs
from similarity.orders.counting.differences import difference
from similarity.orders.counting.engine import CountingRule
from similarity.orders.counting.full import count_all
from similarity.orders.counting.ledger import Recorded
from similarity.orders.counting.reading import day_number, in_window
from similarity.orders.models import CountRun, PendingOrder

logger = logging.getLogger(__name__)

#: Outbox rows that one transaction counts.
BATCH = 200

#: Rows that one statement of :func:`enqueue_orders` writes.
ENQUEUE_ROWS = 5000

#: How long a worker waits for another worker's transaction. The other worker may have read the
#: outbox just before this worker's order was committed; an empty transaction ends at once.
WAIT_S = 2.0

#: Errors that no order causes: rows stay due, and the attempt does not count.
NOT_THE_ORDERS = (OperationalError, InterfaceError, SimilarityError)


class OrderBacklog(NamedTuple):
    """The waiting outbox rows of orders; ``lag_s`` is how long the oldest row has been due."""

    waiting: int
    due: int
    dead: int
    lag_s: float


def enqueue_orders(orders: Iterable[Any] | QuerySet[Any], *, wake: bool = True) -> int:
    """Mark orders as changed, wake a worker after commit and return the number of orders.

    ``orders`` are primary keys, instances, or a queryset of the order model. Django sends no signal
    for ``bulk_create``, ``bulk_update``, ``QuerySet.update`` and raw SQL. The host calls this
    function after them in the same transaction; before a raw delete, it reads the keys first.
    """
    keys = _keys(orders)
    count = 0
    while some := list(islice(keys, ENQUEUE_ROWS)):
        count += PendingOrder.objects.enqueue(some)
    if count and wake:
        wakeup.on_commit(runs.alias(), runs.TASK)
    return count


def count_pending(budget_s: float = 20.0) -> int:
    """Count changed orders until none is due or ``budget_s`` is over.

    Return the number of rows. Any number of workers may call it; one worker counts at a time. The
    very first call counts every order. An order that was deleted, or that no longer counts, is
    subtracted.
    """
    adapter = get_order_adapter()
    if adapter is None:
        return 0
    until = time.monotonic() + budget_s
    done = 0
    try:
        while time.monotonic() < until:
            done += _count_some(adapter)
            if not has_due():  # after the commit: other workers may have stopped waiting
                break
    except runs.CountBusy:  # the other process also counts these rows
        logger.info("Another process counts orders; this process counted %d rows.", done)
    except applying.CountsDisagree as error:
        logger.error("%s Counting every order again.", error)
        count_all()
    return done


def has_due() -> bool:
    """Return True if a row is due for a worker now."""
    return bool(PendingOrder.objects.due().exists())


def waiting() -> OrderBacklog:
    """Return the state of the outbox of orders."""
    rows = PendingOrder.objects
    return OrderBacklog(
        waiting=rows.waiting().count(),
        due=rows.due().count(),
        dead=rows.dead().count(),
        lag_s=rows.lag_s(),
    )


def _count_some(adapter: OrderAdapter) -> int:
    """Count one batch; if the batch fails, count each of its orders alone."""
    rows: list[PendingOrder] = []
    try:
        with runs.counting(WAIT_S) as run:
            if run is not None:
                rows = PendingOrder.objects.take(BATCH)
                _count(rows, run, adapter)
    except NOT_THE_ORDERS:
        raise
    except Exception:
        if not rows:
            raise
        logger.exception(
            "%d orders cannot be counted together; counting them one by one.", len(rows)
        )
        for row in rows:
            _count_alone(row, adapter)
        return len(rows)
    if run is None:
        count_all(only_first=True)
    return len(rows)


def _count_alone(row: PendingOrder, adapter: OrderAdapter) -> None:
    waiting_row = PendingOrder.objects.filter(pk=row.pk)
    with runs.counting(WAIT_S) as run:
        try:
            with transaction.atomic(using=runs.alias()):
                if run is not None and waiting_row.delete()[0]:
                    _count([row], run, adapter)
        except NOT_THE_ORDERS:
            raise
        except Exception as error:
            logger.exception("Order %s cannot be counted.", row.order_key)
            waiting_row.update(**failed(row.attempts + 1, f"{type(error).__name__}: {error}"))


def _count(rows: Sequence[PendingOrder], run: CountRun, adapter: OrderAdapter) -> None:
    """Add to every count the difference between the current orders of ``rows`` and the ledger."""
    if not rows:
        return
    rule = _rule(run)
    keys = list(dict.fromkeys(row.order_key for row in rows))
    before = ledger.of_orders(keys, runs.alias())
    now = _as_they_are(keys, adapter, run, rule)
    changed = [key for key in keys if before.get(key) != now.get(key)]
    if changed:
        _count_changed(changed, before, now, run, rule)
        run.counted_at = timezone.now()
        run.save(using=runs.alias())


def _count_changed(
    changed: Sequence[str],
    before: dict[str, Recorded],
    now: dict[str, Recorded],
    run: CountRun,
    rule: CountingRule,
) -> None:
    alias = runs.alias()
    touched = {order.shopper for key in changed for order in _both(key, before, now)}
    then = ledger.of_shoppers(touched, alias)
    after = {shopper: dict(orders) for shopper, orders in then.items()}
    for key in changed:
        if key in before:
            del after[before[key].shopper][key]
        if key in now:
            after[now[key].shopper][key] = now[key]
    every = [order for orders in (*then.values(), *after.values()) for order in orders.values()]
    products = {product for order in every for product in order.products}
    found = difference(then, after, changed, numbering.items_of(products, alias), rule)
    ledger.replace(
        {key: now[key] for key in changed if key in now},
        [key for key in changed if key not in now],
        alias,
    )
    run.baskets += found.baskets
    run.total_weight += found.total_weight
    ranking.withdraw(applying.apply(found, alias), alias)


def _as_they_are(
    keys: Sequence[str], adapter: OrderAdapter, run: CountRun, rule: CountingRule
) -> dict[str, Recorded]:
    """Return the orders that count, in their current state in the host's tables."""
    baskets = [
        (basket, day)
        for basket in adapter.baskets_of(keys)
        if basket.products and in_window(day := day_number(basket.day), rule)
    ]
    bought = {product for basket, _day in baskets for product in basket.products}
    number = numbering.number_products(bought, run, runs.alias())
    return {
        basket.key: Recorded(
            numbering.shopper_of(basket),
            day,
            tuple(sorted(number[product] for product in basket.products)),
        )
        for basket, day in baskets
    }


def _both(key: str, before: dict[str, Recorded], now: dict[str, Recorded]) -> Iterator[Recorded]:
    for orders in (before, now):
        if key in orders:
            yield orders[key]


def _rule(run: CountRun) -> CountingRule:
    """Return the rule of the last full count, even if the settings have changed since."""
    return CountingRule(
        reference_day=day_number(run.reference_day),
        half_life_days=run.half_life_days,
        max_basket=run.max_basket,
        window_days=run.window_days,
    )


def _keys(orders: Iterable[Any] | QuerySet[Any]) -> Iterator[str]:
    """Yield keys in the adapter's form: a UUID in capitals is the same order."""
    adapter = get_order_adapter()
    if adapter is None:
        raise ConfigurationError(
            "SIMILARITY['ORDERS']['SOURCE'] is None, so no order can be marked; map the order "
            "model there, see docs/settings.md."
        )
    if isinstance(orders, QuerySet):
        orders = orders.values_list("pk", flat=True).iterator(chunk_size=ENQUEUE_ROWS)
    to_python = adapter.model._meta.pk.to_python
    for order in orders:
        yield str(to_python(order.pk if isinstance(order, Model) else order))
