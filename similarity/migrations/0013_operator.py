import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("similarity", "0012_versions")]

    operations = [
        migrations.AddIndex(
            model_name="pendingproduct",
            index=models.Index(
                fields=["available_at"],
                condition=models.Q(dead=True),
                name="similarity_pending_dead",
            ),
        ),
        migrations.CreateModel(
            name="CatalogueMap",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("made_at", models.DateTimeField()),
                ("took_s", models.FloatField()),
                ("products", models.PositiveIntegerField()),
                ("categories", models.JSONField()),
                ("points", models.JSONField()),
                ("outliers", models.JSONField()),
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
                "verbose_name": "map of the catalogue",
                "verbose_name_plural": "maps of the catalogue",
                "ordering": ["-made_at", "-pk"],
            },
        ),
    ]
