"""Measure the nightly count of the public shelves, and reading them.

Starts PostgreSQL in a temporary folder, and ends it:

    python benchmarks/public_shelves.py                      # 1 million events
    python benchmarks/public_shelves.py --events 5000000 --shoppers 200000

All shoppers are verified, which is the most work. Their events lie in 35 days; a shopper looks at
products of few departments on each day, so that pairs are met again.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import processor
from benchmarks.processes import own_servers

SETTINGS = "benchmarks.small_shop_settings"
DAYS = 35

_USERS = """
    INSERT INTO auth_user (id, username, password, is_superuser, first_name, last_name, email,
        is_staff, is_active, date_joined)
    SELECT n, 'shopper' || n, '', false, '', '', '', false, true, now() - interval '100 days'
    FROM generate_series(1000000, 999999 + %(shoppers)s) AS n
"""
_PROFILES = """
    INSERT INTO similarity_profile (id, user_id, consented_at, personal, reasons)
    SELECT n, n, now() - interval '100 days', true, true
    FROM generate_series(1000000, 999999 + %(shoppers)s) AS n
"""
# A visit is a shopper on a day: a department by its hash, and a product near its start.
_EVENTS = """
    INSERT INTO similarity_event (id, at, profile_id, kind, product_id, quantity, currency, query,
        token, by_server)
    SELECT n, current_date - (visit / %(shoppers)s)::int - random() * interval '12 hours',
        1000000 + visit %% %(shoppers)s, 1,
        1 + mod(abs(hashint8(visit)) %% 500 * (%(products)s / 500)
            + floor(20 * random() * random())::int, %(products)s),
        1, '', '', '', true
    FROM (
        SELECT n, floor(random() * %(days)s * %(shoppers)s)::bigint / 8 * 8 AS visit
        FROM generate_series(1, %(events)s) AS n
    ) AS drawn
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=1_000_000, help="(1000000)")
    parser.add_argument("--shoppers", type=int, default=50_000, help="(50000)")
    parser.add_argument("--products", type=int, default=20_000, help="(20000)")
    options = parser.parse_args()
    with own_servers(SETTINGS):
        import django

        django.setup()
        from django.conf import settings
        from django.test import override_settings

        # Accounts are verified by their age.
        without_orders = {**settings.SIMILARITY, "ORDERS": {"SOURCE": None}}
        with override_settings(SIMILARITY=without_orders):
            run(options)


def run(options: argparse.Namespace) -> None:
    from django.core.management import call_command

    from benchmarks import clustered
    from similarity.shoppers.models import AlsoViewedItem, TrendingItem
    from similarity.shoppers.public_counts import count_public_shelves
    from similarity.shoppers.public_shelves import also_viewed, trending

    call_command("migrate", verbosity=0)
    clustered.build(options.products, 64, 1)
    fill(options)
    began = time.perf_counter()
    count_public_shelves()
    took_s = time.perf_counter() - began
    print(f"{options.events:,} events, {options.shoppers:,} shoppers; {processor()}")
    print(f"count {took_s:.1f} s, {options.events / took_s:,.0f} events/s")
    items, pairs = TrendingItem.objects.count(), AlsoViewedItem.objects.count()
    print(f"{items:,} trending, {pairs:,} pairs released")
    row = AlsoViewedItem.objects.order_by("pk").first()
    if row is None:
        return
    key = int(row.source.rpartition(":")[2])
    report("trending(8)", lambda: trending(8))
    report("also_viewed(8)", lambda: also_viewed(key, 8))


def fill(options: argparse.Namespace) -> None:
    from datetime import timedelta

    from django.db import connection
    from django.utils import timezone

    from similarity.events import partitions

    now = timezone.now()
    partitions.create(now - timedelta(days=DAYS + 1), now, "default")
    with connection.cursor() as cursor:
        for statement in (_USERS, _PROFILES, _EVENTS):
            cursor.execute(statement, {**vars(options), "days": DAYS})
        cursor.execute("ANALYZE")


def report(name: str, call) -> None:
    times_ms = []
    for _each in range(200):
        began = time.perf_counter()
        call()
        times_ms.append(1000 * (time.perf_counter() - began))
    p95 = statistics.quantiles(times_ms, n=20)[-1]
    print(f"{name:16} p50 {statistics.median(times_ms):.2f} ms, p95 {p95:.2f} ms")


if __name__ == "__main__":
    main()
