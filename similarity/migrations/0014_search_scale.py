import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.functions.text
from django.db import migrations, models
from django.db.models.lookups import Exact


def shared_index(digits, share):
    """Over one document in ``share``: those whose group's hash begins with so many zeros."""
    hashed = django.db.models.functions.text.Left(
        django.db.models.functions.text.MD5("group"), digits
    )
    return django.contrib.postgres.indexes.GinIndex(
        fields=["document"],
        name=f"similarity_search_one_in_{share}",
        condition=models.Q(Exact(hashed, models.Value("0" * digits))),
    )


class Migration(migrations.Migration):
    dependencies = [("similarity", "0013_operator")]

    operations = [
        migrations.AddField(
            model_name="searchlexeme",
            name="best",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(), editable=False, null=True, size=None
            ),
        ),
        migrations.AddIndex("searchdocument", shared_index(1, 16)),
        migrations.AddIndex("searchdocument", shared_index(2, 256)),
        migrations.AddIndex(
            "searchdocument",
            models.Index(fields=["-indexed_at"], name="similarity_search_latest"),
        ),
    ]
