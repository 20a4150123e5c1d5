from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("similarity", "0013_operator")]

    operations = []
