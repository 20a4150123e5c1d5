from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("similarity", "0011_outbox")]

    operations = [
        migrations.AddField(
            model_name="encoderversion",
            name="progress",
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name="encoderversion",
            name="retired_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="encoderversion",
            name="replaced",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=models.deletion.SET_NULL,
                related_name="+",
                to="similarity.encoderversion",
            ),
        ),
        migrations.AddField(
            model_name="encoderversion",
            name="catches_up_with",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=models.deletion.SET_NULL,
                related_name="+",
                to="similarity.encoderversion",
            ),
        ),
    ]
