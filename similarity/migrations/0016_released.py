"""What pages show of co-purchases is as of the last full count."""

from django.db import migrations, models


def count_anew(apps, schema_editor):
    """Without a run the next count is a full one: pseudonyms changed, and nothing is released."""
    apps.get_model("similarity", "CountRun").objects.using(schema_editor.connection.alias).delete()


class Migration(migrations.Migration):
    dependencies = [("similarity", "0015_sketches")]

    operations = [
        migrations.AddField("counteditem", "shown_weight", models.BigIntegerField(default=0)),
        migrations.AddField("countrun", "shown_weight", models.BigIntegerField(default=0)),
        migrations.RunPython(count_anew, migrations.RunPython.noop),
    ]
