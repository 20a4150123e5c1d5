"""Measure the cost of triggers for the host's own statements, and the cost of reconcile.

    python -m benchmarks.capture --products 100000

The benchmark has its own database on the demo's server. Statements run alternately with and without
triggers. There are no vectors and no indexes of vectors, so only the trigger differs.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
REPEATS = 5
ONE_ROW_REPEATS = 200  # statements of which each measurement of a single row is the median

#: name → statement over the products chosen by {rows}.
STATEMENTS = {
    "stock, not read": "UPDATE shop_product SET stock = stock + 1 WHERE {rows}",
    "name, read": "UPDATE shop_product SET name = name || ' ' WHERE {rows}",
    "name as it was": "UPDATE shop_product SET name = name WHERE {rows}",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=100_000)
    options = parser.parse_args()
    from benchmarks.processes import use_demo_servers

    use_demo_servers()
    django.setup()
    from benchmarks.machine import processor
    from benchmarks.scratch import own_database

    print(processor())
    with own_database():
        _fill(options.products)
        print("| statement | rows | without, ms | with, ms | µs more a row | ratio |")
        print("| --- | --- | --- | --- | --- | --- |")
        for rows in (1, 2000, options.products):
            for name, statement in STATEMENTS.items():
                _report(name, rows, lambda sql=statement, n=rows: _timed(sql, n))
        _report("insert", 2000, _insert)
        _reconcile(options.products)


def _report(name: str, rows: int, run: Callable[[], float]) -> None:
    from similarity.capture import triggers

    times: dict[bool, list[float]] = {False: [], True: []}
    for repeat in range(2 * REPEATS):
        captured = bool(repeat % 2)
        triggers.install() if captured else triggers.uninstall()
        _vacuum()
        times[captured].append(run())
    without, with_ = (statistics.median(times[each]) * 1000 for each in (False, True))
    more = (with_ - without) * 1000 / rows
    print(f"| {name} | {rows} | {without:.2f} | {with_:.2f} | {more:.1f} | {with_ / without:.2f} |")


def _timed(statement: str, rows: int) -> float:
    from django.db import connection

    repeats = ONE_ROW_REPEATS if rows == 1 else 1
    sql = statement.format(rows=f"id <= (SELECT min(id) + {rows - 1} FROM shop_product)")  # noqa: S608
    with connection.cursor() as cursor:
        return statistics.median(_took(cursor, sql) for _ in range(repeats))


def _took(cursor: Any, sql: str) -> float:
    began = time.perf_counter()
    cursor.execute(sql)
    return time.perf_counter() - began


def _insert() -> float:
    from django.db import connection

    with connection.cursor() as cursor:
        began = time.perf_counter()
        cursor.execute(_PRODUCTS.format(first=10_000_000, count=2000))
        took = time.perf_counter() - began
        cursor.execute("DELETE FROM shop_product WHERE sku::bigint >= 10000000")
        return took


_PRODUCTS = """
    INSERT INTO shop_product (sku, name, slug, description, category_id, brand_id, price,
        currency, stock, is_active, attributes, "group", created_at, updated_at)
    SELECT n, 'Product number ' || n, 'p' || n, repeat('A plain product, well made. ', 20),
        (SELECT id FROM shop_category LIMIT 1), (SELECT id FROM shop_brand LIMIT 1), 10, 'EUR', 5,
        true, jsonb_build_object('colour', 'navy', 'material', 'wool', 'size', n % 40), '',
        now(), now()
    FROM generate_series({first}, {first} + {count} - 1) AS n
"""


def _fill(products: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO shop_category (name, slug, path) VALUES ('A', 'a', 'A')")
        cursor.execute("INSERT INTO shop_brand (name, slug) VALUES ('B', 'b')")
        cursor.execute(_PRODUCTS.format(first=1, count=products))
        cursor.execute(
            "INSERT INTO shop_productimage (product_id, image, alt, position) "
            "SELECT id, 'products/missing.jpg', '', 0 FROM shop_product"
        )
    _vacuum()


def _vacuum() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE similarity_pendingproduct")
        cursor.execute("VACUUM shop_product")


def _reconcile(products: int) -> None:
    """Print the products compared per second, with search documents and without vectors."""
    from similarity.capture import triggers
    from similarity.outbox import reconcile
    from similarity.search import documents

    triggers.uninstall()
    _vacuum()
    documents.index_all()
    began = time.perf_counter()
    report = reconcile.reconcile(repair=False)
    took = time.perf_counter() - began
    rate = f"{report.checked / took:.0f}/s"
    print(f"reconcile: {report.checked} products in {took:.1f} s, {rate}")


if __name__ == "__main__":
    main()
