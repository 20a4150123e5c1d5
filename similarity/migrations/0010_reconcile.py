import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("similarity", "0009_cells")]

    operations = [
        migrations.CreateModel(
            name="ReconcileRound",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("after_key", models.CharField(blank=True, max_length=255)),
                ("checked", models.PositiveBigIntegerField(default=0)),
                ("stale", models.PositiveBigIntegerField(default=0)),
                ("missing", models.PositiveBigIntegerField(default=0)),
                ("orphaned", models.PositiveBigIntegerField(default=0)),
                ("enqueued", models.PositiveBigIntegerField(default=0)),
                ("deleted", models.PositiveBigIntegerField(default=0)),
            ],
            options={"ordering": ["-pk"]},
        ),
        migrations.CreateModel(
            name="SpilledChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("product_key", models.CharField(max_length=255)),
            ],
        ),
    ]
