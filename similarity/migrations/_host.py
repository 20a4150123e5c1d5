"""Where in the host's own migrations the product model gets its name.

A foreign key needs its target's table, and the product model need not be in its app's
first migration, which is all that ``migrations.swappable_dependency`` can name.
"""

import pkgutil
from importlib import import_module

from django.db import migrations
from django.db.migrations.loader import MigrationLoader

from similarity import conf


def product_migration() -> tuple[str, str]:
    """(app label, migration name) to depend on for the host's product model."""
    app_label, model_name = conf.product_model_label().split(".")
    module_name, _explicit = MigrationLoader.migrations_module(app_label)
    if module_name is None:  # migrations switched off: the table is made by syncdb
        return app_label, "__first__"
    try:
        package = import_module(module_name)
    except ImportError:
        return app_label, "__first__"
    found: dict[str, bool] = {}
    for _finder, name, is_package in pkgutil.iter_modules(package.__path__):
        if is_package or name[0] in "_~":
            continue
        migration = getattr(import_module(f"{module_name}.{name}"), "Migration", None)
        if migration and any(_names(operation, model_name) for operation in migration.operations):
            found[name] = bool(migration.replaces)
    # The last one: a model may be renamed, or made anew. Squashed migrations stand for others.
    names = [name for name, replaces in found.items() if not replaces] or list(found)
    return app_label, names[-1] if names else "__first__"


def _names(operation: object, model_name: str) -> bool:
    """Whether the model has its name since this operation.

    Also where it changes only what Django knows: a table of raw SQL, or of another app.
    """
    if any(_names(inner, model_name) for inner in getattr(operation, "state_operations", ())):
        return True
    if isinstance(operation, migrations.RenameModel):
        return operation.new_name.lower() == model_name.lower()
    return (
        isinstance(operation, migrations.CreateModel)
        and operation.name.lower() == model_name.lower()
    )
