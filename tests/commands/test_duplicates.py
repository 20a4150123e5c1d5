"""`manage.py similarity duplicates`: text, JSON, CSV, and what is kept."""

import csv
import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pgvector import HalfVector

from similarity.insights import tasks
from similarity.insights.models import DuplicateListing
from similarity.models import EncoderVersion, ProductVectors

pytestmark = pytest.mark.django_db


@pytest.fixture
def doubles(make_product):
    """Two that are the same, and one that is not."""
    version = EncoderVersion.objects.create(
        status="live",
        encoders={},
        fusion=b"",
        weights={"text": 0.5, "image": 0.5},
        dimensions={"fused": 4, "text": 2, "image": 2},
        promoted_at=timezone.now(),
    )
    products = []
    for x, y in ((1, 0), (1, 0.01), (0, 1)):
        product = make_product()
        row = np.array([x, y]) / np.hypot(x, y)
        ProductVectors.objects.create(
            product=product,
            version=version,
            fused=HalfVector(np.concatenate([row, row]) / np.sqrt(2)),
            text=HalfVector(row),
            image=HalfVector(row),
            group=f"product:{product.pk}",
            fingerprint="0" * 64,
        )
        products.append(product)
    return products


def run(capsys, *arguments):
    call_command("similarity", "duplicates", *arguments)
    return capsys.readouterr().out


def test_what_is_found_is_told_and_kept(doubles, capsys):
    text = run(capsys)
    assert "1 pair of near-duplicate listings" in text
    assert f"{doubles[0].pk} and {doubles[1].pk}: " in text
    kept = DuplicateListing.objects.get()
    assert (kept.first, kept.second) == (str(doubles[0].pk), str(doubles[1].pk))


def test_json_and_csv_hold_the_figures(doubles, capsys, tmp_path):
    path = tmp_path / "found.csv"
    (found,) = json.loads(run(capsys, "--json", "--dry-run", "--csv", str(path)))
    assert found["score"] == min(found["text"], found["image"])
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["first"] == found["first"]
    assert not DuplicateListing.objects.exists()


def test_beat_keeps_them_for_the_admin_at_the_threshold_its_schedule_names(doubles):
    assert tasks.find_duplicates() == DuplicateListing.objects.open().count() == 1
    assert tasks.find_duplicates(threshold=1) == DuplicateListing.objects.open().count() == 0


def test_beat_without_a_version_logs_the_remedy(db, caplog):
    assert tasks.find_duplicates() == 0
    assert "There is no live version" in caplog.text


def test_none_found_empties_what_was_open(doubles, capsys):
    run(capsys)
    ProductVectors.objects.filter(product=doubles[1]).delete()
    assert "0 pairs" in run(capsys)
    assert not DuplicateListing.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--threshold", "2"], "threshold is 2.0"),
        (["--limit", "0"], "limit is 0"),
        (["--csv", "/nowhere/found.csv"], "cannot be written"),
    ],
)
def test_what_cannot_be_is_refused(doubles, arguments, told):
    with pytest.raises(CommandError, match=told):
        call_command("similarity", "duplicates", *arguments)


def test_without_a_version_the_remedy_is_told(db):
    with pytest.raises(CommandError, match="There is no live version"):
        call_command("similarity", "duplicates")
