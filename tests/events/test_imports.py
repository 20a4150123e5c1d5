"""Files of events: recognised columns, shoppers under pseudonyms, and nothing added twice."""

import csv
import gzip
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from similarity.events import erasure, partitions
from similarity.events.imports import importing
from similarity.events.models import Event, EventDay, Kind, Profile
from tests.configure import with_settings

pytestmark = pytest.mark.django_db
DATA = Path(os.environ.get("SIMILARITY_DATA_DIR") or Path(__file__).parents[3] / "shared" / "data")
NOW = timezone.now().replace(microsecond=250_000)
AT = (NOW - timedelta(days=1)).isoformat()


@pytest.fixture
def table(tmp_path):
    """Writes rows with a line of names as CSV, and returns the path."""

    def write(names, *rows, name="log.csv"):
        path = tmp_path / name
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([names.split(), *rows])
        if name.endswith(".gz"):
            path.write_bytes(gzip.compress(path.read_bytes()))
        return path

    return write


@pytest.fixture
def load(capsys):
    """Imports a file and returns what the command wrote."""

    def run(path, *options):
        call_command("similarity", "import-events", str(path), "--consent-held", *options)
        return capsys.readouterr()

    return run


def test_consent_must_be_said(table):
    with pytest.raises(CommandError, match="consent"):
        call_command("similarity", "import-events", str(table("at type visitor product")))


def test_visitors_become_shoppers_whose_id_is_kept_nowhere(table, load, make_product):
    shirt, lamp = make_product(), make_product()
    path = table(
        "event_time event_type visitor_id item_id price",
        [AT, "view", "visitor-one", shirt.pk, "35.79"],
        [AT, "cart", "visitor-one", lamp.pk, ""],
        [AT, "purchase", "visitor-two", lamp.pk, "9.5"],
    )
    assert "3 rows read: 3 events added, 0 were there before" in load(path).out
    assert Profile.objects.count() == 2
    by_shopper = {}
    for event in Event.objects.order_by("kind"):
        by_shopper.setdefault(event.profile_id, []).append((event.kind, event.product_id))
    assert sorted(by_shopper.values()) == [
        [(Kind.VIEW, shirt.pk), (Kind.ADD_TO_CART, lamp.pk)],
        [(Kind.PURCHASE, lamp.pk)],
    ]
    assert {str(event.value) for event in Event.objects.all()} == {"35.79", "None", "9.50"}
    kept = [str(row) for row in (*Event.objects.values(), *Profile.objects.values())]
    assert not any("visitor-one" in row for row in kept)


def test_a_second_import_and_one_of_an_overlapping_file_add_nothing(
    table, load, make_product, monkeypatch
):
    monkeypatch.setattr(importing, "CHUNK", 2)
    shirt = make_product()
    times = [(NOW - timedelta(minutes=minutes)).isoformat() for minutes in range(1, 6)]
    names = "at type visitor product"
    first = table(names, *([at, "view", "v", shirt.pk] for at in times[:4]))
    both = table(names, *([at, "view", "v", shirt.pk] for at in times[1:]), name="later.csv")
    assert "4 events added, 0 were there before" in load(first).out
    assert "0 events added, 4 were there before" in load(first).out
    assert "1 events added, 3 were there before" in load(both).out
    assert Event.objects.count() == 5
    assert Profile.objects.count() == 1


def test_interrupted_and_resumed_it_holds_everything_once(table, make_product, monkeypatch, capsys):
    monkeypatch.setattr(importing, "CHUNK", 2)
    shirt = make_product()
    times = [(NOW - timedelta(minutes=minutes)).isoformat() for minutes in range(1, 8)]
    path = table("at type visitor product", *([at, "view", "v", shirt.pk] for at in times))
    written = importing._Importer.write

    def stopped(self, parsed):
        if self.done.added >= 4:
            raise KeyboardInterrupt
        written(self, parsed)

    with monkeypatch.context() as patched:
        patched.setattr(importing._Importer, "write", stopped)
        with pytest.raises(SystemExit) as exit_:
            call_command("similarity", "import-events", str(path), "--consent-held")
    assert exit_.value.code == 130
    assert "run the same command again" in capsys.readouterr().err
    assert Event.objects.count() == 4
    call_command("similarity", "import-events", str(path), "--consent-held")
    assert "3 events added, 4 were there before" in capsys.readouterr().out
    assert Event.objects.count() == 7


def test_bad_rows_are_listed_by_line_with_their_reason(table, load, make_product, tmp_path):
    shirt = make_product()
    future = (NOW + timedelta(days=1)).isoformat()
    path = table(
        "at type visitor product",
        [AT, "view", "v", shirt.pk],
        ["yesterday", "view", "v", shirt.pk],
        [AT, "view", "v", 999_999],
        [AT, "view", "v", "no number"],
        [AT, "view", "", shirt.pk],
        [AT, "view", "v", ""],
        [future, "view", "v", shirt.pk],
        ["2015-01-01", "view", "v", shirt.pk],
        [AT, "view"],
        [AT, "page_view", "v", ""],
        [AT, "view", "v", 10**30],
        [AT, "view", "v", "\0"],
    )
    bad = tmp_path / "bad.txt"
    written = load(path, "--bad-rows", str(bad))
    assert "1 events added" in written.out
    assert "1 rows of kinds that are not kept, 10 bad rows" in written.out
    assert "3 × names an unknown or denied product" in written.out
    assert set(bad.read_text().splitlines()) == {
        "line 3 has no time: 'yesterday'",
        "line 4 names an unknown or denied product: '999999'",
        "line 5 names an unknown or denied product: 'no number'",
        "line 6 has no shopper",
        "line 7 has no product",
        f"line 8 is of the future: {NOW + timedelta(days=1):%Y-%m-%d %H:%M}",
        "line 9 is older than EVENTS['RETENTION_DAYS']",
        "line 10 has only 2 cells",
        f"line 12 names an unknown or denied product: '{10**30}'",
        "line 13 has no product",
    }
    assert "line 3 has no time: 'yesterday'" in written.err


def test_old_months_get_their_partition(table, load, make_product):
    long_ago = NOW - timedelta(days=200)
    assert partitions.missing(long_ago, long_ago, "default")
    load(table("at type visitor product", [long_ago.isoformat(), "view", "v", make_product().pk]))
    assert Event.objects.get().at == long_ago
    assert not partitions.missing(long_ago, long_ago, "default")
    assert EventDay.objects.get().day == long_ago.date()


def test_products_by_another_field_and_denied_categories(table, load, make_product, settings):
    settings.SIMILARITY = with_settings(EVENTS={"DENIED_CATEGORIES": ["Pharmacy"]})
    shirt, pills = make_product(sku="S-1"), make_product(sku="P-1", category="Pharmacy")
    path = table(
        "at type visitor sku", [AT, "view", "v", "S-1"], [AT, "view", "v", "P-1"], name="l.csv.gz"
    )
    assert "1 × names an unknown or denied product" in load(path, "--product-field", "sku").out
    assert Event.objects.get().product_id == shirt.pk
    assert not Event.objects.filter(product=pills).exists()
    with pytest.raises(CommandError, match="not unique"):
        load(path, "--product-field", "name")


def test_users_of_the_shop_are_joined_by_key_or_a_unique_field(table, load, make_product):
    ann = User.objects.create_user("ann", email="ann@example.com")
    shirt = make_product()
    by_key = table("at type user_id user_pseudo_id product", [AT, "view", ann.pk, "v", shirt.pk])
    load(by_key)
    assert Event.objects.get().profile.user_id == ann.pk
    later = (NOW - timedelta(hours=1)).isoformat()
    by_name = table("at type user product", [later, "view", "ann", shirt.pk], name="names.csv")
    load(by_name, "--user-field", "username")
    assert Event.objects.filter(profile__user_id=ann.pk).count() == 2
    assert Profile.objects.count() == 1
    with pytest.raises(CommandError, match="not unique"):  # an e-mail that may not be verified
        load(by_name, "--user-field", "email")


def test_a_cookie_with_a_visitors_id_is_not_that_visitor(table, load, make_product):
    """Ids of GA4 stand in a cookie that scripts can read, so knowing one must prove nothing."""
    from django.conf import settings
    from django.utils.crypto import salted_hmac

    from similarity.events.imports.lookups import pseudonym_of

    load(table("at type visitor product", [AT, "view", "GA1.2.77.99", make_product().pk]))
    (kept,) = Profile.objects.values_list("pseudonym", flat=True)
    assert kept == pseudonym_of("GA1.2.77.99", settings.SECRET_KEY)
    for salt in ("similarity.events", "similarity.events.cookie", "similarity.shopper"):
        assert kept != salted_hmac(salt, "GA1.2.77.99", algorithm="sha256").hexdigest()


def test_a_rotated_secret_finds_the_same_shopper_again(table, load, make_product, settings):
    path = table("at type visitor product", [AT, "view", "v", make_product().pk])
    load(path)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "a new key"
    before = Profile.objects.get()
    assert "0 events added, 1 were there before" in load(path).out
    after = Profile.objects.get()
    assert after.pk == before.pk
    assert after.pseudonym != before.pseudonym


def test_ga4_as_parquet_with_several_items_an_event(load, make_product, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    shirt, lamp = make_product(), make_product()
    micros = int(NOW.timestamp() * 1_000_000) - 1_000_000
    rows = [
        {
            "event_date": "20261201",
            "event_timestamp": micros,
            "event_name": "purchase",
            "user_pseudo_id": "1.2",
            "user_id": None,
            "items": [
                {"item_id": str(shirt.pk), "item_name": "Shirt", "quantity": 2, "price": 20.0},
                {"item_id": str(lamp.pk), "item_name": "Lamp", "quantity": None, "price": None},
            ],
        },
        {"event_timestamp": micros, "event_name": "session_start", "user_pseudo_id": "1.2"},
    ]
    path = tmp_path / "ga4.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    written = load(path).out
    assert "2 events added, 0 were there before, 1 rows of kinds that are not kept" in written
    shirts, lamps = Event.objects.order_by("product_id")
    assert (shirts.kind, shirts.quantity, str(shirts.value)) == (Kind.PURCHASE, 2, "20.00")
    assert (lamps.quantity, lamps.value) == (1, None)
    assert shirts.at == datetime.fromtimestamp(micros / 1_000_000, UTC)


def test_items_as_json_and_own_names_of_columns(table, load, make_product):
    shirt, lamp = make_product(), make_product()
    items = json.dumps([{"item_id": shirt.pk}, {"item_id": str(lamp.pk)}])
    odd = '[{"item_id": "\\ud800"}]'
    rows = ["view_item_list", items], ["view", "{"], ["view", odd], ["view", "[3]"]
    path = table("when what who items", *([AT, what, "v", told] for what, told in rows))
    given = [f"--column={pair}" for pair in ("at=when", "type=what", "visitor=who")]
    written = load(path, *given).out
    assert "2 events added" in written
    assert "1 × has items that are not JSON" in written
    assert "1 × has items that are not at most 200 products" in written
    assert "1 × names an unknown or denied product" in written
    assert {event.kind for event in Event.objects.all()} == {Kind.IMPRESSION}
    with pytest.raises(CommandError, match="the file has only when, what, who, items"):
        load(path, "--column=at=now")
    with pytest.raises(CommandError, match=r"No column holds the time.*--column at=NAME"):
        load(path)


def test_searches_belong_to_no_shopper_and_name_no_person(table, load):
    path = table(
        "at type visitor product search_term",
        [AT, "view_search_results", "v", "", "red lamp"],
        [AT, "search", "v", "", "ann@example.com"],
        [AT, "search", "v", "", "call 0171 234 5678"],
    )
    load(path)
    search = Event.objects.get()
    assert (search.query, search.profile_id, search.product_id) == ("red lamp", None, None)
    assert not Profile.objects.exists()


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("none.csv", None, "There is no file"),
        ("log.xlsx", b"PK", "unknown form"),
        ("log.parquet", b"PAR0", "cannot be read as Parquet"),
        ("log.csv", b"\xff\xfe\x00", "cannot be read as CSV"),
        ("log.csv.gz", b"no gzip", "cannot be read as CSV"),
        ("empty.csv", b"", "No column holds the time"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(load, tmp_path, name, content, fault):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CommandError, match=fault):
        load(tmp_path / name)


def test_an_erased_shopper_stays_erased_until_the_file_is_imported_again(table, load, make_product):
    load(table("at type visitor product", [AT, "view", "v", make_product().pk]))
    assert erasure.erase(Profile.objects.get()) == 1
    assert not Event.objects.exists()
    assert not Profile.objects.exists()


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rees46_first1000.csv", {Kind.VIEW: 987, Kind.ADD_TO_CART: 3, Kind.PURCHASE: 10}),
        ("otto_20sessions.csv", {Kind.VIEW: 800, Kind.ADD_TO_CART: 52, Kind.PURCHASE: 10}),
    ],
)
def test_two_real_logs(load, settings, name, expected):
    """Their products, imported as a shop would have them; a repetition of a second counts once."""
    from tests.host.models import Category, Product

    path = DATA / "typed-events" / name
    if not path.exists():
        pytest.skip("needs typed-events; set SIMILARITY_DATA_DIR to the folder it is in")
    settings.SIMILARITY = with_settings(EVENTS={"RETENTION_DAYS": 4000})
    category = Category.objects.create(name="All", slug="all")
    with path.open() as file:
        rows = list(csv.DictReader(file))
    Product.objects.bulk_create(
        Product(sku=item, name=item, slug=item, price=1, category=category)
        for item in {row["item_id"] for row in rows}
    )
    shopper = "visitor_id" if "visitor_id" in rows[0] else "session_id"
    alike = {
        tuple(row[c] for c in ("event_time", "event_type", shopper, "item_id")) for row in rows
    }
    written = load(path, "--product-field", "sku").out
    assert f"{len(rows)} rows read: {len(alike)} events added" in written
    assert ", 0 bad rows" in written
    counted = {kind: Event.objects.filter(kind=kind).count() for kind in expected}
    assert sum(counted.values()) == len(alike)
    assert all(0 <= expected[kind] - counted[kind] <= len(rows) - len(alike) for kind in expected)
    assert Profile.objects.count() == len({row[shopper] for row in rows})
