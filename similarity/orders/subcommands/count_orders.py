import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from similarity.management.command import ProgressBars, SimilarityCommand
from similarity.orders.adapter import get_order_adapter
from similarity.orders.counting import full, runs, updating
from similarity.orders.models import PendingOrder

#: How often --watch looks for changed orders.
POLL_S = 1.0


class Command(SimilarityCommand):
    help = (
        "Count orders for products bought together: the orders that changed since they were "
        "last counted, or every order. Workers do both automatically; use this command for a "
        "first count, in a shop without workers, and after changes by raw SQL."
    )
    examples = """examples:
  manage.py similarity count-orders            changed orders in the outbox
  manage.py similarity count-orders --full     every order of WINDOW_DAYS, with a progress bar
  manage.py similarity count-orders --watch    changed orders, now and later, until Ctrl-C
"""
    if_interrupted = (
        "Stopped. The counts are complete; orders that were not counted stay in the outbox."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--full", action="store_true", help="count every order again")
        how.add_argument("--watch", action="store_true", help="keep counting orders as they change")

    def handle(self, *args: Any, **options: Any) -> None:
        if get_order_adapter() is None and not options["full"]:
            self.stdout.write("Nothing to count: SIMILARITY['ORDERS']['SOURCE'] is None.")
            return
        began = time.monotonic()
        if options["full"]:
            with ProgressBars() as bars:
                full.count_all(bars)
        else:
            self._count_waiting()
        self._conclude(time.monotonic() - began)
        while options["watch"]:
            time.sleep(POLL_S)
            self._count_waiting()

    def _count_waiting(self) -> None:
        while counted := updating.count_pending(budget_s=5.0):
            self.stdout.write(f"{counted} changes of orders counted.")

    def _conclude(self, took_s: float) -> None:
        if (run := runs.last_run()) is None:
            raise CommandError(
                "Another process is counting all orders; try again when it has finished."
            )
        figures = runs.figures()
        self.stdout.write(
            f"{run.baskets} orders by {run.reference_day}, {figures.items} items, "
            f"{figures.with_partners} of them with partners, in {took_s:.1f} s."
        )
        dead = PendingOrder.objects.using(runs.alias()).dead().order_by("available_at")
        if first := dead.first():
            raise CommandError(
                f"{dead.count()} changes of orders are dead, for example order {first.order_key}: "
                f"{first.last_error}"
            )
