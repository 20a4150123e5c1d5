"""Import a file of events in chunks; what was imported before is not added again.

The number of an imported event follows from its shopper, time, kind and product. So an import may
be stopped, resumed and repeated, and files may overlap. Events that are alike in all of these are
one event.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple

from django.db import connections, transaction

from similarity.catalog import times
from similarity.events import counting, partitions
from similarity.events.imports.files import EventFile
from similarity.events.imports.lookups import ProductKeys, Profiles, user_keys
from similarity.events.imports.rows import BadRow, Parsed, RowParser
from similarity.events.retention import kept_since
from similarity.models.vectors import key_type
from similarity.similar.within import database_keys
from similarity.types import Progress, no_progress

#: Rows that are written in one transaction.
CHUNK = 10_000

_TABLE = """
    CREATE TEMPORARY TABLE similarity_imported (
        at timestamptz, id bigint, profile_id bigint, kind smallint, product_id {key},
        quantity integer, value numeric, currency text, query text
    ) ON COMMIT DROP
"""
_COPY = "COPY similarity_imported FROM STDIN"
_INSERT = """
    INSERT INTO similarity_event (at, id, profile_id, kind, product_id, quantity, value, currency,
        query, token, by_server)
    SELECT at, id, profile_id, kind, product_id, quantity, value, currency, query, '', true
    FROM similarity_imported ON CONFLICT DO NOTHING
"""


class Fault(NamedTuple):
    """A row that gave no event, or less than it says."""

    line: int
    reason: str


@dataclass
class Imported:
    """What an import did, in events; ``unused`` rows are of kinds that are not kept."""

    rows: int = 0
    added: int = 0
    present: int = 0
    unused: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    first: datetime | None = None
    last: datetime | None = None


@dataclass(frozen=True)
class ImportRule:
    """How a file names products and users, and the zone of times that have none."""

    zone: tzinfo
    product_field: str = "pk"
    user_field: str = "pk"


def import_events(
    source: EventFile,
    rule: ImportRule,
    report_fault: Callable[[Fault], None],
    progress: Progress = no_progress,
) -> Imported:
    """Import all events of a file, and return what was done."""
    importer = _Importer(rule, report_fault)
    rows = source.rows()
    try:
        while chunk := list(importer.parse(islice(rows, CHUNK))):
            importer.write([parsed for parsed in chunk if parsed is not None])
            progress("import", source.done, source.total)
    finally:
        importer.count_days()
    return importer.done


class _Importer:
    def __init__(self, rule: ImportRule, report_fault: Callable[[Fault], None]) -> None:
        self.done = Imported()
        self._report_fault = report_fault
        self._using = partitions.alias()
        now = times.now()
        self._parser = RowParser(rule.zone, now, kept_since(now))
        self._products = ProductKeys(rule.product_field, self._using)
        self._users = user_keys(rule.user_field, self._using)
        self._profiles = Profiles(self._using)
        self._months: set[datetime] = set()

    def parse(self, rows: Iterator[Any]) -> Iterator[Parsed | None]:
        """Yield the events of each row, and None for a row without any."""
        for line, values, fault in rows:
            self.done.rows += 1
            if fault:
                self._refuse(line, fault)
                yield None
                continue
            try:
                parsed = list(self._parser.parse(line, values))
            except BadRow as error:
                self._refuse(line, str(error))
                yield None
                continue
            self.done.unused += not parsed
            yield from parsed
            if not parsed:
                yield None

    def write(self, parsed: list[Parsed]) -> None:
        """Write a chunk in one transaction; rows whose product is unknown are refused."""
        products = self._products.find(one.product for one in parsed if one.product)
        users = self._users.find(one.user for one in parsed if one.user)
        kept = []
        for one in parsed:
            if one.product and products[one.product] is None:
                self._refuse(one.line, f"names an unknown or denied product: {one.product[:40]!r}")
            elif one.user and not one.visitor and users[one.user] is None:
                self._refuse(one.line, "names an unknown user and no visitor")
            else:
                kept.append(one)
        if not kept:
            return
        self._create_partitions(kept)
        with transaction.atomic(using=self._using):
            self._write(kept, products, users)

    def count_days(self) -> None:
        """Count the days again on which events were added."""
        if self.done.first and self.done.last:
            first, last = (times.day_of(at) for at in (self.done.first, self.done.last))
            counting.count_days(first, last, self._using)

    def _write(self, kept: list[Parsed], products: Any, users: Any) -> None:
        by_user = {one.user: users[one.user] for one in kept if one.user}
        known = {user: key for user, key in by_user.items() if key is not None}
        visitors = {one.visitor for one in kept if one.visitor and one.user not in known}
        of_visitor, of_user = self._profiles.lock(visitors, set(known.values()))
        stored = self._database_keys(products[one.product] for one in kept if one.product)
        rows = []
        for one in kept:
            # None for a search
            is_user = one.user in known
            profile = of_user[known[one.user]] if is_user else of_visitor.get(one.visitor)
            key = stored[products[one.product]] if one.product else None
            number = number_of(profile, one, key)
            of_whom = (one.at, number, profile, int(one.kind), key)
            rows.append((*of_whom, one.quantity, one.value, one.currency, one.query))
        with connections[self._using].cursor() as cursor:
            cursor.execute(_TABLE.format(key=key_type(self._using)))
            with cursor.db.wrap_database_errors, cursor.copy(_COPY) as copy:
                for row in rows:
                    copy.write_row(row)
            cursor.execute(_INSERT)
            added = cursor.rowcount
            cursor.execute("DROP TABLE similarity_imported")  # also within an outer transaction
        self.done.added += added
        self.done.present += len(rows) - added

    def _database_keys(self, keys: Iterable[Any]) -> dict[Any, Any]:
        distinct = list(dict.fromkeys(keys))
        return dict(zip(distinct, database_keys(distinct, self._using), strict=True))

    def _create_partitions(self, kept: list[Parsed]) -> None:
        times = [one.at for one in kept]
        for month in {partitions.month_of(at) for at in times} - self._months:
            partitions.create(month, month, self._using)
            self._months.add(month)
        self.done.first = min([*times, *filter(None, [self.done.first])])
        self.done.last = max([*times, *filter(None, [self.done.last])])

    def _refuse(self, line: int, reason: str) -> None:
        self.done.faults[reason.partition(":")[0]] += 1
        self._report_fault(Fault(line, reason))


def number_of(profile: int | None, event: Parsed, key: Any) -> int:
    """Return the number that an imported event always has, of 63 bits."""
    told = f"{profile}|{event.at.isoformat()}|{int(event.kind)}|{key}|{event.query}"
    return int.from_bytes(blake2b(told.encode(), digest_size=8).digest()) >> 1
