"""Count orders on a cluster by Spark, with the same counts as the local engine.

Spark's own processes evaluate every expression; executors need no Python. This process computes the
weights, one per day, so that other machines' arithmetic cannot change them. Order lines come from
this process, from Parquet or, by JDBC, from PostgreSQL.
"""

import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from similarity.exceptions import CountError
from similarity.orders.counting import engine, spark_session
from similarity.orders.counting.engine import (
    Baskets,
    CountingRule,
    Engine,
    ItemCounts,
    OrderCounts,
    PairBlock,
    basket_weight,
)
from similarity.types import Progress

#: Bytes that one pair needs on its way from Spark into a block.
BYTES_A_PAIR = 96


@dataclass(frozen=True)
class LineColumns:
    """The columns of order lines: ``order``, ``shopper``, ``day`` and ``item``.

    ``shopper`` is empty or null for a guest, who adds no shopper to a pair. ``day`` is a date, a
    time, or whole days since 1970-01-01. Variants count as one item if they have the same ``item``.
    """

    order: str = "order"
    shopper: str = "shopper"
    day: str = "day"
    item: str = "item"


@dataclass(frozen=True)
class NamedCounts:
    """Counts of items that were read as text: ``items[n]`` is the name of item n."""

    counts: OrderCounts
    items: list[str]


class SparkEngine(Engine):
    """An engine that counts in a Spark session.

    It uses the active session, or else starts a session with
    ``SIMILARITY["ORDERS"]["SPARK"]``. A session that the engine started ends when its
    counts are no longer referenced.
    """

    def __init__(self, session: Any = None) -> None:
        self._session = session

    def count(
        self, baskets: Baskets, rule: CountingRule, progress: Progress | None = None
    ) -> OrderCounts:
        import pyarrow

        run = _Run(self._session)
        lines = run.table(
            pyarrow.table({"basket": baskets.basket.astype(np.int64), "item": baskets.item})
        )
        orders = run.table(
            pyarrow.table(
                {
                    "basket": np.arange(len(baskets.day), dtype=np.int64),
                    "shopper": baskets.shopper,
                    "known": baskets.shopper >= 0,
                    "day": baskets.day,
                }
            )
        )
        return run.counts(lines, orders, rule, baskets.items, progress)

    def count_parquet(
        self,
        path: str,
        rule: CountingRule,
        columns: LineColumns | None = None,
        progress: Progress | None = None,
    ) -> NamedCounts:
        """Return the counts of order lines in Parquet files at ``path``, a folder or an address."""
        run = _Run(self._session)
        return run.named(run.session.read.parquet(path), columns or LineColumns(), rule, progress)

    def count_jdbc(
        self,
        url: str,
        table: str,
        rule: CountingRule,
        columns: LineColumns | None = None,
        progress: Progress | None = None,
        options: dict[str, str] | None = None,
    ) -> NamedCounts:
        """Return the counts of order lines in PostgreSQL.

        ``url`` begins with ``jdbc:postgresql://``. ``table`` is a table, or a query in parentheses
        with an alias. ``options`` are the options of Spark's JDBC source: ``user``, ``password``,
        and ``partitionColumn``, ``lowerBound``, ``upperBound`` and ``numPartitions`` to read by
        several connections at once.

        Raises :class:`ConfigurationError` without the driver, and :class:`CountError` if the active
        session was started without it.
        """
        driver = spark_session.jdbc_driver()
        run = _Run(self._session)
        reader = run.session.read.format("jdbc").options(
            url=url, dbtable=table, driver="org.postgresql.Driver", **(options or {})
        )
        try:
            lines = reader.load()
        except Exception as error:
            if "org.postgresql.Driver" not in str(error):
                raise
            raise CountError(
                f"The Spark session has no PostgreSQL driver; start it with spark.jars={driver}."
            ) from error
        return run.named(lines, columns or LineColumns(), rule, progress)


class _Run:
    """A count: its session, and the pairs that it keeps while they are referenced."""

    def __init__(self, session: Any) -> None:
        from pyspark.sql import SparkSession

        own = session is None and SparkSession.getActiveSession() is None
        self.session = session if session is not None else spark_session.start()
        if own:
            # Without atexit: at exit Spark ends by itself, and a second stop would be one too many.
            weakref.finalize(self, self.session.stop).atexit = False

    def table(self, table: Any) -> Any:
        return self.session.createDataFrame(table)

    def named(
        self, lines: Any, columns: LineColumns, rule: CountingRule, progress: Progress | None
    ) -> NamedCounts:
        """Return the counts of lines whose orders and items have any type that casts to text."""
        import pyarrow
        from pyspark.sql import functions as f

        _require(lines, columns)
        read = lines.select(
            f.col(columns.order).cast("string").alias("basket"),
            f.col(columns.shopper).cast("string").alias("shopper"),
            _days(lines, columns.day).alias("day"),
            f.col(columns.item).cast("string").alias("name"),
        ).where("basket IS NOT NULL AND day IS NOT NULL AND name IS NOT NULL")
        read = read.where(f.col("day") >= rule.reference_day - rule.window_days).persist()
        orders = read.groupBy("basket").agg(
            f.min("day").alias("day"), f.max("shopper").alias("customer")
        )
        # Like similarity.orders.counting.numbering: each order of a guest is its own customer.
        customer = f.lower(f.trim(f.coalesce(f.col("customer"), f.lit(""))))
        orders = orders.withColumn("known", customer != "").withColumn(
            "shopper",
            f.when(customer == "", f.concat(f.lit("order:"), "basket")).otherwise(
                f.concat(f.lit("customer:"), customer)
            ),
        )
        names = sorted(read.select("name").distinct().toArrow()["name"].to_pylist())
        numbers = self.table(
            pyarrow.table({"name": names, "item": np.arange(len(names), dtype=np.int32)})
        )
        lines = read.select("basket", "name").distinct().join(f.broadcast(numbers), "name")
        counts = self.counts(lines.select("basket", "item"), orders, rule, len(names), progress)
        return NamedCounts(counts, names)

    def counts(
        self, lines: Any, orders: Any, rule: CountingRule, items: int, progress: Progress | None
    ) -> OrderCounts:
        """Return the counts of ``lines``, distinct (basket, item).

        ``orders`` are (basket, shopper, known, day).
        """
        orders = self._weighed(orders, rule).persist()
        lines = lines.join(orders, "basket").persist()
        total = orders.selectExpr("count(*) AS baskets", "sum(weight) AS weight").first()
        item_counts = _item_counts(lines, items)
        pairs = _pairs(lines, rule).persist()
        run = self

        def read() -> Iterator[PairBlock]:
            return run.blocks(pairs, items, progress)

        return OrderCounts(item_counts, int(total["weight"] or 0), int(total["baskets"]), read)

    def blocks(self, pairs: Any, items: int, progress: Progress | None) -> Iterator[PairBlock]:
        """Yield whole rows of ``first``, as many at once as the memory limit allows."""
        from pyspark.sql import functions as f

        rows = pairs.groupBy("first").count().toArrow()
        size = np.zeros(items, np.int64)
        size[rows["first"].to_numpy()] = rows["count"].to_numpy()
        for low, high in _bounds(size, engine.MEMORY_MB * 2**20 // BYTES_A_PAIR):
            within = pairs.where((f.col("first") >= low) & (f.col("first") < high))
            block = within.orderBy("first", "second").toArrow()
            yield PairBlock(*(block[name].to_numpy() for name in PairBlock._fields))
            if progress is not None:
                progress("pairs", high, items)

    def _weighed(self, orders: Any, rule: CountingRule) -> Any:
        import pyarrow
        from pyspark.sql import functions as f

        days = orders.select("day").distinct().toArrow()["day"].to_pylist()
        weights = np.asarray([basket_weight(day, rule) for day in days], np.int64)
        table = self.table(pyarrow.table({"day": np.asarray(days, np.int32), "weight": weights}))
        joined = orders.join(f.broadcast(table), "day")
        return joined.select("basket", "shopper", "known", "weight")


def _item_counts(lines: Any, items: int) -> ItemCounts:
    """Return the item counts; ``lines`` are (basket, item, shopper, known, weight)."""
    found = _summed(lines, ["item"]).toArrow()
    item = found["item"].to_numpy()
    counts = ItemCounts(
        np.zeros(items, np.int64), np.zeros(items, np.int32), np.zeros(items, np.int32)
    )
    for name in ItemCounts._fields:
        getattr(counts, name)[item] = found[name].to_numpy()
    return counts


def _pairs(lines: Any, rule: CountingRule) -> Any:
    """Return (first, second, weight, orders, shoppers) in both directions."""
    from pyspark.sql import functions as f

    sizes = lines.groupBy("basket").count().where(f.col("count").between(2, rule.max_basket))
    kept = lines.join(sizes.select("basket"), "basket")
    firsts = kept.withColumnRenamed("item", "first")
    seconds = kept.select("basket", f.col("item").alias("second"))
    instances = firsts.join(seconds, "basket").where("first < second")
    half = _summed(instances, ["first", "second"])
    return half.selectExpr(
        "stack(2, first, second, second, first) AS (first, second)", "weight", "orders", "shoppers"
    )


def _summed(rows: Any, key: list[str]) -> Any:
    """Return ``key`` with weight, orders and shoppers, as defined in ``contributions``.

    A shopper's n-th most recent row of a key weighs 1/n. Weights fall with age, so falling weight
    is the order of time.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    newest_first = Window.partitionBy("shopper", *key).orderBy(f.desc("weight"))
    needed = rows.select("shopper", "known", "weight", *key)
    numbered = needed.withColumn("occasion", f.row_number().over(newest_first))
    return numbered.groupBy(*key).agg(
        f.expr("sum(weight div occasion)").cast("long").alias("weight"),
        f.count("*").cast("int").alias("orders"),
        f.expr("count_if(occasion = 1 AND known)").cast("int").alias("shoppers"),
    )


def _bounds(size: Any, most: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of first items with about ``most`` rows each, at least one item per range."""
    total = np.concatenate(([0], np.cumsum(size)))
    low = 0
    while low < len(size):
        high = int(np.searchsorted(total, total[low] + most, side="right")) - 1
        high = min(max(high, low + 1), len(size))
        yield low, high
        low = high


def _days(lines: Any, column: str) -> Any:
    """Return whole days since 1970-01-01 from a date, a time or a number of days."""
    from pyspark.sql import functions as f
    from pyspark.sql.types import IntegralType

    if isinstance(lines.schema[column].dataType, IntegralType):
        return f.col(column).cast("int")
    return f.unix_date(f.to_date(f.col(column)))


def _require(lines: Any, columns: LineColumns) -> None:
    for field in ("order", "shopper", "day", "item"):
        name = getattr(columns, field)
        if name not in lines.columns:
            raise CountError(
                f"The order lines have no column {name!r}, only {', '.join(lines.columns)}; name "
                f"the right column, for example LineColumns({field}={lines.columns[0]!r})."
            )
