import django.db.models.deletion
from django.db import migrations, models


def drop_cells(apps, schema_editor):
    """Each set has tables of its own, made beside the vectors when cells are built."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(nspname) || '.' || quote_ident(relname) FROM pg_class "
            "JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE relkind = 'r' "
            "AND relname ~ '^similarity_cells_[0-9]+(_sample)?$' AND relnamespace = "
            "(SELECT relnamespace FROM pg_class WHERE oid = to_regclass('similarity_vectorcells'))"
        )
        for (table,) in cursor.fetchall():
            schema_editor.execute(f"DROP TABLE {table}")


class Migration(migrations.Migration):
    dependencies = [("similarity", "0008_co_demand")]

    operations = [
        migrations.AddField(
            model_name="productvectors",
            name="category",
            field=models.IntegerField(db_default=0, default=0),
        ),
        migrations.CreateModel(
            name="VectorCells",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("live", models.BooleanField(default=False)),
                ("centroids", models.BinaryField()),
                ("categories", models.BinaryField()),
                ("counts", models.BinaryField(default=bytes)),
                ("figures", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="similarity.encoderversion",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "vector cells",
                "ordering": ["-pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("live", True)),
                        fields=("version",),
                        name="similarity_one_live_cells",
                    )
                ],
            },
        ),
        migrations.RunPython(migrations.RunPython.noop, drop_cells),
    ]
