"""Tables of co-purchases: the outbox of orders, the ledger of counted orders, and the counts.

Whole numbers join products, items (a product, or all variants of a product) and orders; a full
count assigns new numbers. Lists are packed, because a count writes a hundred thousand items with
all their partners at once. Customers are stored as pseudonyms only.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import connections, models
from django.utils import timezone

from similarity.models.retries import OutboxManager, OutboxQuerySet


class PendingOrderManager(OutboxManager.from_queryset(OutboxQuerySet)):  # type: ignore[misc]
    def enqueue(self, keys: Iterable[Any]) -> int:
        """Mark orders as changed and return their number.

        Each change adds a row, so that a host transaction never waits for a worker or for another
        transaction that changes the same order. A transaction adds one row per order.
        """
        wanted = list(dict.fromkeys(str(key) for key in keys))
        if not wanted:
            return 0
        with connections[self.write_alias].cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO similarity_pendingorder (order_key, transaction, available_at, attempts,
                                      last_error, dead, created_at)
                SELECT key, pg_current_xact_id()::text::bigint, statement_timestamp(), 0,
                       '', false, statement_timestamp()
                FROM unnest(%s::text[]) AS key
                WHERE NOT EXISTS (
                    SELECT FROM similarity_pendingorder AS pending WHERE pending.order_key = key
                    AND pending.transaction = pg_current_xact_id()::text::bigint
                )
                """,
                [wanted],
            )
        return len(wanted)

    def take(self, limit: int) -> list["PendingOrder"]:
        """Delete up to ``limit`` due rows, the longest waiting first, and return them.

        Call it within the transaction that counts them: without a commit, the rows stay in the
        outbox.
        """
        rows = self.db_manager(self.write_alias).raw(_TAKE, [limit])
        return sorted(rows, key=lambda row: (row.available_at, row.pk))


class PendingOrder(models.Model):
    """A placed, changed or deleted order: one row per change, deleted when counted."""

    order_key = models.CharField(max_length=255)
    #: The database transaction that wrote the row.
    transaction = models.BigIntegerField()
    available_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)
    dead = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects = PendingOrderManager()

    class Meta:
        db_table = "similarity_pendingorder"
        verbose_name = "pending order"
        indexes = [
            models.Index(fields=["order_key"], name="similarity_order_key"),
            models.Index(
                fields=["available_at"],
                condition=models.Q(dead=False),
                name="similarity_order_due",
            ),
        ]

    def __str__(self) -> str:
        return f"order {self.order_key}"


class CountRun(models.Model):
    """The single row with the parameters of the counts; every change of the counts locks it.

    Incremental counting uses the day and the rule of the last full count, even if the settings have
    changed since, so that both produce the same figures.
    """

    reference_day = models.DateField()
    half_life_days = models.FloatField()
    window_days = models.PositiveIntegerField()
    max_basket = models.PositiveIntegerField()
    #: Orders that count, and the sum of their weights as the engine defines it.
    baskets = models.PositiveBigIntegerField(default=0)
    total_weight = models.BigIntegerField(default=0)
    #: ``total_weight`` at the last full count; pages use it.
    shown_weight = models.BigIntegerField(default=0)
    #: The next free numbers of items and products.
    items = models.PositiveIntegerField(default=0)
    products = models.PositiveIntegerField(default=0)
    full_at = models.DateTimeField()
    full_s = models.FloatField(default=0)
    counted_at = models.DateTimeField()

    class Meta:
        db_table = "similarity_countrun"
        verbose_name = "count of co-purchases"
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="similarity_one_count_run")
        ]

    def __str__(self) -> str:
        return f"{self.baskets} orders counted by {self.reference_day}"


class CountedBasket(models.Model):
    """The ledger: an order as it was counted, so that it can be subtracted exactly."""

    # A constraint instead of unique=True, which would add a second index for LIKE. Collation C
    # compares keys as bytes, and indexes a million of them in a third of the time.
    order_key = models.CharField(max_length=255, db_collation="C")
    #: A keyed hash of the customer's key, see ``similarity.orders.counting.numbering``.
    shopper = models.BigIntegerField(db_index=True)
    day = models.IntegerField()  # since 1970-01-01
    products = models.BinaryField()  # numbers of products, int32, ascending

    class Meta:
        db_table = "similarity_countedbasket"
        constraints = [
            models.UniqueConstraint(fields=["order_key"], name="similarity_one_basket_an_order")
        ]

    def __str__(self) -> str:
        return f"order {self.order_key}"


class CountedProduct(models.Model):
    """A product with orders, and its item until the next full count."""

    number = models.PositiveIntegerField(primary_key=True)
    key = models.CharField(max_length=255, db_collation="C")
    item = models.PositiveIntegerField(db_index=True)
    orders = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "similarity_countedproduct"
        constraints = [
            models.UniqueConstraint(fields=["key"], name="similarity_counted_product_key")
        ]

    def __str__(self) -> str:
        return f"product {self.key}"


class CountedItem(models.Model):
    """A product, or all variants of a product, and its counts."""

    number = models.PositiveIntegerField(primary_key=True)
    #: See ``similarity.models.vectors.group_name``.
    name = models.CharField(max_length=255, db_collation="C")
    #: Keys of its products, by falling number of orders.
    products = ArrayField(models.TextField(), default=list)
    weight = models.BigIntegerField(default=0)
    orders = models.PositiveIntegerField(default=0)
    shoppers = models.PositiveIntegerField(default=0)
    #: ``weight`` at the last full count; pages use it.
    shown_weight = models.BigIntegerField(default=0)

    class Meta:
        db_table = "similarity_counteditem"
        constraints = [
            models.UniqueConstraint(fields=["name"], name="similarity_counted_item_name")
        ]

    def __str__(self) -> str:
        return self.name


class PairCounts(models.Model):
    """Every partner of an item with its counts. Updates read it; pages read ProductPartners."""

    number = models.PositiveIntegerField(primary_key=True)
    pairs = models.BinaryField()  # see similarity.orders.counting.storage.PAIR

    class Meta:
        db_table = "similarity_paircounts"
        verbose_name_plural = "pair counts"

    def __str__(self) -> str:
        return f"pairs of item {self.number}"


class ProductPartners(models.Model):
    """The best partners of an item as of the last full count, best first.

    Contains only pairs with at least MIN_SHOPPERS shoppers; see
    ``similarity.orders.counting.ranking``. Readers compute the measures with ``shown_weight``.
    """

    number = models.PositiveIntegerField(primary_key=True)
    partners = ArrayField(models.IntegerField())
    weights = ArrayField(models.BigIntegerField())
    orders = ArrayField(models.IntegerField())
    shoppers = ArrayField(models.IntegerField())

    class Meta:
        db_table = "similarity_productpartners"
        verbose_name_plural = "product partners"

    def __str__(self) -> str:
        return f"partners of item {self.number}"


_TAKE = """
    DELETE FROM similarity_pendingorder WHERE id = ANY(ARRAY(
        SELECT id FROM similarity_pendingorder
        WHERE NOT dead AND available_at <= statement_timestamp()
        ORDER BY available_at, id LIMIT %s
    ))
    RETURNING *
"""
