from django.db import migrations, models


def forget_cells_without_sketches(apps, schema_editor):
    """Their tables go with the next ``tidy_cells``, which makes new ones."""
    apps.get_model("similarity", "VectorCells").objects.using(
        schema_editor.connection.alias
    ).all().delete()


class Migration(migrations.Migration):
    dependencies = [("similarity", "0014_search_scale")]

    operations = [
        migrations.RunPython(forget_cells_without_sketches, migrations.RunPython.noop),
        migrations.AddField(
            model_name="vectorcells",
            name="rotations",
            field=models.BinaryField(default=b""),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="vectorcells",
            name="thresholds",
            field=models.BinaryField(default=b""),
            preserve_default=False,
        ),
    ]
