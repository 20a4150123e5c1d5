import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("similarity", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="ShopperModel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("sequence", "Sequence"), ("factors", "Factors")], max_length=8
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("training", "Training"),
                            ("candidate", "Candidate"),
                            ("live", "Live"),
                            ("retired", "Retired"),
                            ("refused", "Refused"),
                            ("failed", "Failed"),
                        ],
                        default="training",
                        max_length=9,
                    ),
                ),
                ("weights", models.BinaryField(null=True)),
                ("weights_sha256", models.CharField(default="", editable=False, max_length=64)),
                ("config", models.JSONField(default=dict)),
                ("window", models.JSONField(default=dict)),
                ("figures", models.JSONField(default=dict)),
                ("curves", models.JSONField(default=dict)),
                ("erased", models.PositiveIntegerField(default=0)),
                ("error", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("promoted_at", models.DateTimeField(blank=True, null=True)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
                (
                    "items",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="similarity.encoderversion",
                    ),
                ),
            ],
            options={
                "db_table": "similarity_shoppermodel",
                "ordering": ["-pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "live")),
                        fields=("kind",),
                        name="similarity_one_live_shopper_model",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PublicRelease",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("released_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={"db_table": "similarity_publicrelease"},
        ),
        migrations.CreateModel(
            name="TrendingItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                ("step", models.PositiveSmallIntegerField()),
                ("day", models.DateField()),
            ],
            options={
                "db_table": "similarity_trendingitem",
                "constraints": [
                    models.UniqueConstraint(fields=("name",), name="similarity_trending_item")
                ],
            },
        ),
        migrations.CreateModel(
            name="AlsoViewedItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                ("step", models.PositiveSmallIntegerField()),
                ("day", models.DateField()),
                ("source", models.CharField(max_length=255)),
            ],
            options={
                "db_table": "similarity_alsovieweditem",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("source", "name"), name="similarity_also_viewed_item"
                    )
                ],
            },
        ),
    ]
