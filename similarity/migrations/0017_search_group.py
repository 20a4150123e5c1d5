from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("similarity", "0016_released")]

    operations = [
        migrations.AddIndex(
            model_name="searchdocument",
            index=models.Index(fields=["group"], name="similarity_search_group"),
        ),
    ]
