"""Installation of the triggers in the host's database, and a check that they are up to date.

They are not migrations, because the tables and columns depend on ``SIMILARITY["CATALOG"]``, and the
tables are the host's. ``migrate`` brings them up to date if they are in use.
"""

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, connections, transaction

from similarity import conf
from similarity.capture import mode, routes, statements
from similarity.capture.mode import alias
from similarity.catalog.adapter import get_adapter
from similarity.exceptions import ConfigurationError, SimilarityError
from similarity.models import PendingProduct

logger = logging.getLogger(__name__)

#: Longest an installation waits for a table; meanwhile every statement on it waits too.
INSTALL_LOCK_TIMEOUT_MS = 3000


@dataclass(frozen=True)
class TriggerState:
    """A trigger of ours, existing or wanted.

    ``state`` is installed, missing, outdated, disabled or left over.
    """

    table: str
    name: str
    state: str


def states() -> list[TriggerState]:
    """Return the state of each trigger that is wanted or exists."""
    wanted = {(each.table, each.name): each for each in _wanted()}
    found = _found()
    told = []
    for at in sorted({*wanted, *found}):
        if at not in found:
            state = "missing"
        elif at not in wanted:
            state = "left over"
        elif found[at].hash != wanted[at].hash:
            state = "outdated"
        else:
            state = "installed" if found[at].enabled else "disabled"
        told.append(TriggerState(*at, state))
    return told


def install() -> int:
    """Bring the triggers up to date; return how many were made or dropped.

    It changes one table after another, so that no two tables are locked at once. Raises
    ``OperationalError`` if a table stays locked for ``INSTALL_LOCK_TIMEOUT_MS``. Run it again then:
    the finished tables stay done.
    """
    wanted = list(_wanted())
    found = _found()
    todo = [each for each in wanted if not _is_there(each, found.get((each.table, each.name)))]
    for each in todo:
        _execute(*each.statements, _comment(each), _enable(each))
    names = {(each.table, each.name) for each in wanted}
    left_over = [_drop(*at, found[at].function) for at in found if at not in names]
    for drop in left_over:
        _execute(*drop)
    return len(todo) + len(left_over)


def uninstall() -> int:
    """Drop every trigger and function of ours; return how many triggers."""
    found = _found()
    for at in found:
        _execute(*_drop(*at, found[at].function))
    return len(found)


def keep_up_to_date(**kwargs: Any) -> None:
    """Update after ``migrate``, because a migration of the host may rename tables and columns.

    A database that lacks some tables is not an error. Without the outbox, as after ``migrate
    similarity zero``, no trigger stays on the host's tables.
    """
    if kwargs.get("using", alias()) != alias() or connections[alias()].vendor != "postgresql":
        return
    try:
        if not _has_outbox():
            uninstall()
        elif mode.in_use():
            install()
    except (DatabaseError, SimilarityError) as error:
        logger.warning(
            "The triggers that see changes of products are not up to date: %s. Run 'manage.py "
            "similarity triggers install'.",
            str(error).strip(),
        )


def _has_outbox() -> bool:
    with connections[alias()].cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [PendingProduct._meta.db_table])
        return bool(cursor.fetchone()[0])


@dataclass(frozen=True)
class _Found:
    hash: str
    enabled: bool
    function: str


def _is_there(trigger: statements.Trigger, found: _Found | None) -> bool:
    return found is not None and found.hash == trigger.hash and found.enabled


def _wanted() -> Iterator[statements.Trigger]:
    connection = connections[alias()]
    quote = connection.ops.quote_name
    product = conf.product_model()
    tables = {quote(each.table): each for each in routes.watched(get_adapter())}
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schemas(false)")
        schemas = tuple(cursor.fetchone()[0])
        # A view has no rows of its own, and a table may not be made yet.
        cursor.execute(
            "SELECT name, pg_class.oid::regclass::text, ARRAY(SELECT attname::text "
            "FROM pg_attribute WHERE attrelid = pg_class.oid AND NOT attisdropped) "
            "FROM unnest(%s::text[]) AS name JOIN pg_class ON pg_class.oid = to_regclass(name) "
            "WHERE relkind IN ('r', 'p')",
            [list(tables)],
        )
        relations = {}
        for name, relation, columns in cursor.fetchall():
            _require(tables[name], columns)
            relations[name] = relation
    around = statements.Surroundings(
        product._meta.db_table, routes.key_column(product), schemas, quote
    )
    for name, relation in relations.items():
        yield from statements.triggers(tables[name], relation, around)


def _require(table: routes.Watched, columns: Collection[str]) -> None:
    """Refuse a missing column, because its trigger would miss every change and only warn."""
    lacking = {*table.needed, *(table.columns or ())} - set(columns)
    if lacking:
        raise ConfigurationError(
            f"{table.model._meta.label} has no column {', '.join(sorted(lacking))} in its table "
            f"{table.table!r}; run 'manage.py migrate', or correct what the adapter's "
            "columns_read() returns."
        )


def _found() -> dict[tuple[str, str], _Found]:
    with connections[alias()].cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname, "
            "coalesce(obj_description(pg_trigger.oid, 'pg_trigger'), ''), tgenabled <> 'D', "
            "tgfoid::regproc::text FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            # Other schemas are other tenants': their triggers are theirs to install and drop.
            "WHERE starts_with(tgname, %s) AND relnamespace = ANY (SELECT oid FROM pg_namespace "
            "WHERE nspname = ANY (current_schemas(false)))",
            [f"{statements.PREFIX}_"],
        )
        return {(table, name): _Found(*rest) for table, name, *rest in cursor.fetchall()}


def _comment(trigger: statements.Trigger) -> str:
    return f"COMMENT ON TRIGGER {trigger.name} ON {trigger.table} IS '{trigger.hash}'"


def _enable(trigger: statements.Trigger) -> str:
    return f"ALTER TABLE {trigger.table} ENABLE TRIGGER {trigger.name}"


def _drop(table: str, name: str, function: str) -> tuple[str, ...]:
    return f"DROP TRIGGER {name} ON {table}", f"DROP FUNCTION IF EXISTS {function}()"


def _execute(*commands: str) -> None:
    mode.forget()
    with transaction.atomic(using=alias()), connections[alias()].cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {int(INSTALL_LOCK_TIMEOUT_MS)}")
        for command in commands:
            cursor.execute(command)
