"""Where in the host's own migrations the product model is made.

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
    for _finder, name, is_package in pkgutil.iter_modules(package.__path__):
        if is_package or name[0] in "_~":
            continue
        migration = getattr(import_module(f"{module_name}.{name}"), "Migration", None)
        if migration and any(_creates(op, model_name) for op in migration.operations):
            return app_label, name
    return app_label, "__first__"


def _creates(operation: object, model_name: str) -> bool:
    return (
        isinstance(operation, migrations.CreateModel)
        and operation.name.lower() == model_name.lower()
    )
