from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("similarity", "0017_shelf_floor")]

    operations = [
        migrations.AddIndex(
            model_name="searchdocument",
            index=models.Index(fields=["group"], name="similarity_search_group"),
        ),
    ]
