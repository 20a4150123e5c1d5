"""An input that many unlike products share counts as absent, as soon as and while they do."""

import io

import pytest
from django.core.files.base import ContentFile
from django.db import connection

from similarity.models import PendingProduct, ProductInputs, ProductVectors
from similarity.operations import status
from similarity.outbox import draining
from similarity.vectors import inputs, shared_photos
from similarity.vectors.inputs import Input, Inputs
from similarity.versions import lifecycle
from tests.configure import with_settings
from tests.encoders.test_looks import picture, placeholder
from tests.encoders_fake import HashEncoder, fused, similarity_settings
from tests.host.models import Product, ProductImage

KINDS = ["Shoes", "Lamps", "Tents", "Mugs", "Hats"]


class Words(HashEncoder):
    """Title and description, as the real one reads them."""

    fingerprint_fields = ("title", "description")

    def words(self, content):
        return f"{content.title} {content.description}".lower().split()


def product(number, *names, kinds=("a",), group=None, absent=()):
    own = [Input(name, (name,)) for name in names]
    kinds = frozenset(hash(kind) & 0xFFFF for kind in kinds)
    return Inputs(
        str(number), number if group is None else group, kinds, own, (), frozenset(absent)
    )


def verdict(products, usual=0.05):
    """Whether the input 8, which all have, counts as absent for the first."""
    return 8 in shared_photos.judge(products[:1], products[1:], lambda: usual)[0]


@pytest.mark.parametrize(
    ("kinds", "absent"),
    [
        ("abcde", True),
        ("aabbb", True),
        ("abcd", False),  # few
        ("aaaaa", False),  # of one kind
        ("aaaaaaaaab", False),  # but for one that is filed elsewhere
        ("aaaaabbbbb", True),
    ],
)
def test_many_and_unlike_is_what_counts(kinds, absent):
    products = [product(at, 8, kinds=(kind,)) for at, kind in enumerate(kinds)]
    assert verdict(products) == absent


def test_variants_count_once():
    variants = [product(at, 8, kinds=("abcdef"[at],), group=1) for at in range(6)]
    assert not verdict(variants)


def test_a_shop_of_nearly_one_kind_is_measured_by_its_own_mixture():
    """Nine in ten of its products are shoes, and so are nine in ten that lack a photo."""
    lacking = [product(at, 8, kinds=("a" if at else "b",)) for at in range(10)]
    assert not verdict(lacking, usual=0.05)
    assert verdict(lacking, usual=0.82)


def test_without_categories_titles_decide():
    mugs = [product(at, 8, kinds=("mug", f"colour{at}")) for at in range(6)]
    others = [product(at, 8, kinds=(f"thing{at}", f"colour{at}")) for at in range(6)]
    assert not verdict(mugs)
    assert verdict(others)


def test_what_is_absent_already_needs_one_less():
    four = [product(at, 8, kinds=("abcd"[at],), absent=[8]) for at in range(4)]
    assert verdict(four)
    assert not verdict(four[:3])


@pytest.fixture
def shop(settings, make_product, tmp_path):
    """Makes products of several kinds; the text part reads descriptions, the colour part photos."""
    settings.MEDIA_ROOT = str(tmp_path)
    colour = "similarity.encoders.colour.ColourEncoder"
    base = similarity_settings()
    settings.SIMILARITY = {
        **base,
        "ENCODERS": {
            **base["ENCODERS"],
            "text": {"CLASS": f"{__name__}.Words", **fused(0.5, 8)},
            "colour": {"CLASS": colour, "OPTIONS": {"colours": 16}, **fused(0.3, 8)},
            "attributes": {**base["ENCODERS"]["attributes"], "WEIGHT": 0.2},
        },
    }

    def make(at, *pictures, description=None, kind=None, **fields):
        made = make_product(
            name=f"thing{at} word{at}",
            description="own" + "abcdefghijk"[at] if description is None else description,
            category=kind or KINDS[at % len(KINDS)],
            **fields,
        )
        for image in pictures:
            add_photo(made, image)
        return made

    return make


def add_photo(made, image, kind="PNG", **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    ProductImage(product=made, alt="").image.save(f"p.{kind.lower()}", ContentFile(data.getvalue()))


def drain():
    while draining.has_due():
        draining.drain(budget_s=5)


def pictured():
    """Keys of products that have a colour vector."""
    return set(ProductVectors.objects.exclude(colour=None).values_list("product", flat=True))


@pytest.mark.django_db(transaction=True)
def test_a_placeholder_is_known_one_product_after_the_other(shop):
    """The first four look like photos of their own; the fifth shows them for what they are."""
    lifecycle.ensure_live_version()
    made = []
    for at in range(6):
        made.append(shop(at, placeholder()))
        drain()
        assert len(pictured()) == (at + 1 if at < 4 else 0)
    real = shop(7, placeholder(), picture(7))
    drain()
    assert pictured() == {real.pk}
    assert inputs.figures() == {"photo": 7, "title": 0, "description": 0, "unread": 0}
    assert status.report()["inputs"]["photo"] == 7


@pytest.mark.django_db(transaction=True)
def test_copies_in_other_sizes_and_formats_are_one_placeholder(shop):
    lifecycle.ensure_live_version()
    copies = [("JPEG", 400, 85), ("JPEG", 200, 60), ("WEBP", 300, 70), ("PNG", 500, 0)]
    for at in range(8):
        kind, side, quality = copies[at % 4]
        made = shop(at)
        options = {"quality": quality + at // 4} if quality else {}
        add_photo(made, placeholder().resize((side, side)), kind, **options)
    kept = shop(9, picture(1))
    drain()
    assert pictured() == {kept.pk}


@pytest.mark.django_db(transaction=True)
def test_products_of_one_kind_and_variants_keep_the_photo_they_share(shop):
    lifecycle.ensure_live_version()
    alike = [shop(at, picture(1), kind="Mugs") for at in range(6)]
    variants = [shop(at, picture(2), group="one") for at in range(6)]
    drain()
    assert pictured() == {made.pk for made in (*alike, *variants)}


@pytest.mark.django_db(transaction=True)
def test_once_products_have_photos_of_their_own_the_rest_is_taken_for_photos_again(shop):
    lifecycle.ensure_live_version()
    made = [shop(at, placeholder()) for at in range(6)]
    drain()
    assert pictured() == set()
    for at, one in enumerate(made[:3]):
        one.images.all().delete()
        add_photo(one, picture(at))
        one.save()
    drain()
    assert pictured() == {one.pk for one in made}
    assert inputs.figures()["photo"] == 0


@pytest.mark.django_db(transaction=True)
def test_what_two_workers_wrote_at_once_is_settled_at_night(shop):
    """Each saw its own three alone; a round over all names finds them together."""
    lifecycle.ensure_live_version()
    for at in range(6):
        shop(at, placeholder())
    drain()
    ProductInputs.objects.update(absent=[], incomplete=False)
    PendingProduct.objects.all().delete()
    assert shared_photos.settle_all() == 6
    assert PendingProduct.objects.filter(force=True).count() == 6
    drain()
    assert inputs.figures()["photo"] == 6
    assert shared_photos.settle_all() == 0


@pytest.mark.django_db(transaction=True)
def test_deleted_products_take_their_inputs_along(shop):
    lifecycle.ensure_live_version()
    made = [shop(at, placeholder()) for at in range(5)]
    drain()
    Product.objects.filter(pk__in=[one.pk for one in made[:3]]).delete()
    assert ProductInputs.objects.count() == 2
    shared_photos.settle_all()
    drain()
    assert pictured() == {one.pk for one in made[3:]}


@pytest.mark.django_db(transaction=True)
def test_a_description_for_the_whole_shop_counts_as_absent(shop):
    """Also where it names the product, and gives it a number."""
    lifecycle.ensure_live_version()
    made = [
        shop(at, description=f"Buy thing{at} here. Article {4000 + at}: delivered in 3 days.")
        for at in range(6)
    ]
    own = shop(8, description="A lamp of brass")
    drain()
    assert inputs.figures()["description"] == 6
    row = ProductVectors.objects.get(product=made[0])
    Product.objects.filter(pk=made[0].pk).update(description="")
    draining.enqueue([made[0].pk])
    drain()
    assert ProductVectors.objects.get(product=made[0]).text == row.text
    assert ProductInputs.objects.get(product=own).absent == []


@pytest.mark.django_db(transaction=True)
def test_the_first_version_is_fitted_without_them(shop, settings):
    """The sample is read in batches; what the first share with the last is known at the end."""
    made = [shop(at, placeholder()) for at in range(6)]
    settings.SIMILARITY = with_settings(WORKERS={"BATCH_SIZE": 2})
    lifecycle.ensure_live_version()
    assert ProductInputs.objects.filter(incomplete=True).count() == len(made)
    assert pictured() == set()


@pytest.mark.django_db
def test_looked_up_by_the_index(shop, django_assert_num_queries):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT * FROM similarity_productinputs WHERE names @> ARRAY[8::bigint]"
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "similarity_inputs_names" in plan
    with django_assert_num_queries(5):  # savepoint, two settings, one look-up, release
        inputs.sharing([8, 12])
    assert inputs.sharing([]) == []
