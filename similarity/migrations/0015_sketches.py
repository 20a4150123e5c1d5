from django.db import migrations, models


def forget_cells(apps, schema_editor):
    """Those of before have no sketches, and those of after no vectors.

    Their tables go with ``build_cells`` or the next ``tidy_cells``, which make new ones.
    """
    apps.get_model("similarity", "VectorCells").objects.using(
        schema_editor.connection.alias
    ).all().delete()


class Migration(migrations.Migration):
    dependencies = [("similarity", "0014_search_scale")]

    operations = [
        migrations.RunPython(forget_cells, forget_cells),
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
        migrations.AddField(
            model_name="vectorcells",
            name="replaced_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
