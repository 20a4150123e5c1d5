"""Each way to misconfigure the plugin is reported under its id, with a remedy."""

import subprocess
import sys

import pytest
from django.core import checks
from django.core.management import call_command
from django.db import connection, models

from similarity import conf
from similarity.catalog.mapping import FieldMappingAdapter
from similarity.checks import encoders as encoder_checks
from similarity.checks.catalog import RESERVED, check_catalog
from similarity.checks.database import check_aliases, check_database
from similarity.checks.doors import check_cache_values, check_doors
from similarity.checks.encoders import check_encoders
from similarity.checks.settings import check_settings
from tests.configure import with_settings
from tests.host.models import Product


class NeedsArguments(FieldMappingAdapter):
    def __init__(self, connection):
        super().__init__()


def run(**kwargs):
    """Every check but those of the database; one raising an error fails the test."""
    found = [
        message
        for check in (check_settings, check_catalog, check_encoders, check_aliases, check_doors)
        for message in check(**kwargs)
    ]
    assert all(message.hint for message in found), "each message says what to do"
    return found


def ids(messages):
    return {message.id.removeprefix("similarity.") for message in messages}


@pytest.fixture
def change(settings):
    """Sets keys of SIMILARITY; a dict for CATALOG is merged into the shop's."""

    def change(**keys):
        catalog = keys.get("CATALOG")
        if isinstance(catalog, dict):
            keys["CATALOG"] = {**settings.SIMILARITY["CATALOG"], **catalog}
        settings.SIMILARITY = with_settings(**keys)

    return change


def test_the_shop_is_configured_without_a_complaint():
    assert run() == []


def test_every_default_is_a_value_that_may_be_set():
    every = {
        **conf.SETTINGS,
        **{(g, k): s for g, keys in conf.GROUPS.items() for k, s in keys.items()},
    }
    assert len(every) > 30
    assert [key for key, setting in every.items() if not setting.holds(setting.default)] == []


@pytest.mark.parametrize("label", [None, "", "Product", "a.b.c", 5])
def test_product_model_missing_or_malformed(settings, label):
    settings.SIMILARITY_PRODUCT_MODEL = label
    assert "E001" in ids(run())


def test_product_model_unset(settings):
    del settings.SIMILARITY_PRODUCT_MODEL
    assert "E001" in ids(run())


def test_product_model_unknown(settings):
    settings.SIMILARITY_PRODUCT_MODEL = "host.Prodct"
    assert "E002" in ids(run())


@pytest.mark.parametrize("value", [None, [], "x"])
def test_settings_no_dict(settings, value):
    settings.SIMILARITY = value
    assert ids(run()) == {"E003"}


@pytest.mark.parametrize(
    ("keys", "hint"),
    [
        ({"CATALOGUE": 1}, "'CATALOG'"),
        ({"workers": 1}, "'WORKERS'"),
        ({"ZZZ": 1}, "Known are"),
        ({"QUEUE": "mine"}, "SIMILARITY['WORKERS']['QUEUE']"),
        ({"WORKERS": {"QUEU": "mine"}}, "'QUEUE'"),
        ({"WORKERS": {"device": "cpu"}}, "'DEVICE'"),
        ({"SEARCH": {"CONFIG": "german"}}, "LANGUAGE"),
    ],
)
def test_unknown_key_is_told_the_nearest(change, keys, hint):
    change(**keys)
    (message,) = run()
    assert message.id == "similarity.E004"
    assert hint in message.hint


def test_a_group_that_is_no_dict_is_told_its_keys(settings):
    settings.SIMILARITY = {**settings.SIMILARITY, "WORKERS": "gpu"}
    (message,) = run()
    assert message.id == "similarity.E003"
    assert "DEVICE" in message.hint


def test_the_group_of_an_app_that_is_not_installed_is_no_error(change, monkeypatch):
    """An app is removed by its line in INSTALLED_APPS alone."""
    change()
    monkeypatch.delitem(conf.GROUPS, "ORDERS")
    (message,) = run()
    assert (message.id, message.level) == ("similarity.I001", checks.INFO)
    assert "'similarity.orders' is not in INSTALLED_APPS" in message.msg


@pytest.mark.parametrize(
    ("group", "value"),
    [
        ("CATALOG", 5),
        ("ENCODERS", 5),
        ("ENCODERS", {"text": "a.b"}),
        ("ENCODERS", {"own": {"OPTIONS": {}}}),
        ("ENCODERS", {"text": {"CLASS": "a.b", "OPTION": {}}}),
        ("ENCODERS", {"text": {"CLASS": "a.b", "OPTIONS": []}}),
        ("ENCODERS", {"text": {"WEIGHT": -0.1}}),
        ("ENCODERS", {"text": {"WEIGHT": "much"}}),
        ("ENCODERS", {"text": {"WEIGHT": float("nan")}}),
        ("ENCODERS", {"text": {"DIMENSION": 0}}),
        ("ENCODERS", {"text": {"DIMENSION": 1.5}}),
        ("WORKERS", {"DEVICE": "gpu"}),
        ("WORKERS", {"RUNTIME": "tensorflow"}),
        ("WORKERS", {"RUNTIME_DIR": 7}),
        ("WORKERS", {"QUEUE": ""}),
        ("WORKERS", {"BATCH_SIZE": 0}),
        ("IMAGES", {"MAX_BYTES": -1}),
        ("IMAGES", {"MAX_PIXELS": 1.5}),
        ("IMAGES", {"PER_PRODUCT": True}),
        ("IMAGES", {"DOMAINS": "cdn.example.com"}),
        ("SHELVES", {"FILL": 1}),
        ("CACHE", {"ALIAS": 7}),
        ("CACHE", {"TIMEOUT_S": -1}),
        ("API", {"PERMISSION_CLASSES": "rest_framework.permissions.AllowAny"}),
        ("API", {"THROTTLE": "120"}),
        ("API", {"THROTTLE": "0/min"}),
        ("API", {"THROTTLE": "many/min"}),
        ("API", {"PICTURE_THROTTLE": 3}),
        ("API", {"FILTERS": ["brand"]}),
        ("MONITORING", {"MAX_LAG_S": 0}),
        ("MONITORING", {"TOKEN": "short"}),
        ("SEARCH", {"TIME_LIMIT_MS": 0}),
        ("SEARCH", {"ENCODE_IN_PROCESS": "no"}),
        ("ORDERS", {"BUNDLE_PROPOSALS": -1}),
    ],
)
def test_wrong_value_is_named_with_what_it_must_be(change, group, value):
    change(**{group: value})
    (message,) = run()
    assert message.id == "similarity.E005"
    wrong = next(iter(value.values())) if isinstance(value, dict) else value
    assert repr(wrong) in message.msg
    assert "must be" in message.hint


@pytest.mark.parametrize(
    "rate", ["1/s", "10/sec", "120/min", "5/hour", "1/day", None, {}, {"suggest": "9/s"}]
)
def test_throttles_of_rest_framework_pass(change, rate):
    change(API={"THROTTLE": rate})
    assert run() == []


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        ("SECURE_PROXY_SSL_HEADER", ("HTTP_X_FORWARDED_PROTO", "https")),
        ("USE_X_FORWARDED_HOST", True),
        ("USE_X_FORWARDED_PORT", True),
    ],
)
def test_a_proxy_whose_number_is_not_set(change, settings, hint, value):
    """Then every shopper would have its address."""
    settings.REST_FRAMEWORK = {}
    assert run() == []
    setattr(settings, hint, value)
    (message,) = run()
    assert message.id == "similarity.W044"
    assert hint in message.msg
    for number in (0, 1):
        settings.REST_FRAMEWORK = {"NUM_PROXIES": number}
        assert run() == []


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({"BACKEND": "django.core.cache.backends.redis.RedisCache"}, {"W045"}),
        (
            {"BACKEND": "django.core.cache.backends.redis.RedisCache", "OPTIONS": {"db": 1}},
            {"W045"},
        ),
        (
            {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "OPTIONS": {"serializer": "similarity.connections.sealing.JSONSerializer"},
            },
            set(),
        ),
        ({"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}, set()),
    ],
)
def test_a_cache_of_pickles_is_told_of_before_it_is_deployed(settings, entry, found):
    settings.CACHES = {"default": entry}
    assert ids(check_cache_values()) == found


def test_the_cache_is_looked_at_by_check_deploy_alone(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache"}}
    told = {
        deploy: {message.id for message in checks.run_checks(include_deployment_checks=deploy)}
        for deploy in (False, True)
    }
    assert "similarity.W045" in told[True]
    assert "similarity.W045" not in told[False]


def test_a_part_in_use_without_weight_or_dimension(change):
    """A worker refuses both at its first start; ``manage.py check`` knows it before."""
    change(ENCODERS={"colour": {"WEIGHT": 0}})
    (message,) = run()
    assert message.id == "similarity.E006"
    assert "has no WEIGHT above 0 for colour" in message.msg
    change(ENCODERS={"colour": None})
    assert run() == []
    own = {"CLASS": "similarity.encoders.colour.ColourEncoder", "WEIGHT": 0.1}
    change(ENCODERS={"shade": own})
    (message,) = (one for one in run() if one.id == "similarity.E006")
    assert "has no DIMENSION above 0 for shade" in message.msg


def test_dimensions_above_the_most(change):
    wide = {
        "text": {"DIMENSION": 200},
        "image": {"DIMENSION": 200},
        "colour": {"DIMENSION": 100},
        "attributes": {"DIMENSION": 100},
    }
    change(ENCODERS=wide)
    assert ids(run()) == {"E007"}
    change(ENCODERS={**wide, "colour": None})
    assert ids(run()) == set()


def test_weight_of_a_part_that_has_no_encoder(change):
    change(ENCODERS={"imgae": {"WEIGHT": 0.5}})
    (message,) = run()
    assert (message.id, message.hint) == ("similarity.E008", "Did you mean 'image'?")


@pytest.mark.parametrize(
    "catalog",
    [
        "nowhere.Adapter",
        "similarity.conf.load",
        "collections.OrderedDict",
        "similarity.catalog.adapter.CatalogAdapter",
        "tests.checks.test_checks.NeedsArguments",
        {"titel": "name"},
        {"title": 5},
        {"attributes": "brand"},
        {"attributes": {"brand": 3}},
    ],
)
def test_adapter_that_cannot_be_made(change, catalog):
    change(CATALOG=catalog)
    assert ids(run()) == {"E010"}


@pytest.mark.parametrize(
    "catalog",
    [{"title": "nmae"}, {"attributes": {"brand": "brand__nmae"}}, {"images": "photos__image"}],
)
def test_path_that_leads_nowhere(change, catalog):
    change(CATALOG=catalog)
    (message,) = run()
    assert message.id == "similarity.E011"


def test_images_that_are_no_files(change):
    change(CATALOG={"images": "images__alt"})
    assert ids(run()) == {"E012"}


@pytest.mark.parametrize(
    "catalog",
    [
        {"eligible": {"is_activ": True}},
        {"eligible": {"stock__gt": "many"}},
        {"in_stock": {"stock__over": 0}},
    ],
)
def test_filter_that_does_not_resolve(change, catalog):
    change(CATALOG=catalog)
    assert ids(run()) == {"E013"}


def test_filter_that_lets_nothing_pass_is_no_error(change):
    change(CATALOG={"eligible": {"pk__in": []}})
    assert run() == []


def test_checks_run_no_query(django_assert_num_queries, db):
    with django_assert_num_queries(0):
        run()


def test_api_filter_that_is_no_field(change):
    change(API={"FILTERS": {"maker": "brnd__name"}})
    (message,) = run()
    assert (message.id, message.hint) == ("similarity.E014", "Did you mean 'brand'?")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"CLASS": "nowhere.Encoder"}, "E020"),
        ({"CLASS": "collections.OrderedDict"}, "E021"),
        ({"CLASS": "similarity.conf.get"}, "E021"),
        (
            {"CLASS": "similarity.encoders.colour.ColourEncoder", "OPTIONS": {"shade": 1}},
            "E022",
        ),
    ],
)
def test_encoder_that_cannot_be_made(change, entry, expected):
    change(ENCODERS={"colour": entry})
    assert ids(run()) == {expected}


def test_no_encoder_left(change):
    change(ENCODERS=dict.fromkeys(("text", "image", "colour", "attributes")))
    assert ids(run()) == {"E023"}


def test_missing_packages_are_a_warning_that_names_the_remedy(monkeypatch):
    monkeypatch.setattr(
        encoder_checks, "find_spec", lambda name: None if name == "torch" else object()
    )
    (message,) = run()
    assert (message.id, message.level) == ("similarity.W020", checks.WARNING)
    assert "torch" in message.msg
    assert "django-similarity[encoders]" in message.hint


def test_another_database_than_the_products(settings, monkeypatch):
    class Router:
        def db_for_write(self, model, **hints):
            return "other" if model._meta.app_label == "similarity" else "default"

    monkeypatch.setattr("similarity.checks.database.router", Router())
    monkeypatch.setattr(
        "similarity.checks.database.connections", {"other": type("C", (), {"vendor": "sqlite"})}
    )
    assert ids(check_aliases()) == {"E030", "E031"}


@pytest.mark.django_db
def test_database_as_it_should_be():
    assert check_database(databases=["default"]) == []
    assert check_database(databases=None) == []
    call_command("check", databases=["default"], fail_level="WARNING")


@pytest.mark.django_db
def test_migrations_not_applied():
    from django.db.migrations.recorder import MigrationRecorder

    MigrationRecorder.Migration.objects.filter(app="similarity").delete()
    (message,) = check_database(databases=["default"])
    assert message.id == "similarity.W035"
    assert "0001_initial" in message.msg


@pytest.mark.django_db
def test_foreign_key_lost_by_a_change_of_the_products_key():
    """Django drops every foreign key to a key whose type changes and puts back its own only."""
    field = Product._meta.pk
    wider = models.AutoField(primary_key=True)
    wider.set_attributes_from_name("id")
    wider.model = Product
    with connection.schema_editor(atomic=False) as editor:
        editor.alter_field(Product, field, wider, strict=False)
    messages = check_database(databases=["default"])
    assert [message.id for message in messages] == ["similarity.W036"] * 3
    with connection.cursor() as cursor:
        for message in messages:
            cursor.execute(message.hint.removeprefix("Run: "))
    assert check_database(databases=["default"]) == []


def test_database_that_does_not_answer(monkeypatch):
    from django.db import OperationalError

    def down(alias):
        raise OperationalError("connection refused")

    monkeypatch.setattr("similarity.checks.database._check_extensions", down)
    assert ids(check_database(databases=["default"])) == {"E032"}


def test_api_without_rest_framework(settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "rest_framework"]
    assert ids(check_doors()) == {"E040"}


def test_cache_unknown(change):
    change(CACHE={"ALIAS": "defualt"})
    (message,) = run()
    assert (message.id, message.hint) == ("similarity.E041", "Did you mean 'default'?")


@pytest.mark.parametrize("path", ["nowhere.Permission", "collections.OrderedDict"])
def test_permission_class_that_is_none(change, path):
    change(API={"PERMISSION_CLASSES": [path]})
    assert ids(run()) == {"E042"}


def test_checks_import_no_torch():
    script = (
        "import django, sys; django.setup(); from django.core.management import call_command; "
        "call_command('check'); print([n for n in ('torch', 'transformers') if n in sys.modules])"
    )
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, timeout=60
    )
    assert finished.stdout.strip().endswith("[]"), finished.stderr


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ("SIMILARITY_PRODUCT_MODEL = None", "similarity.E001"),
        ("SIMILARITY_PRODUCT_MODEL = 'Product'", "similarity.E001"),
        ("SIMILARITY_PRODUCT_MODEL = 'nope.Product'", "similarity.E002"),
        ("SIMILARITY_PRODUCT_MODEL = 'host.Nope'", "similarity.E002"),
        (
            "SIMILARITY = {'CATALOG': 'similarity.catalog.adapter.CatalogAdapter'}",
            "similarity.E010",
        ),
        ("SIMILARITY = {'CATALOG': {'attributes': {'brand': 3}}}", "similarity.E010"),
    ],
)
def test_a_misconfigured_project_gets_as_far_as_its_checks(change, wanted):
    """Signals and admin are set up before any check runs; what it explains may not fail there."""
    program = (
        "from django.conf import settings; import django; from django.core import management; "
        f"settings.{change}; django.setup(); management.call_command('check')"
    )
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=120
    )
    assert wanted in finished.stderr
    assert "SystemCheckError" in finished.stderr


@pytest.mark.parametrize("mapping", [{"title": "brand"}, {"attributes": {"category": "category"}}])
def test_relation_where_a_field_is_wanted_is_told_to_name_one(change, mapping):
    change(CATALOG=mapping)
    (message,) = run()
    assert message.id == "similarity.W015"
    assert "__name" in message.hint


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ({"price": "description"}, "E016"),
        ({"price": "brand"}, "E016"),
        ({"attributes": {"*": "name"}}, "E016"),
        ({"attributes": {"limit": "name"}}, "W017"),
        ({"attributes": {"min_price": "name"}}, "W017"),
    ],
)
def test_field_of_the_wrong_kind_and_name_that_is_taken(change, mapping, expected):
    change(CATALOG=mapping)
    assert ids(run()) == {expected}


def test_names_of_the_api_are_all_reserved():
    from similarity.api.serializers import FORMAT, SimilarQuerySerializer

    own = SimilarQuerySerializer._declared_fields
    assert {*own, FORMAT, "min_price", "max_price", "in_stock"} == set(RESERVED)


def test_part_without_a_column(change):
    entry = conf.default("ENCODERS")["colour"]
    change(ENCODERS={"sound": {**entry, "WEIGHT": 0.1, "DIMENSION": 8}})
    assert ids(run()) == {"W024"}
