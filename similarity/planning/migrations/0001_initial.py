from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [("similarity_orders", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="DemandSnapshot",
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
                        choices=[("product", "Product"), ("category", "Category")], max_length=8
                    ),
                ),
                ("item", models.CharField(max_length=500)),
                ("title", models.CharField(max_length=500)),
                ("pairs", models.PositiveIntegerField()),
                ("warnings", models.PositiveIntegerField()),
                ("p_value", models.FloatField(null=True)),
                ("headline", models.TextField()),
                ("report", models.JSONField()),
                ("made_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "co-demand",
                "verbose_name_plural": "co-demand",
                "db_table": "similarity_demandsnapshot",
                "ordering": [models.OrderBy(models.F("p_value"), nulls_last=True), "pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "item"), name="similarity_demand_item")
                ],
            },
        ),
    ]
