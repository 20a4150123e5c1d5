from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("similarity", "0005_rankers")]

    operations = [
        migrations.CreateModel(
            name="CategoryComplement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("category", models.CharField(max_length=500)),
                ("complement", models.CharField(max_length=500)),
                ("orders", models.PositiveIntegerField()),
                ("shoppers", models.PositiveIntegerField()),
                ("lift", models.FloatField()),
                ("score", models.FloatField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("category", "complement"), name="similarity_one_complement"
                    )
                ]
            },
        )
    ]
