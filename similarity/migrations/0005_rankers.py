import django.db.models.deletion
import pgvector.django
from django.db import migrations, models

ID = (
    "id",
    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
)


class Migration(migrations.Migration):
    dependencies = [("similarity", "0004_search")]

    operations = [
        migrations.CreateModel(
            name="HotQuery",
            fields=[
                ID,
                ("text", models.CharField(max_length=60, unique=True)),
                ("asked", models.PositiveBigIntegerField(default=0)),
                ("asked_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "hot queries",
                "indexes": [models.Index(fields=["-asked", "text"], name="similarity_hot_queries")],
            },
        ),
        migrations.CreateModel(
            name="HotQueryVector",
            fields=[
                ID,
                ("vector", pgvector.django.HalfVectorField()),
                (
                    "query",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="vectors",
                        to="similarity.hotquery",
                    ),
                ),
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("query", "version"), name="similarity_hot_query_version"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RankerVersion",
            fields=[
                ID,
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("candidate", "Candidate"),
                            ("live", "Live"),
                            ("retired", "Retired"),
                        ],
                        default="candidate",
                        max_length=9,
                    ),
                ),
                ("signals", models.JSONField()),
                ("artefact", models.BinaryField(editable=False)),
                ("sha256", models.CharField(editable=False, max_length=64)),
                ("figures", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("promoted_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "live")),
                        fields=("status",),
                        name="similarity_one_live_ranker",
                    )
                ],
            },
        ),
    ]
