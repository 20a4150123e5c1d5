"""The sample catalogues, where they are on this machine."""

import os
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from shop.models import Product, ProductImage

DATA = Path(os.environ.get("SIMILARITY_DATA_DIR") or Path(__file__).parents[3] / "shared" / "data")


@pytest.mark.data
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("pack", "photos", "category"),
    [
        ("luma", 50, "Gear"),
        ("myntra", 50, "Apparel > Topwear > Shirts"),
        ("vendure", 50, "Electronics > Computers"),
        ("books", 25, "Books > Fiction > Computers in Literature"),
        ("retail-text", 0, "accessories > backpack"),
    ],
)
def test_the_first_fifty_rows_of_a_pack(pack, photos, category, tmp_path, settings):
    path = DATA / pack / "products.csv"
    if not path.exists():
        pytest.skip(f"needs the pack {pack!r}; set SIMILARITY_DATA_DIR to the folder it is in")
    settings.MEDIA_ROOT = tmp_path
    for _ in range(2):  # the second run finds everything in place
        out = StringIO()
        call_command("import_catalog", path, limit=50, stdout=out)
    assert "unchanged               50" in out.getvalue()
    assert Product.objects.count() == 50
    assert Product.objects.filter(price__gt=0, stock=25, is_active=True).count() == 50
    assert ProductImage.objects.values("product").distinct().count() >= photos
    assert bool(ProductImage.objects.exists()) == bool(photos)
    if pack != "luma":
        assert Product.objects.filter(category__path=category).exists()
