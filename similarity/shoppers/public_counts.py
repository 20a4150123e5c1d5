"""Counts the public shelves once a day: what is trending, and what people also viewed.

An observer sees the shelves before and after, and can add shoppers of their own. So only verified
shoppers count, each once for an item and day. An item, or a pair of items, appears only if
``MIN_SHOPPERS`` + 1 of them met it, and stays until fewer than ``MIN_SHOPPERS`` did: one shopper
more or less never shows. Only coarse steps are stored, of complete days, once a day.
"""

import datetime
from collections.abc import Sequence
from logging import getLogger
from typing import Any

from django.db import connections, transaction
from django.utils import timezone
from psycopg.sql import SQL, Literal

from similarity import conf
from similarity.catalog import times
from similarity.connections.locks import taken_for_transaction
from similarity.events.models import Kind
from similarity.models.vectors import ALONE
from similarity.shoppers.models import PublicRelease
from similarity.shoppers.verified import verified_profiles
from similarity.vectors import upsert

logger = getLogger(__name__)

LOCK = "similarity.public_shelves"
#: Days of recent votes, and days before them that these are compared with.
RECENT_DAYS, FORMER_DAYS = 7, 28
#: Days after which a vote counts half of a new one.
HALF_LIFE_DAYS = 3.0
#: Items of a shopper on one day that count at most, the latest; one shopper makes few pairs.
ITEMS_A_DAY = 50
#: Memory of each sort and join of the count, which joins the votes with themselves.
WORK_MEM = "128MB"
#: Ranks at which a step ends. The last one is where the list ends.
TRENDING_STEPS = (10, 30, 70, 150)
ALSO_VIEWED_STEPS = (3, 6, 12)
KINDS = (Kind.VIEW, Kind.CLICK, Kind.ADD_TO_CART, Kind.PURCHASE, Kind.LIKE)

_VOTES = """
    CREATE TEMPORARY TABLE similarity_vote ON COMMIT DROP AS
    SELECT profile_id, day, name FROM (
        SELECT profile_id, day, name,
            row_number() OVER (PARTITION BY profile_id, day ORDER BY max(at) DESC, name) AS place
        FROM (
            SELECT event.profile_id, event.at,
                (event.at AT TIME ZONE %(zone)s)::date AS day,
                coalesce(vectors."group", left({alone} || event.product_id, 255)) AS name
            FROM similarity_event AS event
            JOIN similarity_verified USING (profile_id)
            LEFT JOIN similarity_productvectors AS vectors
                ON vectors.product_id = event.product_id AND vectors.version_id = %(version)s
            WHERE event.at >= %(since)s AND event.at < %(until)s
                AND event.kind = ANY(%(kinds)s) AND event.product_id IS NOT NULL
        ) AS seen
        GROUP BY profile_id, day, name
    ) AS ranked WHERE place <= %(items_a_day)s
"""
# The whole shop's recent votes against its former ones: a busy week makes nothing trend.
_TRENDING = """
    WITH weighed AS (
        SELECT name, profile_id,
            CASE WHEN day >= %(recent)s THEN 0.5 ^ ((%(today)s - 1 - day) / %(half_life)s) END
                AS weight
        FROM similarity_vote
    ), counted AS (
        SELECT name, coalesce(sum(weight), 0) AS recent,
            count(*) FILTER (WHERE weight IS NULL) AS former,
            count(DISTINCT profile_id) FILTER (WHERE weight IS NOT NULL) AS shoppers
        FROM weighed GROUP BY name
    ), growth AS (
        SELECT sum(recent) / greatest(sum(former), 1) AS rate FROM counted
    ), scored AS (
        SELECT name, (recent - former * rate) / sqrt(former * rate + 1) AS score
        FROM counted CROSS JOIN growth
        LEFT JOIN similarity_trendingitem AS shown USING (name)
        WHERE shoppers >= %(least)s + CASE WHEN shown.name IS NULL THEN 1 ELSE 0 END
    ), placed AS (
        SELECT name, row_number() OVER (ORDER BY score DESC, md5(name)) AS place
        FROM scored WHERE score > 0
    ), gone AS (
        DELETE FROM similarity_trendingitem WHERE name NOT IN (
            SELECT name FROM placed WHERE place <= %(most)s
        )
    )
    INSERT INTO similarity_trendingitem (name, step, day)
    SELECT name, 1 + width_bucket(place - 1, %(ends)s::bigint[]), %(today)s
    FROM placed WHERE place <= %(most)s
    ON CONFLICT (name) DO UPDATE SET step = excluded.step, day = excluded.day
"""
_ALSO_VIEWED = """
    WITH popular AS (
        SELECT name, count(DISTINCT profile_id) AS shoppers FROM similarity_vote
        GROUP BY name HAVING count(DISTINCT profile_id) >= %(least)s
    ), pairs AS (
        SELECT first.name AS source, second.name, count(DISTINCT first.profile_id) AS shoppers
        FROM similarity_vote AS first
        JOIN similarity_vote AS second USING (profile_id, day)
        JOIN popular AS one ON one.name = first.name
        JOIN popular AS two ON two.name = second.name
        WHERE first.name <> second.name
        GROUP BY first.name, second.name HAVING count(DISTINCT first.profile_id) >= %(least)s
    ), placed AS (
        SELECT pairs.source, pairs.name, row_number() OVER (
            PARTITION BY pairs.source
            ORDER BY pairs.shoppers / sqrt(one.shoppers * two.shoppers) DESC, md5(pairs.name)
        ) AS place
        FROM pairs JOIN popular AS one ON one.name = pairs.source
        JOIN popular AS two ON two.name = pairs.name
        LEFT JOIN similarity_alsovieweditem AS shown
            ON shown.source = pairs.source AND shown.name = pairs.name
        WHERE pairs.shoppers >= %(least)s + CASE WHEN shown.name IS NULL THEN 1 ELSE 0 END
    ), gone AS (
        DELETE FROM similarity_alsovieweditem AS old WHERE NOT EXISTS (
            SELECT FROM placed WHERE placed.source = old.source AND placed.name = old.name
            AND place <= %(most)s
        )
    )
    INSERT INTO similarity_alsovieweditem (source, name, step, day)
    SELECT source, name, 1 + width_bucket(place - 1, %(ends)s::bigint[]), %(today)s
    FROM placed WHERE place <= %(most)s
    ON CONFLICT (source, name) DO UPDATE SET step = excluded.step, day = excluded.day
"""


def count_public_shelves() -> bool:
    """Count and release the shelves of today; return False if today's are released already."""
    alias, today = upsert.alias(), times.today()
    with transaction.atomic(using=alias):
        if not taken_for_transaction(LOCK, alias):
            return False
        if PublicRelease.objects.using(alias).filter(day__gte=today).exists():
            return False
        since = today - datetime.timedelta(days=RECENT_DAYS + FORMER_DAYS)
        _collect_votes(times.aware(since), times.aware(today), alias)
        given = {
            "today": today,
            "recent": today - datetime.timedelta(days=RECENT_DAYS),
            "half_life": HALF_LIFE_DAYS,
            "least": conf.get("SHOPPERS", "MIN_SHOPPERS"),
        }
        trending = _release(_TRENDING, TRENDING_STEPS, given, alias)
        pairs = _release(_ALSO_VIEWED, ALSO_VIEWED_STEPS, given, alias)
        PublicRelease.objects.using(alias).exclude(day=today).delete()
        PublicRelease.objects.using(alias).create(day=today)
    logger.info("Public shelves of %s: %d items trend, %d pairs.", today, trending, pairs)
    return True


def _collect_votes(since: datetime.datetime, until: datetime.datetime, alias: str) -> None:
    """Fill ``similarity_vote`` with a row for each verified shopper, day and item."""
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SET LOCAL work_mem = '{WORK_MEM}'")
        cursor.execute("DROP TABLE IF EXISTS pg_temp.similarity_vote, pg_temp.similarity_verified")
        cursor.execute(
            "CREATE TEMPORARY TABLE similarity_verified (profile_id bigint PRIMARY KEY) "
            "ON COMMIT DROP"
        )
        for page in verified_profiles(since, alias):
            cursor.execute("INSERT INTO similarity_verified SELECT unnest(%s::bigint[])", [page])
        cursor.execute("ANALYZE similarity_verified")
        cursor.execute(
            SQL(_VOTES).format(alone=Literal(ALONE)),
            {
                "zone": timezone.get_default_timezone_name(),
                "version": _live_version(cursor),
                "since": since,
                "until": until,
                "kinds": [int(kind) for kind in KINDS],
                "items_a_day": ITEMS_A_DAY,
            },
        )
        cursor.execute("ANALYZE similarity_vote")


def _live_version(cursor: Any) -> int | None:
    cursor.execute("SELECT id FROM similarity_encoderversion WHERE status = 'live'")
    row = cursor.fetchone()
    return row[0] if row else None


def _release(statement: str, steps: Sequence[int], given: dict[str, Any], alias: str) -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement, {**given, "ends": list(steps[:-1]), "most": steps[-1]})
        return int(cursor.rowcount)
