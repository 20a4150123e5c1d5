from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("similarity", "0006_complements")]

    operations = [
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
