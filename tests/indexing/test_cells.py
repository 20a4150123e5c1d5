"""Cells follow the vectors: through a build beside writers, changes, deletions and a rebuild."""

import threading

import numpy as np
import pytest
from django.db import connection, connections
from pgvector import HalfVector

from similarity import conf
from similarity.cells import cell_rows, upkeep
from similarity.exceptions import VersionError
from similarity.models import EncoderVersion, ProductVectors, VectorCells
from similarity.models.cells import rows_table
from similarity.tasks import tidy_cells
from similarity.vectors import indexes, upsert
from similarity.versions import lifecycle

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def version(make_product, settings, monkeypatch):
    monkeypatch.setattr("similarity.cells.upkeep.CELLS_FROM", 30)
    lifecycle.ensure_live_version()
    products = [make_product(name=f"{kind} {n}") for n in range(20) for kind in ("Cup", "Scarf")]
    embed(products)
    yield EncoderVersion.objects.live()
    for made in VectorCells.objects.all():
        upkeep.discard(made, "default")


def embed(products):
    from similarity.vectors import pipeline

    return pipeline.embed([str(product.pk) for product in products])


def in_cells(made):
    """Product → when its vector was written, and the sketch of it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT product_id, encoded_at, sketch::text FROM {rows_table(made.pk)}")
        return {key: (written, sketch) for key, written, sketch in cursor.fetchall()}


def stored(version):
    rows = ProductVectors.objects.of_version(version)
    return {row.product_id: HalfVector(row.fused).to_text() for row in rows}


def same(made, version):
    """Whether the cells hold sketches of the vectors as they are, of all and of no others."""
    placed = in_cells(made)
    rows = {row.product_id: row for row in ProductVectors.objects.of_version(version)}
    if set(placed) != set(rows):
        return False
    sketcher = made.sketcher()
    for key, row in rows.items():
        written, sketch = placed[key]
        fresh = sketcher.literals(np.array([row.fused], dtype=np.float32))[0]
        apart = sum(one != other for one, other in zip(sketch, fresh, strict=True))
        # A number at a threshold may lie on its other side once it is of half precision.
        if written != row.encoded_at or apart > 2:
            return False
    return True


def test_every_vector_lies_in_the_nearest_cell_of_its_category(version):
    made = upkeep.build(version, "default")
    assert same(made, version)
    fitted = upkeep.fitted_of(made.pk, "default")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT product_id, cell FROM {rows_table(made.pk)}")
        cell = dict(cursor.fetchall())
    for row in ProductVectors.objects.of_version(version):
        vector = np.array(row.fused, dtype=np.float32)[None]
        assert cell[row.product_id] == fitted.cells.assign(vector, np.array([row.category]))[0]
    assert made.figures["rows"] == 40
    assert upkeep.report(version, "default").churn == 0


def test_changes_and_deletions_follow(version, make_product):
    made = upkeep.build(version, "default")
    before = in_cells(made)
    row = ProductVectors.objects.of_version(version).first()
    product = conf.product_model().objects.get(pk=row.product_id)
    product.name = "Steel frying pan with a lid"
    product.save()
    new = make_product(name="Wooden spoon")
    embed([product, new])
    assert in_cells(made)[product.pk] != before[product.pk]
    assert new.pk in in_cells(made)
    assert same(made, version)
    assert upkeep.report(version, "default").churn == pytest.approx(2 / 41)
    key = new.pk
    new.delete()
    assert key in in_cells(made), "no query shows it, the night takes it out"
    tidy_cells()
    assert same(made, version)


def test_a_write_during_a_build_is_in_the_cells_it_makes(version, monkeypatch):
    """The rows were read and assigned; then a worker writes; then the set goes live."""
    changed = ProductVectors.objects.of_version(version).first()
    product = conf.product_model().objects.get(pk=changed.product_id)
    fill = cell_rows.fill

    def fill_then_write(*arguments):
        fill(*arguments)
        product.name = "Brass lamp"
        product.save()
        embed([product])

    monkeypatch.setattr(cell_rows, "fill", fill_then_write)
    made = upkeep.build(version, "default")
    assert stored(version)[product.pk] != HalfVector(changed.fused).to_text()
    assert same(made, version)


def test_a_set_goes_live_only_once_no_writer_is_in_between(version):
    """A writer that saw no live set commits after the catching up: its row would be lost."""
    writing, written = threading.Event(), threading.Event()
    product = conf.product_model().objects.first()

    def write():
        try:
            with upsert.transaction.atomic():
                product.name = "Written by a slow worker"
                product.save()
                embed([product])
                writing.set()
                written.wait(1.0)
        finally:
            connections.close_all()

    slow = threading.Thread(target=write)
    slow.start()
    assert writing.wait(10)
    made = upkeep.build(version, "default")
    slow.join()
    assert same(made, version)


def test_a_vector_written_again_before_it_is_placed_is_not_placed_as_it_was(version):
    """Read by the night's mending, then written and placed by a worker: that place stays."""
    made = upkeep.build(version, "default")
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {rows_table(made.pk)}")
    read = list(cell_rows.missing(made.pk, version, "default"))
    product = conf.product_model().objects.first()
    product.name = "Copper kettle"
    product.save()
    embed([product])
    now = in_cells(made)[product.pk]
    fitted = upkeep.fitted_of(made.pk, "default")
    for rows in read:
        placed = fitted.place(rows.vectors, rows.categories)
        cell_rows.place(made.pk, "default", rows, placed, version)
    assert in_cells(made)[product.pk] == now
    assert same(made, version)


@pytest.mark.parametrize(("sizes", "variants"), [([20] * 60, 1), ([1200, *[20] * 40], 3)])
def test_categories_too_small_for_cells_of_their_own(version, sizes, variants):
    """What a query outside its filter looks at may all lie in the pool of small categories."""
    dice = np.random.default_rng(3)
    product = conf.product_model().objects.first()
    model = type(product)
    start = model.objects.order_by("-pk").first().pk
    made = model.objects.bulk_create(
        model(
            name=f"N{n}", slug=f"n{n}", sku=f"N{n}", category=product.category, brand=product.brand,
            price=1,
        )
        for n in range(sum(sizes))
    )  # fmt: skip
    categories = np.repeat(np.arange(1, len(sizes) + 1), sizes)
    rows = dice.normal(size=(len(made), version.dimensions["fused"]))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    ProductVectors.objects.of_version(version).delete()
    ProductVectors.objects.bulk_create(
        ProductVectors(
            product=one, version=version, fused=HalfVector(row), fingerprint="0" * 64,
            group=f"group:{(one.pk - start) // variants}", category=int(category),
        )
        for one, row, category in zip(made, rows, categories, strict=True)
    )  # fmt: skip
    built = upkeep.build(version, "default")
    scan = built.figures["scan"]
    assert len(scan["far_depths"]) == len(scan["far_shares"])
    assert built.figures["variants"] == pytest.approx(variants, rel=0.01)
    assert same(built, version)


def test_a_set_stands_for_some_minutes_after_it_was_replaced(version):
    """However old it is: queries that read it are under way."""
    first = upkeep.build(version, "default")
    VectorCells.objects.filter(pk=first.pk).update(created_at="2020-01-01T00:00:00Z")
    second = upkeep.build(version, "default")
    tidy_cells()
    assert set(VectorCells.objects.values_list("pk", flat=True)) == {first.pk, second.pk}


def test_a_rebuild_takes_over_and_leaves_the_former_for_queries_that_read_it(version):
    first = upkeep.build(version, "default")
    second = upkeep.build(version, "default")
    assert list(VectorCells.objects.filter(live=True)) == [second]
    assert in_cells(first), "a query that began before may still read it"
    VectorCells.objects.filter(pk=first.pk).update(replaced_at="2020-01-01T00:00:00Z")
    tidy_cells()
    assert not VectorCells.objects.filter(pk=first.pk).exists()
    assert rows_table(first.pk) not in connection.introspection.table_names()


def test_a_failed_build_leaves_nothing(version, monkeypatch):
    def fail(*arguments):
        raise RuntimeError("no room on the disk")

    standing = upkeep.build(version, "default")
    monkeypatch.setattr(upkeep, "_use", fail)
    with pytest.raises(RuntimeError):
        upkeep.build(version, "default")
    assert list(VectorCells.objects.all()) == [standing]
    tables = [name for name in connection.introspection.table_names() if "_cells_" in name]
    assert len(tables) == 2  # the rows and the sample of the one that stands


def test_a_large_version_has_cells_instead_of_the_index_over_fused(version):
    assert indexes.create_indexes(version)
    name = indexes.index_name(version, "fused")
    assert name not in indexes.sizes(), "the index made while the version was small is dropped"
    assert indexes.states(version)["fused"] == "valid"
    assert indexes.sizes()[f"similarity_v{version.pk}_cells"] > 0
    assert indexes.create_indexes(version) == []


def test_a_version_that_is_too_small_for_cells_has_its_index_again(version, monkeypatch):
    indexes.create_indexes(version)
    monkeypatch.setattr("similarity.cells.upkeep.CELLS_FROM", 1_000_000)
    assert indexes.create_indexes(version) == [indexes.index_name(version, "fused")]
    assert not VectorCells.objects.exists()


def test_the_night_makes_cells_for_a_catalogue_that_has_grown(version):
    assert not VectorCells.objects.exists()
    tidy_cells()
    assert VectorCells.objects.get().live


def test_much_churn_makes_cells_anew(version):
    first = upkeep.build(version, "default")
    products = list(conf.product_model().objects.all()[:15])
    for product in products:
        product.name = f"Another {product.pk}"
        product.save()
    embed(products)
    tidy_cells()
    assert VectorCells.objects.get(live=True).pk > first.pk
    assert upkeep.report(version, "default").churn == 0


def test_vectors_missing_from_the_cells_are_placed_at_night(version):
    made = upkeep.build(version, "default")
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {rows_table(made.pk)} WHERE ctid IN "
            f"(SELECT ctid FROM {rows_table(made.pk)} LIMIT 5)"
        )
    tidy_cells()
    assert same(made, version)


def test_cells_go_with_their_version(version):
    upkeep.build(version, "default")
    EncoderVersion.objects.filter(pk=version.pk).update(status="retired")
    lifecycle.drop(version)
    assert not [name for name in connection.introspection.table_names() if "_cells_" in name]


def test_a_version_without_vectors_says_so(version):
    ProductVectors.objects.all().delete()
    with pytest.raises(VersionError, match=r"no vectors .* 'manage\.py similarity embed'"):
        upkeep.build(version, "default")
