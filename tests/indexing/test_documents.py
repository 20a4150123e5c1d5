import pytest
from django.core.management import call_command
from django.db import connection

from similarity.catalog.content import ProductContent
from similarity.exceptions import SimilarityError
from similarity.models import PendingProduct
from similarity.outbox import draining, reconcile
from similarity.search import documents, search, vocabulary
from similarity.search.documents import Document
from similarity.search.models import SearchDocument, SearchLexeme, SearchValue, SearchWord
from similarity.vectors import pipeline
from similarity.versions import lifecycle
from tests.encoders_fake import HashEncoder
from tests.host.models import Brand, Product

pytestmark = pytest.mark.django_db


@pytest.fixture
def live(db, settings, fake_encoders):
    catalog = {**settings.SIMILARITY["CATALOG"], "codes": "sku"}
    settings.SIMILARITY = {**settings.SIMILARITY, "CATALOG": catalog}
    return lifecycle.ensure_live_version(wait_s=0)


def found(text):
    return [hit.product.name for hit in search(text, hybrid=False).hits if hit.tier != "newest"]


def test_weights_by_field():
    content = ProductContent(
        key="1",
        title="Wi-Fi lamp",
        description="Long text.",
        attributes={"brand": "Alder", "colour": "red", "dimmable": "yes", "new": "no"},
        codes=("AB-12",),
    )
    document = Document(content)
    assert document.title == "wi fi lamp wifi ab12"
    assert document.main == "alder"
    assert document.other == "red dimmable"
    assert document.long == "long text"
    assert ("colour", "red", "red") in document.values


def test_mark_up_is_no_word_and_escapes_are_letters():
    marked = Document(
        ProductContent(
            key="1",
            title="Caf&eacute; <i>cup</i>",
            description='<table class="spec"><tr><td><b>Soft</b>&nbsp;wool</td></tr></table>',
            attributes={"brand": "T&amp;amp;J", "colour": "<b>red</b>", "size": "80&nbsp;ml"},
        )
    )
    plain = Document(
        ProductContent(
            key="1",
            title="Café cup",
            description="Soft wool",
            attributes={"brand": "T&J", "colour": "red", "size": "80 ml"},
        )
    )
    for field in ("title", "main", "other", "long", "length", "words", "plain_title"):
        assert getattr(marked, field) == getattr(plain, field), field
    # Filters compare a value with the host's column, so it stays as it is there.
    assert ("brand", "T&amp;amp;J", plain.values[0][2]) in marked.values


def test_the_fingerprint_is_of_all_that_is_searched_and_leaves_the_encoders_alone():
    plain = ProductContent(key="1", title="Lamp")
    coded = ProductContent(key="1", title="Lamp", codes=("X1",))
    assert Document(plain).fingerprint != Document(coded).fingerprint
    assert plain.fingerprint == coded.fingerprint, "a code must not run the encoders again"


def test_an_unchanged_product_is_not_written_again(make_product):
    product = make_product(name="Lamp")
    assert documents.index([str(product.pk)]) == 1
    assert documents.index([str(product.pk)]) == 0
    assert documents.index([str(product.pk)], force=True) == 1


def test_a_changed_code_is_found_by_the_same_outbox_and_no_model_runs(live, make_product):
    product = make_product(name="Lamp", sku="OLD-1234")
    pipeline.embed([str(product.pk)])
    HashEncoder.encoded = []
    Product.objects.filter(pk=product.pk).update(sku="NEW-5678")
    draining.enqueue([product.pk], wake=False)
    draining.drain()
    assert found("NEW-5678") == ["Lamp"]
    assert HashEncoder.encoded == []
    assert not PendingProduct.objects.exists()


def test_search_works_where_no_encoder_can_run(make_product, monkeypatch, fake_encoders):
    def broken(**options):
        raise SimilarityError("no weights")

    monkeypatch.setattr(lifecycle, "ensure_live_version", broken)
    product = make_product(name="Olive lamp")
    draining.enqueue([product.pk], wake=False)
    with pytest.raises(SimilarityError):
        draining.drain()
    assert found("olive lamp") == ["Olive lamp"]
    assert PendingProduct.objects.exists(), "the vectors are still to come"


def test_documents_go_with_their_product_even_by_raw_sql(make_product):
    product = make_product(name="Lamp")
    documents.index([str(product.pk)])
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DELETE FROM similarity_pendingproduct")
        cursor.execute("DELETE FROM host_product WHERE id = %s", [product.pk])
    assert not SearchDocument.objects.exists()


def test_what_is_missing_or_outdated_is_found_by_reconciling(live, make_product):
    kept, missing, changed = (make_product(name=f"Lamp {at}") for at in range(3))
    pipeline.embed([str(one.pk) for one in (kept, missing, changed)])
    SearchDocument.objects.filter(product=missing).delete()
    Product.objects.filter(pk=changed.pk).update(sku="ANOTHER")
    PendingProduct.objects.all().delete()
    reconcile.reconcile()
    keys = set(PendingProduct.objects.values_list("product_key", flat=True))
    assert keys == {str(missing.pk), str(changed.pk)}


def test_the_command_makes_all_and_counts_words(make_product, capsys):
    for at in range(3):
        make_product(name=f"Lamp {at}", attributes={"colour": "red"})
    call_command("similarity", "search-index")
    assert "3 search documents written." in capsys.readouterr().out
    assert SearchWord.objects.get(word="lamp").documents == 3
    assert SearchLexeme.objects.get(lexeme="lamp").documents == 3
    assert SearchLexeme.objects.get(lexeme="").documents == 3
    assert SearchValue.objects.get(name="colour", value="red").documents == 3


def test_new_words_are_known_at_once_and_gone_ones_after_the_count(make_product):
    product = make_product(name="Zyxter lamp")
    documents.index([str(product.pk)])
    assert SearchWord.objects.filter(word="zyxter").exists()
    Product.objects.filter(pk=product.pk).update(name="Lamp")
    documents.index([str(product.pk)])
    vocabulary.refresh()
    assert not SearchWord.objects.filter(word="zyxter").exists()
    assert not SearchLexeme.objects.filter(lexeme="zyxter").exists()


def test_counts_are_made_anew_once_outgrown(make_product):
    documents.index([str(make_product().pk) for _ in range(3)])
    assert vocabulary.refresh_if_outgrown()
    assert not vocabulary.refresh_if_outgrown()
    documents.index([str(make_product().pk) for _ in range(3)])
    assert vocabulary.refresh_if_outgrown()


@pytest.mark.parametrize(
    "text", ["\0", "\ud800", "x" * 300_000, "word " * 60_000, "'\":*&|!()<->", "1.2.3.4/5"]
)
def test_any_text_can_be_indexed(make_product, monkeypatch, text):
    """Properties and JSON keys may give what no column holds."""
    product = make_product(name="Lamp")
    content = ProductContent(str(product.pk), text, text, {"brand": text, "colour=": text})
    assert documents.write([content]) == 1


def test_a_brand_that_is_renamed_is_found_by_its_new_name(live, make_product):
    product = make_product(name="Lamp", brand="Alder")
    pipeline.embed([str(product.pk)])
    brand = Brand.objects.get(name="Alder")
    brand.name = "Birch"
    brand.save()
    draining.drain()
    assert found("birch") == ["Lamp"]
