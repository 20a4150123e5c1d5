"""Checks of the database: PostgreSQL, the same for products and plugin, extensions, migrations."""

import re
from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Warning
from django.db import DatabaseError, connections, router
from django.db.migrations.exceptions import NodeNotFoundError
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Model

from similarity import conf
from similarity.exceptions import ConfigurationError
from similarity.extension import extensions
from similarity.models.extensions import ExtensionState, extension_states, statements
from similarity.models.product_keys import foreign_key_name
from similarity.vectors import fusions, indexes

#: Version 0.8 brought iterative index scans, by which a filter never leaves a shelf short.
MIN_PGVECTOR = (0, 8)


def check_aliases(**kwargs: Any) -> list[CheckMessage]:
    """Check where routers send the product model and the plugin's tables, without a connection."""
    from similarity.models import ProductVectors

    try:
        product = conf.product_model()
    except ConfigurationError:
        return []  # similarity.E001 or E002
    messages: list[CheckMessage] = []
    theirs, ours = router.db_for_write(product), router.db_for_write(ProductVectors)
    if theirs != ours:
        messages.append(
            Error(
                f"{product._meta.label} is written to the database {theirs!r} and the plugin's "
                f"tables to {ours!r}; queries join them.",
                hint="Let DATABASE_ROUTERS send the app 'similarity' to the products' database.",
                id="similarity.E030",
            )
        )
    vendor = connections[ours].vendor
    if vendor != "postgresql":
        messages.append(
            Error(
                f"The plugin's tables are in the database {ours!r}, which is {vendor}.",
                hint="Use PostgreSQL with pgvector 0.8 or later (django.db.backends.postgresql).",
                id="similarity.E031",
            )
        )
    return messages


def check_database(*, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check pgvector and the migrations, if the plugin's database is among ``databases``."""
    from similarity.models import ProductVectors

    alias = router.db_for_write(ProductVectors)
    if alias not in (databases or ()) or connections[alias].vendor != "postgresql":
        return []
    try:
        told = _check_extensions(alias)
        return told + (_check_migrations(alias) or [*_check_cascade(alias), *_check_made(alias)])
    except DatabaseError as error:
        return [
            Error(
                f"The database {alias!r} cannot be queried: {str(error).strip()}",
                hint="Start the server, and compare DATABASES with its address.",
                id="similarity.E032",
            )
        ]


def _check_extensions(alias: str) -> list[CheckMessage]:
    states = extension_states(alias)
    absent = [state.name for state in states if state.version is None]
    if absent:
        return [
            Error(
                f"The server of the database {alias!r} has no {', '.join(absent)}.",
                hint="Install it on the server (packages postgresql-18-pgvector for vector, "
                "postgresql-contrib for the others; or the image pgvector/pgvector:pg18), then "
                "run: manage.py migrate similarity.",
                id="similarity.E033",
            )
        ]
    return [*_check_version(alias, states[0]), *_check_rights(alias, states)]


def _check_version(alias: str, vector: ExtensionState) -> list[CheckMessage]:
    if _numbers(vector.version or "") >= MIN_PGVECTOR:
        return []
    return [
        Error(
            f"The database {alias!r} has pgvector {vector.version}; it must be 0.8 or later.",
            hint="Install a later version on the server, then run: ALTER EXTENSION vector UPDATE.",
            id="similarity.E034",
        )
    ]


def _check_rights(alias: str, states: Sequence[ExtensionState]) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    missing = [state.name for state in states if state.schema is None]
    denied = [state.name for state in states if state.schema is None and not state.creatable]
    if denied:
        messages.append(
            Warning(
                f"The role of the database {alias!r} may not install {', '.join(denied)}, which "
                "migrate does first.",
                hint="Have an administrator run in that database: "
                f"{statements(missing)} Then run: manage.py migrate similarity.",
                id="similarity.W070",
            )
        )
    hidden = [state for state in states if not state.visible]
    if hidden:
        schemas = ", ".join(sorted({str(state.schema) for state in hidden}))
        messages.append(
            Error(
                f"{', '.join(state.name for state in hidden)} of the database {alias!r} lies in "
                f"the schema {schemas}, which is not in the role's search path.",
                hint="Add the schema: ALTER ROLE … IN DATABASE … SET search_path = …, "
                f"{schemas}; and grant USAGE on it.",
                id="similarity.E071",
            )
        )
    return messages


def _check_migrations(alias: str) -> list[CheckMessage]:
    try:
        executor = MigrationExecutor(connections[alias])
    except (ValueError, NodeNotFoundError) as error:
        return [_unknown_history(error)]
    labels = {app.label for app in conf.installed_apps()}
    targets = [key for key in executor.loader.graph.leaf_nodes() if key[0] in labels]
    unapplied = [
        f"{migration.app_label}.{migration.name}"
        for migration, _backwards in executor.migration_plan(targets)
        if migration.app_label in labels
    ]
    if not unapplied:
        return []
    return [
        Warning(
            f"Migrations of similarity are not applied to {alias!r}: {', '.join(unapplied)}.",
            hint="Run: manage.py migrate.",
            id="similarity.W035",
        )
    ]


def _unknown_history(error: Exception) -> CheckMessage:
    app_label = conf.product_model()._meta.app_label
    return Error(
        f"The migrations cannot be read: {error}",
        hint=f"The app {app_label!r} holds the product model, and this plugin's migrations depend "
        f"on its own: run 'manage.py makemigrations {app_label}', or remove its empty package of "
        "migrations.",
        id="similarity.E073",
    )


def _check_made(alias: str) -> list[CheckMessage]:
    """Check indexes and cells, which migrations do not make and a restore of data lacks."""
    live = fusions.every_version().live()
    states = indexes.states(live) if live else {}
    lacking = [column for column, state in states.items() if state != indexes.VALID]
    if live is None or not lacking:
        return []
    return [
        Warning(
            f"Live version {live.pk} in {alias!r} lacks the index or cells for "
            f"{' and '.join(lacking)}, for example after a restore of data alone.",
            hint=f"Run: manage.py similarity promote {live.pk}.",
            id="similarity.W072",
        )
    ]


def _check_cascade(alias: str) -> list[CheckMessage]:
    """Check foreign keys, which are lost by a change of the key's type.

    Django restores only the keys of its own models.
    """
    from similarity.models import ProductInputs, ProductVectors

    models: list[type[Model]] = [ProductVectors, ProductInputs]
    models += [model for one in extensions() for model in one.product_models()]
    keys = {model._meta.db_table: foreign_key_name(model._meta.db_table) for model in models}
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE confdeltype = 'c' "
            "AND conrelid IN (SELECT to_regclass(name) FROM unnest(%s::text[]) AS name)",
            [list(keys)],
        )
        found = {name for (name,) in cursor.fetchall()}
    return [_lost_key(alias, table, name) for table, name in keys.items() if name not in found]


def _lost_key(alias: str, table: str, name: str) -> CheckMessage:
    products, column = conf.product_model()._meta.db_table, conf.product_model()._meta.pk.column
    return Warning(
        f"Rows of {table} in {alias!r} are not deleted with their product: the table has lost its "
        "foreign key, for example because the type of the product's key changed.",
        hint=f'Run: DELETE FROM {table} WHERE product_id NOT IN (SELECT "{column}" FROM '  # noqa: S608 - a text to read
        f'"{products}"); ALTER TABLE {table} ADD CONSTRAINT {name} '
        f'FOREIGN KEY (product_id) REFERENCES "{products}" ("{column}") ON DELETE CASCADE '
        "DEFERRABLE INITIALLY DEFERRED;",
        id="similarity.W036",
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])
