from django.db import migrations, models

from tests.uuid_host.keys import primary_key


class Migration(migrations.Migration):
    dependencies = [("uuid_host", "0001_tags")]
    operations = [
        migrations.CreateModel(
            name="Article",
            fields=[
                ("id", primary_key()),
                ("headline", models.CharField(max_length=100)),
                ("body", models.TextField(blank=True)),
                ("maker", models.CharField(blank=True, max_length=50)),
                ("cost", models.DecimalField(decimal_places=2, max_digits=8, null=True)),
                ("cover", models.ImageField(blank=True, upload_to="covers/")),
                ("family", models.CharField(blank=True, max_length=50)),
                ("hidden", models.BooleanField(default=False)),
                ("tags", models.ManyToManyField(blank=True, to="uuid_host.tag")),
            ],
        ),
    ]
