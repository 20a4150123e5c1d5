"""The Spark engine gives the local engine's answers, from memory, from Parquet and by JDBC."""

import csv
import gc
import gzip
import os
import random
import socket
import threading
import warnings
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg
import pytest
from django.utils import timezone

from similarity.exceptions import ConfigurationError, CountError
from similarity.orders.counting import spark, spark_session
from similarity.orders.counting.contributions import contributions
from similarity.orders.counting.engine import Baskets, CountingRule
from similarity.orders.counting.full import count_all
from similarity.orders.counting.local import LocalEngine
from similarity.orders.counting.spark import LineColumns, SparkEngine
from similarity.orders.models import PairCounts
from tests.configure import with_settings
from tests.databases import current_address
from tests.host.models import Order, OrderLine

RULE = CountingRule(reference_day=20_000, half_life_days=90.0, max_basket=6, window_days=400)
EPOCH = date(1970, 1, 1)
DATA = Path(os.environ.get("SIMILARITY_DATA_DIR") or "../shared/data") / "online-retail"

needs_spark = pytest.mark.skipif(bool(spark_session.missing()), reason=spark_session.missing())
pytestmark = [
    # pyspark warns of pandas 3, of which only the import is used here.
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def session():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        held = spark_session.start(
            {
                "spark.master": "local[2]",
                "spark.sql.shuffle.partitions": "2",
                # A short run ends before the second compiler pays.
                "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
                "spark.driver.host": "127.0.0.1",
                "spark.driver.bindAddress": "127.0.0.1",
            }
        )
        held.sparkContext.setLogLevel("OFF")
        yield held
        held.stop()


def random_baskets(seed, baskets=400, items=25, shoppers=60):
    chance = np.random.default_rng(seed)
    size = chance.integers(0, 10, baskets)
    basket = np.repeat(np.arange(baskets), size)
    line = np.unique(basket * items + chance.zipf(1.5, len(basket)) % items)
    shopper = chance.integers(-shoppers, shoppers, baskets).astype(np.int64)
    # Each basket of nobody known is its own.
    shopper = np.where(shopper < 0, -1 - np.arange(baskets), shopper)
    return Baskets(
        basket=(line // items).astype(np.int32),
        item=(line % items).astype(np.int32),
        shopper=shopper,
        day=chance.integers(19_600, 20_010, baskets).astype(np.int32),  # some after the day
        items=items,
    )


def pairs_of(counts):
    blocks = list(counts.pairs())
    return [np.concatenate([block[at] for block in blocks]) for at in range(5)]


def assert_same(counts, expected):
    assert (counts.total_weight, counts.baskets) == (expected.total_weight, expected.baskets)
    for one, other in [
        *zip(counts.items, expected.items, strict=True),
        *zip(pairs_of(counts), pairs_of(expected), strict=True),
    ]:
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


@needs_spark
@pytest.mark.spark
class TestSpark:
    def test_same_counts_as_the_local_engine_in_blocks_of_whole_rows(self, session, monkeypatch):
        baskets = random_baskets(1)
        told = []
        counts = SparkEngine(session).count(baskets, RULE, lambda *phase: told.append(phase))
        assert_same(counts, LocalEngine().count(baskets, RULE))
        assert told == [("pairs", 25, 25)]
        monkeypatch.setattr(spark, "BYTES_A_PAIR", 2**22)  # so that a hundred pairs fit
        rows = [set(block.first.tolist()) for block in counts.pairs()]
        assert len(rows) == len(told) - 1 > 2
        assert sum(map(len, rows)) == len(set().union(*rows))

    def test_no_baskets_are_counted_as_none(self, session):
        nothing = np.empty(0, np.int32)
        baskets = Baskets(nothing, nothing, nothing.astype(np.int64), nothing, 3)
        counts = SparkEngine(session).count(baskets, RULE)
        assert (counts.total_weight, counts.baskets) == (0, 0)
        assert counts.items.orders.tolist() == [0, 0, 0]
        assert all(not len(block.first) for block in counts.pairs())

    def test_order_lines_from_parquet(self, session, tmp_path):
        lines = order_lines()
        schema = "no STRING, who STRING, placed DATE, sku STRING"
        session.createDataFrame(lines, schema).write.parquet(str(tmp_path / "lines"))
        named = SparkEngine(session).count_parquet(
            str(tmp_path / "lines"), RULE, LineColumns("no", "who", "placed", "sku")
        )
        assert_agrees_with_reference(named, lines)

    def test_days_are_read_from_dates_times_and_whole_days(self, session):
        frame = session.sql(
            "SELECT date'2024-10-04' AS a, timestamp'2024-10-04 23:59:59' AS b, 20000 AS c"
        )
        days = frame.select(*(spark._days(frame, name) for name in "abc")).first()
        assert list(days) == [20_000, 20_000, 20_000]

    def test_a_column_that_is_missing_is_named(self, session, tmp_path):
        session.createDataFrame([("1", "2")], "no STRING, sku STRING").write.parquet(
            str(tmp_path / "lines")
        )
        with pytest.raises(CountError, match=r"no column 'order', only no, sku"):
            SparkEngine(session).count_parquet(str(tmp_path / "lines"), RULE)

    @pytest.mark.django_db
    def test_order_lines_by_jdbc(self, session):
        if not Path("/usr/share/java/postgresql.jar").is_file():
            pytest.skip("no JDBC driver: apt-get install libpostgresql-jdbc-java")
        lines = order_lines()
        with psycopg.connect(current_address(), autocommit=True) as connection:
            connection.execute("CREATE TABLE spark_lines (no text, who text, at date, sku text)")
            try:
                with connection.cursor() as cursor:
                    cursor.executemany("INSERT INTO spark_lines VALUES (%s, %s, %s, %s)", lines)
                with jdbc_address() as (url, user):
                    named = SparkEngine(session).count_jdbc(
                        url,
                        "(SELECT no, who, at, sku FROM spark_lines) AS lines",
                        RULE,
                        LineColumns("no", "who", "at", "sku"),
                        options={"user": user},
                    )
                    assert_agrees_with_reference(named, lines)
            finally:
                connection.execute("DROP TABLE spark_lines")

    @pytest.mark.django_db
    def test_a_full_count_by_the_setting_stores_the_same(self, session, settings, make_product):
        products = [make_product() for _ in range(4)]
        for number, held in enumerate([(0, 1), (0, 1, 2), (0, 1), (2, 3), (1, 2, 3)]):
            order = Order.objects.create(
                number=f"N{number}", email="x", name="x", address="x", placed_at=timezone.now()
            )
            for at in held:
                OrderLine.objects.create(order=order, product=products[at], unit_price=1)
        count_all()
        expected = [(row.number, bytes(row.pairs)) for row in PairCounts.objects.order_by("number")]
        settings.SIMILARITY = with_settings(ORDERS={"ENGINE": "similarity.orders.SparkEngine"})
        count_all()
        stored = [(row.number, bytes(row.pairs)) for row in PairCounts.objects.order_by("number")]
        assert stored == expected
        assert len(stored) == 4

    @pytest.mark.data
    def test_same_pairs_on_online_retail(self, session, capsys):
        if not DATA.is_dir():
            pytest.skip("online-retail is not in SIMILARITY_DATA_DIR")
        baskets = online_retail()
        rule = CountingRule(int(baskets.day.max()) + 1, 180.0, 100, 730)
        expected = LocalEngine().count(baskets, rule)
        counts = SparkEngine(session).count(baskets, rule)
        assert_same(counts, expected)
        pairs = pairs_of(counts)
        with capsys.disabled():
            print(  # noqa: T201 - the figures are what one wants to see of this test
                f"\nonline-retail: {counts.baskets} orders, {len(baskets.item)} lines, "
                f"{baskets.items} items, {len(pairs[0]) // 2} pairs, "
                f"{int(pairs[3].sum()) // 2} pairs in orders, total weight "
                f"{counts.total_weight}: the same by LocalEngine and SparkEngine"
            )


def order_lines(seed=5):
    """(order, shopper or none, day, SKU), some lines twice, some orders before the window."""
    chance = random.Random(seed)
    lines = []
    for number in range(150):
        who = chance.choice([None, "", "ann", "ben", "cem", "dora"])
        day = EPOCH + timedelta(days=chance.randint(19_500, 20_005))
        for sku in chance.choices("ABCDEFGHIJ", k=chance.randint(1, 8)):
            lines.append((f"N{number}", who, day, sku))
    return lines


def assert_agrees_with_reference(named, lines):
    """Against the plain definition, shopper by shopper; a guest adds no shopper."""
    orders = {}
    for no, who, day, sku in lines:
        since = RULE.reference_day - RULE.window_days
        if (day - EPOCH).days >= since:
            orders.setdefault(no, (who, (day - EPOCH).days, set()))[2].add(sku)
    shoppers = {}
    for no, (who, day, skus) in orders.items():
        shopper = (bool(who), who or no)
        shoppers.setdefault(shopper, []).append((day, no, sorted(skus)))
    pairs = {}
    for (known, _name), baskets in shoppers.items():
        for pair, (weight, count) in contributions(baskets, RULE)[1].items():
            was = pairs.get(pair, (0, 0, 0))
            pairs[pair] = (was[0] + weight, was[1] + count, was[2] + known)
    found = {
        (named.items[first], named.items[second]): figures
        for first, second, *figures in np.column_stack(pairs_of(named.counts)).tolist()
    }
    assert len(found) == 2 * len(pairs)
    for (one, two), figures in pairs.items():
        assert found[one, two] == found[two, one] == list(figures)
    assert named.counts.baskets == len(orders)


@contextmanager
def jdbc_address():
    """A JDBC address of the test's database, which may listen on a socket file alone.

    Java knows no such sockets, so that bytes are passed on from a port.
    """
    with (
        psycopg.connect(current_address()) as connection,
        socket.create_server(("127.0.0.1", 0)) as listening,
    ):
        info = connection.info
        threading.Thread(target=_pass_on, args=(listening, info.host, info.port)).start()
        port = listening.getsockname()[1]
        yield f"jdbc:postgresql://127.0.0.1:{port}/{info.dbname}", info.user
        listening.shutdown(socket.SHUT_RDWR)


def _pass_on(listening, host, port):
    while True:
        try:
            caller, _ = listening.accept()
        except OSError:  # the end of the test
            return
        if host.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{host}/.s.PGSQL.{port}")
        else:
            server = socket.create_connection((host, port))
        for source, target in ((caller, server), (server, caller)):
            threading.Thread(target=_pump, args=(source, target), daemon=True).start()


def _pump(source, target):
    with target, suppress(OSError):  # the other direction has closed both already
        while data := source.recv(65536):
            target.sendall(data)


#: A real shop's first orders: Spark counts them in seconds.
RETAIL_ORDERS = 3000


def online_retail():
    orders, lines = {}, set()
    numbers = {}
    with gzip.open(DATA / "online_retail.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            no, sku = row["InvoiceNo"], row["StockCode"]
            if no.startswith("C") or int(float(row["Quantity"])) <= 0 or not sku[:5].isdigit():
                continue
            if no not in orders and len(orders) == RETAIL_ORDERS:
                break
            day = datetime.fromisoformat(row["InvoiceDate"]).date()
            order = orders.setdefault(no, (len(orders), row["CustomerID"], (day - EPOCH).days))
            lines.add((order[0], numbers.setdefault(sku, len(numbers))))
    # A guest, whose customer is not known, is a shopper of an order.
    shopper = [int(float(who)) if who else -1 - at for at, who, _ in orders.values()]
    line = np.asarray(sorted(lines), np.int32)
    return Baskets(
        basket=line[:, 0],
        item=line[:, 1],
        shopper=np.asarray(shopper, np.int64),
        day=np.asarray([day for *_, day in orders.values()], np.int32),
        items=len(numbers),
    )


@needs_spark
def test_a_session_the_engine_started_ends_with_its_counts(monkeypatch):
    from pyspark.sql import SparkSession

    class Started:
        stopped = 0

        def stop(self):
            self.stopped += 1

    started = Started()
    monkeypatch.setattr(SparkSession, "getActiveSession", classmethod(lambda cls: None))
    monkeypatch.setattr(spark_session, "start", lambda: started)
    run = spark._Run(None)
    assert started.stopped == 0
    del run
    gc.collect()
    assert started.stopped == 1
    given = Started()
    spark._Run(given)
    gc.collect()
    assert given.stopped == 0


@pytest.mark.parametrize("package", ["pyspark", "pyarrow"])
def test_without_a_package_the_error_says_how_to_install_it(monkeypatch, package):
    monkeypatch.setattr(spark_session, "find_spec", lambda name: None if name == package else name)
    with pytest.raises(ConfigurationError, match=rf"{package} is not installed; run: pip install"):
        spark_session.start()


def test_without_java_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(spark_session, "find_spec", lambda name: name)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert "Java 17 is not found; install it" in spark_session.missing()


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ('openjdk version "11.0.2" 2019-01-15', "is Java 11, and Spark needs 17"),
        ('java version "1.8.0_321"', "is Java 8, and Spark needs 17"),
        ("no such thing", "is Java 0"),
        ('openjdk version "17.0.15" 2025-04-15', None),
        ('openjdk version "21" 2023-09-19', None),
    ],
)
def test_an_older_java_is_refused(monkeypatch, tmp_path, told, problem):
    monkeypatch.setattr(spark_session, "find_spec", lambda name: name)
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\ncat >&2 <<'TOLD'\n{told}\nTOLD\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    missing = spark_session.missing()
    assert problem in missing if problem else missing == ""


def test_without_the_driver_the_error_names_the_setting(settings, monkeypatch):
    monkeypatch.setattr(
        "similarity.orders.counting.spark_session.JDBC_DRIVER", "/nowhere/driver.jar"
    )
    with pytest.raises(
        ConfigurationError, match=r"there is no file '/nowhere/driver.jar'; install"
    ):
        SparkEngine().count_jdbc("jdbc:postgresql://x/y", "lines", RULE)
