"""Foreign keys from our tables to the host's products, created by migrations."""

from typing import Any

from django.db import migrations


def foreign_key_name(table: str) -> str:
    return f"{table}_product_fk"


def tie_to_products(app_label: str, model_name: str) -> migrations.RunPython:
    """Return an operation that deletes the model's rows with their product, also by raw SQL."""

    def tie(apps: Any, schema_editor: Any) -> None:
        model = apps.get_model(app_label, model_name)
        table, product = model._meta.db_table, model._meta.get_field("product").related_model
        quote = schema_editor.quote_name
        schema_editor.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT {foreign_key_name(table)} "
            f"FOREIGN KEY (product_id) REFERENCES {quote(product._meta.db_table)} "
            f"({quote(product._meta.pk.column)}) "
            "ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
        )

    def untie(apps: Any, schema_editor: Any) -> None:
        table = apps.get_model(app_label, model_name)._meta.db_table
        schema_editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {foreign_key_name(table)}")

    return migrations.RunPython(tie, untie)
