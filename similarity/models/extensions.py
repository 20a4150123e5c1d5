"""Extensions of PostgreSQL that the tables and queries need."""

from typing import NamedTuple

from django.db import ProgrammingError, connections, transaction

from similarity.exceptions import ConfigurationError
from similarity.extension import extensions


def extension_names() -> list[str]:
    """Return the extensions that the core and the installed apps need."""
    return ["vector", *(name for one in extensions() for name in one.postgres_extensions)]


class ExtensionState(NamedTuple):
    """``version`` is the installed version, else the version the server offers; None without both.

    ``schema`` holds the extension, and is None if it is not installed. ``visible`` is True if the
    schema is in the search path. ``creatable`` is True if the role may install it, as far as
    PostgreSQL knows: hosting services have their own rules.
    """

    name: str
    version: str | None
    schema: str | None
    visible: bool
    creatable: bool


def extension_states(alias: str) -> list[ExtensionState]:
    """Return the state of each needed extension in the database ``alias``."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            """
            SELECT wanted.name, coalesce(extversion, default_version), nspname,
                nspname IS NULL OR nspname = ANY (current_schemas(true)),
                (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) OR coalesce((
                    SELECT trusted FROM pg_available_extension_versions AS offered
                    WHERE offered.name = wanted.name AND offered.version = default_version
                ), false) AND has_database_privilege(current_database(), 'CREATE')
            FROM unnest(%s::text[]) WITH ORDINALITY AS wanted(name, position)
            LEFT JOIN pg_available_extensions AS known ON known.name = wanted.name
            LEFT JOIN pg_extension ON extname = wanted.name
            LEFT JOIN pg_namespace ON pg_namespace.oid = extnamespace
            ORDER BY position
            """,
            [extension_names()],
        )
        return [ExtensionState(*row) for row in cursor.fetchall()]


def statements(names: list[str]) -> str:
    """Return the SQL by which an administrator installs extensions."""
    return " ".join(f"CREATE EXTENSION IF NOT EXISTS {name};" for name in names)


def create_extensions(alias: str) -> None:
    """Install the missing extensions, before the first table is made.

    Raises :class:`ConfigurationError` with the SQL for an administrator if the role may not install
    them.
    """
    missing = [state.name for state in extension_states(alias) if state.schema is None]
    try:
        for name in missing:
            with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
                cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {name}")
    except ProgrammingError as error:
        raise ConfigurationError(
            f"{str(error).strip().splitlines()[0]}. Nothing was migrated. Have an administrator "
            f"run in this database: {statements(missing)} Then run 'manage.py migrate' again."
        ) from error
