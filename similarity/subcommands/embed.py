import time
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from similarity.catalog.adapter import get_adapter
from similarity.connections import wakeup
from similarity.management.command import ProgressBars, SimilarityCommand
from similarity.models import PendingProduct
from similarity.outbox import draining, reconcile
from similarity.vectors import heartbeats
from similarity.versions import build

#: --wait polls every POLL_S, wakes workers every WAKE_EVERY_S, and reports missing workers
#: after SILENCE_S.
POLL_S = 0.5
SILENCE_S = 15.0
WAKE_EVERY_S = 5.0


class Command(SimilarityCommand):
    help = (
        "Mark products for embedding, for Celery workers or in this process. No model runs for "
        "products whose encoded content has not changed."
    )
    examples = """examples:
  manage.py similarity embed                       the whole catalogue, by workers
  manage.py similarity embed --wait                the same, with a progress bar until it is done
  manage.py similarity embed --now                 without any worker, in this process
  manage.py similarity embed --changed-only        after bulk updates or raw SQL without triggers
  manage.py similarity embed 17 42 --force --now   two products, even if nothing changed
"""
    if_interrupted = (
        "Stopped. The remaining products wait in the outbox, where workers take them. Run "
        "'manage.py similarity embed --wait' to follow the workers, or "
        "'manage.py similarity embed --now' to continue here."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("keys", nargs="*", metavar="pk", help="primary keys; without: all")
        parser.add_argument(
            "--changed-only", action="store_true", help="only products whose vectors are outdated"
        )
        parser.add_argument(
            "--force", action="store_true", help="run the encoders even without changes"
        )
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--now", action="store_true", help="embed in this process")
        where.add_argument("--wait", action="store_true", help="follow the workers to the end")
        parser.add_argument(
            "--timeout", type=float, metavar="S", help="with --wait: stop waiting after S seconds"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["timeout"] is not None and not options["wait"]:
            raise CommandError("--timeout needs --wait; give both, or neither.")
        if options["changed_only"] and (options["keys"] or options["force"]):
            raise CommandError(
                "--changed-only finds its products itself; leave out keys and --force."
            )
        count = self._enqueue(**options)
        self.stdout.write(f"{count} product{'' if count == 1 else 's'} marked.")
        if options["now"] or options["wait"]:
            with ProgressBars() as bars:
                self._embed(bars) if options["now"] else self._follow(bars, options["timeout"])
            self._conclude()

    def _enqueue(self, **options: Any) -> int:
        pages: Iterable[list[str]] = build.pages()
        if options["keys"]:
            pages = [_existing(options["keys"])]
        elif options["changed_only"]:
            with ProgressBars() as bars:
                return reconcile.reconcile(restart=True, wait=False, progress=bars).enqueued
        wake = not options["now"]
        return sum(draining.enqueue(page, force=options["force"], wake=wake) for page in pages)

    def _embed(self, bars: ProgressBars) -> None:
        total, done = draining.counts().due, 0
        while draining.has_due():
            done += draining.drain(budget_s=1.0)
            bars("embed", done, max(total, done))

    def _follow(self, bars: ProgressBars, timeout_s: float | None) -> None:
        """Wait until no row is due or leased; report rows that back off after an error."""
        started = woken = time.monotonic()
        total, told = draining.counts().waiting, False
        while (counts := draining.counts()).due + counts.leased:
            now = time.monotonic()
            alive = heartbeats.seen_if_known()
            learning = [worker for worker in alive.values() if worker["doing"]]
            for worker in learning:  # a first start reads a sample before it embeds
                bars(worker["doing"], worker["done"], worker["total"])
            if not learning:
                bars("embed", total - min(counts.waiting, total), total)
            if not told and not alive and now - started > SILENCE_S:
                told = True
                self.stderr.write(
                    "No worker was seen; start a worker, or use 'manage.py similarity embed --now'."
                )
            if timeout_s is not None and now - started > timeout_s:
                raise CommandError(
                    f"{counts.waiting} products are not embedded after {timeout_s:g} s; they "
                    "stay in the outbox. See 'manage.py similarity status'."
                )
            if now - woken > WAKE_EVERY_S:
                woken = now
                wakeup.wake()
            time.sleep(POLL_S)
        bars("embed", total, total)

    def _conclude(self) -> None:
        rows = PendingProduct.objects.using(PendingProduct.objects.write_alias)
        failed = rows.exclude(last_error="").order_by("-dead", "available_at")
        if first := failed.first():
            raise CommandError(
                f"{failed.count()} product(s) could not be embedded and stay in the outbox, "
                f"for example product {first.product_key}: {first.last_error}"
            )
        leased = draining.counts().leased
        self.stdout.write(f"{leased} are with other workers." if leased else "All embedded.")


def _existing(keys: list[str]) -> list[Any]:
    """Return the keys as the product model has them; raise CommandError if a product is missing."""
    products = get_adapter().model._base_manager.using(get_adapter().write_alias)
    try:
        wanted = {products.model._meta.pk.to_python(key): key for key in keys}
    except ValidationError as error:
        raise CommandError(f"No primary key of a product: {error.messages[0]}") from error
    found = set(products.filter(pk__in=list(wanted)).values_list("pk", flat=True))
    if missing := [text for key, text in wanted.items() if key not in found]:
        raise CommandError(f"There is no product {', '.join(missing)}; no product was marked.")
    return list(wanted)
