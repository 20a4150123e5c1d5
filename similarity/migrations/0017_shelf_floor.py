from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("similarity", "0016_released")]

    operations = [
        migrations.AddField(
            model_name="encoderversion",
            name="floor",
            field=models.JSONField(blank=True, db_default={}, default=dict, editable=False),
        ),
    ]
