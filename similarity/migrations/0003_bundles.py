import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("similarity", "0002_copurchase")]

    operations = [
        migrations.CreateModel(
            name="Bundle",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=250)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("proposed", "Proposed"),
                            ("accepted", "Accepted"),
                            ("published", "Published"),
                            ("rejected", "Rejected"),
                        ],
                        default="proposed",
                        max_length=9,
                    ),
                ),
                (
                    "products",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), size=None
                    ),
                ),
                (
                    "price",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        max_digits=14,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                ("currency", models.CharField(blank=True, editable=False, max_length=10)),
                (
                    "signature",
                    models.CharField(editable=False, max_length=64, null=True, unique=True),
                ),
                ("orders", models.PositiveIntegerField(default=0, editable=False)),
                ("shoppers", models.PositiveIntegerField(default=0, editable=False)),
                ("support", models.FloatField(default=0, editable=False)),
                ("lift", models.FloatField(default=0, editable=False)),
                ("edited", models.BooleanField(default=False, editable=False)),
                ("found_at", models.DateTimeField(editable=False, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "ordering": ["-orders", "pk"],
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["products"], name="similarity_bundle_products"
                    )
                ],
            },
        ),
    ]
