import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("similarity", "0001_initial"),
    ]

    operations = [
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
                "db_table": "similarity_cataloguemap",
                "ordering": ["-made_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="DuplicateListing",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("first", models.CharField(max_length=255)),
                ("second", models.CharField(max_length=255)),
                ("score", models.FloatField()),
                ("fused", models.FloatField()),
                ("text", models.FloatField(null=True)),
                ("image", models.FloatField(null=True)),
                ("dismissed", models.BooleanField(default=False)),
                ("found_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "near-duplicate listing",
                "db_table": "similarity_duplicatelisting",
                "ordering": ["-score", "pk"],
                "indexes": [
                    models.Index(fields=["dismissed", "-score"], name="similarity_duplicate_score")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("first", "second"), name="similarity_duplicate_listing_pair"
                    )
                ],
            },
        ),
    ]
