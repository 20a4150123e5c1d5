"""The SQL of a trigger and its function, a pair for each table and operation."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from similarity.capture.routes import CHANGED, Watched, key_column
from similarity.models import SpilledChange
from similarity.models.outbox import ENQUEUE, PendingProduct

#: Prefix of all our triggers and functions; django-pgtrigger prunes only its own prefix.
PREFIX = "similarity_capture"
OPERATIONS = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")

#: Longest a statement of the host waits for an outbox row that another transaction holds. It is
#: below PostgreSQL's own deadlock_timeout (1 s), so our wait never makes a statement a deadlock's
#: victim.
LOCK_TIMEOUT_MS = 300

_OUTBOX = PendingProduct._meta.db_table
_SPILLED = SpilledChange._meta.db_table

_TABLES = {
    "INSERT": "REFERENCING NEW TABLE AS new_rows",
    "UPDATE": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "REFERENCING OLD TABLE AS old_rows",
    "TRUNCATE": "",
}

# The handler must not fail either; the next reconcile finds changes that it cannot write down.
_FUNCTION = """
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {search_path}
SET lock_timeout = '{lock_timeout_ms}ms' AS $similarity$
BEGIN
    {statement};
    RETURN NULL;
EXCEPTION
    WHEN lock_not_available OR deadlock_detected OR serialization_failure THEN
        BEGIN
            {otherwise};
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING 'similarity: a change of % was not captured: % (%)',
                TG_TABLE_NAME, SQLERRM, SQLSTATE;
        END;
        RETURN NULL;
    WHEN OTHERS THEN
        RAISE WARNING 'similarity: a change of % was not captured: % (%)',
            TG_TABLE_NAME, SQLERRM, SQLSTATE;
        RETURN NULL;
END $similarity$
"""
_TRIGGER = """
CREATE OR REPLACE TRIGGER {trigger} AFTER {operation} ON {table} {transition}
FOR EACH STATEMENT EXECUTE FUNCTION {function}()
"""


@dataclass(frozen=True)
class Surroundings:
    """The database facts that the statements need: products' table and key, unquoted."""

    products: str
    key: str
    #: The schemas in which the functions find tables, whatever role runs the statement.
    schemas: tuple[str, ...]
    quote: Callable[[str], str]


@dataclass(frozen=True)
class Trigger:
    """A trigger: ``table`` as SQL; equal ``hash`` in the database means that it is up to date."""

    table: str
    name: str
    function: str
    statements: tuple[str, ...]

    @property
    def hash(self) -> str:
        return hashlib.sha256("".join(self.statements).encode()).hexdigest()[:32]


def triggers(table: Watched, relation: str, around: Surroundings) -> list[Trigger]:
    """Return the triggers of a table, which is ``relation`` in SQL."""
    return [_trigger(table, relation, operation, around) for operation in OPERATIONS]


def _trigger(table: Watched, relation: str, operation: str, around: Surroundings) -> Trigger:
    name, function = f"{PREFIX}_{operation.lower()}", _function_name(table.table, operation)
    statement, otherwise = _body(table, operation, around)
    values = {
        "trigger": name,
        "function": function,
        "operation": operation,
        "table": relation,
        "transition": _TABLES[operation],
        "search_path": ", ".join([*map(around.quote, around.schemas), "pg_temp"]),
        "lock_timeout_ms": LOCK_TIMEOUT_MS,
        "statement": statement.strip(),
        "otherwise": otherwise.strip(),
    }
    made = (_FUNCTION.format(**values), _TRIGGER.format(**values))
    return Trigger(relation, name, function, made)


def _function_name(table: str, operation: str) -> str:
    """Return a name of at most 63 characters, different for each table however long its name."""
    digest = hashlib.sha256(table.encode()).hexdigest()[:10]
    return f"{PREFIX}_{operation.lower()}_{digest}"


def _body(table: Watched, operation: str, around: Surroundings) -> tuple[str, str]:
    """Return (the trigger's action, its action if another transaction is in the way)."""
    own = table.table == around.products
    if own and operation == "TRUNCATE":
        return "DELETE FROM similarity_pendingproduct", "NULL"
    if own and operation == "DELETE":
        forget = _forget(around.quote(around.key))
        if len(table.routes) == 1:  # the product's own key
            return forget, "NULL"
        # Products that are read from others, as variants are from their parent.
        others = replace(table, routes=table.routes[1:])
        mark, spill = _mark(_keys(others, operation, around))
        return f"{forget}; {mark}", spill
    return _mark(_keys(table, operation, around))


def _mark(keys: str) -> tuple[str, str]:
    return (
        ENQUEUE.format(force="false", keys=keys),
        f"INSERT INTO {_SPILLED} (product_key) {keys}",
    )


def _forget(key: str) -> str:
    """Return SQL that deletes outbox rows of deleted products; vectors go by the foreign key."""
    return f"""
        DELETE FROM {_OUTBOX} USING (
            SELECT id FROM {_OUTBOX} WHERE product_key IN (SELECT {key}::text FROM old_rows)
            ORDER BY product_key COLLATE "C" FOR UPDATE
        ) AS gone WHERE {_OUTBOX}.id = gone.id
    """  # noqa: S608 - names of tables and columns


def _keys(table: Watched, operation: str, around: Surroundings) -> str:
    """Return a query for the different keys, as text, of products that a statement changed."""
    quote = around.quote
    if operation == "TRUNCATE":  # it names no rows, so any product may have changed
        return f"SELECT {quote(around.key)}::text FROM {quote(around.products)}"  # noqa: S608
    routes = " UNION ".join(table.routes)
    return (
        f"WITH {_changed(table, operation, quote)} "  # noqa: S608 - names of tables and columns
        f"SELECT DISTINCT key::text FROM ({routes}) AS found(key) WHERE key IS NOT NULL"
    )


def _changed(table: Watched, operation: str, quote: Callable[[str], str]) -> str:
    """Return common table expressions that end in ``CHANGED``: the columns that routes read."""
    names = [quote(name) for name in sorted(table.needed)]
    if operation != "UPDATE":
        rows = "new_rows" if operation == "INSERT" else "old_rows"
        return f"{CHANGED} AS (SELECT {', '.join(names)} FROM {rows})"  # noqa: S608
    key = quote(key_column(table.model))
    before = ", ".join(f"o.{name} AS {quote(f'o{at}')}" for at, name in enumerate(names))
    after = ", ".join(f"n.{name} AS {quote(f'n{at}')}" for at, name in enumerate(names))
    return f"""
        pairs AS MATERIALIZED (
            SELECT {before}, {after} FROM old_rows o FULL JOIN new_rows n ON o.{key} = n.{key}
            WHERE {_differ(table, quote)}
        ), {CHANGED}({", ".join(names)}) AS (
            SELECT {", ".join(quote(f"o{at}") for at in range(len(names)))} FROM pairs
            UNION SELECT {", ".join(quote(f"n{at}") for at in range(len(names)))} FROM pairs
        )
    """  # noqa: S608 - names of tables and columns


def _differ(table: Watched, quote: Callable[[str], str]) -> str:
    """Return a condition: the relevant columns of a row changed, byte by byte.

    ``record_image_ne`` compares values of any type, including types without an equality (``json``)
    and texts that their collation holds for equal.
    """
    if table.columns is None:
        return "o IS NULL OR n IS NULL OR record_image_ne(o, n)"
    columns = sorted({*table.columns, key_column(table.model)})
    before, after = (", ".join(f"{row}.{quote(name)}" for name in columns) for row in "on")
    return f"record_image_ne(ROW({before}), ROW({after}))"
