"""Foreign keys from our tables to the host's products and users, created by migrations."""

from typing import Any

from django.db import migrations


def foreign_key_name(table: str, field_name: str = "product") -> str:
    return f"{table}_{field_name}_fk"


def tie_to_products(app_label: str, model_name: str) -> migrations.RunPython:
    """Return an operation that deletes the model's rows with their product, also by raw SQL."""
    return tie_to(app_label, model_name, "product")


def tie_to(app_label: str, model_name: str, field_name: str) -> migrations.RunPython:
    """Return the same for the rows that a foreign key of any name points to.

    The field has ``db_constraint=False``, because Django's own constraint would refuse to delete
    such a row by raw SQL.
    """

    def tie(apps: Any, schema_editor: Any) -> None:
        model = apps.get_model(app_label, model_name)
        table, field = model._meta.db_table, model._meta.get_field(field_name)
        quote, target = schema_editor.quote_name, field.related_model._meta
        schema_editor.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT {foreign_key_name(table, field_name)} "
            f"FOREIGN KEY ({field.column}) REFERENCES {quote(target.db_table)} "
            f"({quote(target.pk.column)}) "
            "ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
        )

    def untie(apps: Any, schema_editor: Any) -> None:
        table = apps.get_model(app_label, model_name)._meta.db_table
        name = foreign_key_name(table, field_name)
        schema_editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")

    return migrations.RunPython(tie, untie)
