"""Reads what shoppers did from the database: their events, and the host's orders.

Tables and arrays have a fixed size for each event, so memory grows by some 20 bytes an event, and
nothing is held twice. The database numbers shoppers and items; rows come by binary COPY.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connections, transaction
from psycopg import sql

from similarity.events.history import SEQUENCE_KINDS
from similarity.events.models import Kind
from similarity.exceptions import TrainingError
from similarity.extension import Bought, extensions
from similarity.models.stored_vectors import array
from similarity.models.vectors import key_type
from similarity.shoppers.interactions import Data, Interactions
from similarity.types import FloatArray, Progress, no_progress
from similarity.vectors.fusions import every_version

#: The latest events that are read of a shopper.
MOST_EVENTS = 200
#: Content vectors that are fetched at once.
_PAGE = 2000

#: Orders have keys of the host's own type, so the column is made by name of that type.
_TABLES = (
    "DROP TABLE IF EXISTS similarity_read_order, similarity_read_event, similarity_read_item",
    "CREATE TEMPORARY TABLE similarity_read_order "
    "(shopper text, product_id {key}, at timestamptz) ON COMMIT DROP",
)
#: A signed-in shopper's events and orders are one history. COLLATE "C" sorts fastest.
_EVENTS = """
    CREATE TEMPORARY TABLE similarity_read_event ON COMMIT DROP AS
    SELECT shopper, "group", product_id, kind, at FROM (
        SELECT shopper COLLATE "C" AS shopper, vectors."group" COLLATE "C" AS "group",
            done.product_id, kind, at,
            row_number() OVER (
                PARTITION BY shopper COLLATE "C" ORDER BY at DESC, vectors."group" COLLATE "C"
            ) AS place
        FROM (
            SELECT coalesce('user:' || profile.user_id, 'profile:' || profile.id) AS shopper,
                event.product_id, event.kind, event.at
            FROM similarity_event AS event
            JOIN similarity_profile AS profile ON profile.id = event.profile_id
            WHERE event.kind = ANY(%(kinds)s) AND event.product_id IS NOT NULL
                AND (%(since)s::timestamptz IS NULL OR event.at >= %(since)s)
            UNION ALL
            SELECT shopper, product_id, %(purchase)s, at FROM similarity_read_order
        ) AS done
        JOIN similarity_productvectors AS vectors
            ON vectors.product_id = done.product_id AND vectors.version_id = %(version)s
    ) AS placed
    WHERE place <= %(most)s
"""
#: Variants of a product have nearly the same content, so that of the first stands for them.
_ITEMS = """
    CREATE TEMPORARY TABLE similarity_read_item ON COMMIT DROP AS
    SELECT (row_number() OVER (ORDER BY "group"))::int - 1 AS number, "group", product_id
    FROM (
        SELECT "group", min(product_id::text)::{key} AS product_id
        FROM similarity_read_event GROUP BY "group"
    ) AS met
"""
_COUNT = "SELECT count(*), (SELECT count(*) FROM similarity_read_item) FROM similarity_read_event"
_ORDERED = """
    COPY (
        SELECT (dense_rank() OVER (ORDER BY shopper))::int - 1, number, kind::int,
            extract(epoch FROM at)::bigint
        FROM similarity_read_event JOIN similarity_read_item USING ("group")
        ORDER BY shopper, at, number
    ) TO STDOUT (FORMAT BINARY)
"""
_CONTENT = """
    SELECT item.number, item."group", halfvec_send(vectors.fused)
    FROM similarity_read_item AS item
    JOIN similarity_productvectors AS vectors
        ON vectors.product_id = item.product_id AND vectors.version_id = %(version)s
    WHERE item.number >= %(first)s AND item.number < %(end)s
"""
#: A row of COPY's binary form: the number of fields, then each field's length and value.
_ROW = np.dtype(
    [
        *(("fields", ">i2"), ("a", ">i4"), ("shopper", ">i4"), ("b", ">i4"), ("item", ">i4")),
        *(("c", ">i4"), ("kind", ">i4"), ("d", ">i4"), ("time", ">i8")),
    ]
)
_HEADER, _TRAILER = 19, 2


def read_interactions(
    using: str, since: datetime | None = None, progress: Progress = no_progress
) -> Data:
    """Return what shoppers did from ``since`` on, with the content of the live encoder version.

    Holds views, clicks, adding to the cart, purchases and likes of shoppers who consented, the
    host's orders that count, and at most ``MOST_EVENTS`` of a shopper. Products without vectors
    are left out, and variants of a product are one item.

    Raises :class:`TrainingError` without a live encoder version.
    """
    live = every_version().live()
    if live is None:
        raise TrainingError(
            "There is no live encoder version, so products have no content vectors: run "
            "'manage.py similarity embed' first."
        )
    reader = _Reader(using, live.pk, int(live.dimensions["fused"]))
    with transaction.atomic(using=using):
        return Data(reader.read(since, progress), live.pk)


@dataclass(frozen=True)
class _Reader:
    using: str
    version: int
    dimension: int

    def read(self, since: datetime | None, progress: Progress) -> Interactions:
        asked: dict[str, Any] = {
            "kinds": [int(kind) for kind in SEQUENCE_KINDS],
            "purchase": int(Kind.PURCHASE),
            "since": since,
            "version": self.version,
            "most": MOST_EVENTS,
        }
        key = sql.SQL(key_type(self.using))
        with connections[self.using].cursor() as cursor:
            for statement in _TABLES:
                cursor.execute(sql.SQL(statement).format(key=key))
            self._copy_orders(since)
            progress("read", 1, 4)
            cursor.execute(_EVENTS, asked)
            progress("read", 2, 4)
            cursor.execute(sql.SQL(_ITEMS).format(key=key))
            cursor.execute("ANALYZE similarity_read_event, similarity_read_item")
            cursor.execute(_COUNT)
            events, items = cursor.fetchone()
            content, names = self._content(items)
            progress("read", 3, 4)
            shoppers, numbers, kinds, times = self._columns(events)
            progress("read", 4, 4)
        return Interactions(shoppers, numbers, kinds, times, content, names)

    def _copy_orders(self, since: datetime | None) -> None:
        """Copy in blocks, because orders are read by the same connection."""
        bought = (each for extension in extensions() for each in extension.order_history(since))
        rows = ((_shopper_of(each), each.product, each.at) for each in bought)
        known = (row for row in rows if row[0])
        statement = "COPY similarity_read_order (shopper, product_id, at) FROM STDIN"
        while block := list(islice(known, _PAGE)):
            with connections[self.using].cursor() as cursor, cursor.copy(statement) as copy:
                for row in block:
                    copy.write_row(row)

    def _content(self, items: int) -> tuple[FloatArray, list[str]]:
        content, names = np.zeros((items, self.dimension), np.float32), [""] * items
        with connections[self.using].cursor() as cursor:
            for first in range(0, items, _PAGE):
                page = {"version": self.version, "first": first, "end": first + _PAGE}
                cursor.execute(_CONTENT, page)
                for number, name, fused in cursor:
                    names[number], content[number] = name, array(fused)
        content /= np.maximum(np.linalg.norm(content, axis=1, keepdims=True), 1e-12)
        return content, names

    def _columns(self, events: int) -> tuple[npt.NDArray[Any], ...]:
        """Return shoppers, items, kinds and times (E,), in the order of :class:`Interactions`."""
        shoppers, items = np.empty(events, np.int32), np.empty(events, np.int32)
        kinds, times = np.empty(events, np.int8), np.empty(events, np.int64)
        done = 0
        for rows in self._rows():
            part = slice(done, done + len(rows))
            shoppers[part], items[part] = rows["shopper"], rows["item"]
            kinds[part], times[part] = rows["kind"], rows["time"]
            done += len(rows)
        return shoppers, items, kinds, times

    def _rows(self) -> Iterator[npt.NDArray[Any]]:
        """Yield rows of a binary COPY as they arrive, some thousand at once."""
        held = bytearray()
        skip = _HEADER
        with connections[self.using].cursor() as cursor, cursor.copy(_ORDERED) as copy:
            for block in copy:
                held += block
                if len(held) < _ROW.itemsize * 4096:
                    continue
                whole = (len(held) - skip - _TRAILER) // _ROW.itemsize
                yield np.frombuffer(bytes(held[skip : skip + whole * _ROW.itemsize]), _ROW)
                del held[: skip + whole * _ROW.itemsize]
                skip = 0
        whole = (len(held) - skip - _TRAILER) // _ROW.itemsize
        if whole > 0:
            yield np.frombuffer(bytes(held[skip : skip + whole * _ROW.itemsize]), _ROW)


def _shopper_of(bought: Bought) -> str:
    """Return the name that an order's buyer has in the events; "" if the buyer is not known."""
    if bought.user is not None:
        return f"user:{bought.user}"
    customer = bought.customer.strip().lower()
    return f"customer:{customer}" if customer else ""
