"""How near is near: learned on catalogues that are known, and what search makes of it."""

import csv
import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from shop.seed import catalogue
from similarity.catalog.content import ProductContent
from similarity.encoders.fusion import Fusion
from similarity.encoders.text import TransformerTextEncoder
from similarity.models import EncoderVersion
from similarity.models.versions import UNLEARNED_QUERY_FLOORS
from similarity.search import documents, query_floors, vocabulary
from similarity.search.query_floors import floor, nonsense
from similarity.search.tasks import learn_query_floors
from tests.retrieval.conftest import make_version, store  # noqa: F401 - fixtures

DATA = Path(os.environ.get("SIMILARITY_DATA_DIR") or Path(__file__).parents[3] / "shared" / "data")
PRODUCTS = 150
EAST = np.array([[1, 0]], np.float32)

#: As people type who try whether a search is honest, or whose hand slipped.
GIBBERISH = [
    "asdfqwerzxcv", "qwertzuiop", "zzzzqqqq", "blorfing wug", "hjklhjkl", "wrglbrmpf",
    "xkcd ploof", "aaaaaaa", "jdfkgjhd", "snorglax", "lkjhgfdsa", "vbnmvbnm",
]  # fmt: skip


def _pack(path: Path) -> Path:
    if not path.is_file():
        pytest.skip(f"needs {path.parent.name}/{path.name}; set SIMILARITY_DATA_DIR to its folder")
    return path


def _demo():
    return [(item.name, item.description) for item in catalogue.plan(PRODUCTS, 7)]


def _esci():
    with gzip.open(_pack(DATA / "esci" / "products.jsonl.gz"), "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line, _ in zip(lines, range(PRODUCTS), strict=False)]
    return [(row["title"], row.get("description") or "") for row in rows]


def _icecat():
    with gzip.open(_pack(DATA / "icecat" / "products.jsonl.gz"), "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line, _ in zip(lines, range(PRODUCTS), strict=False)]
    return [(row["name"], row.get("short_en") or "") for row in rows]


def _groceries():
    with _pack(DATA / "groceries" / "items.csv").open(encoding="utf-8") as file:
        return [(row["item"], row["level2"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize("texts_of", [_demo, _esci, _icecat, _groceries])
def test_gibberish_stays_below_the_floor_and_names_of_products_do_not(texts_of):
    """The default text encoder, on catalogues that have little in common."""
    contents = [
        ProductContent(key=str(at), title=title, description=description[:200])
        for at, (title, description) in enumerate(texts_of())
    ]
    encoder = TransformerTextEncoder()
    encoded = encoder.encode(contents)
    fusion = Fusion.fit({"text": encoded}, {"text": 1.0}, {"text": 128})
    stored = fusion.project("text", encoded.vectors)
    words = sorted({word.lower() for one in contents for word in one.title.split()})

    def projected(texts):
        return fusion.project("text", encoder.encode_texts(texts).vectors)

    learned = floor(projected(nonsense(words, query_floors.PROBES)), stored, len(stored))
    best = (projected(GIBBERISH) @ stored.T).max(axis=1)
    assert np.mean(best >= learned) <= 0.1, dict(zip(GIBBERISH, best.round(2), strict=True))
    asked = [one.title for one in contents[::10]]
    own = np.sum(projected(asked) * stored[::10], axis=1)
    assert np.mean(own >= learned) >= 0.9, (learned, own.round(2))


def test_the_floor_is_what_nearly_all_stay_below():
    angles = np.radians(np.linspace(90, 10, 101))
    probes = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    learned = floor(probes, EAST, 1)
    assert np.mean(probes @ EAST[0] >= learned) == pytest.approx(1 - query_floors.SHARE, abs=0.011)


def test_of_a_larger_catalogue_the_floor_is_higher():
    """The nearest of more products is nearer: 2,000 of 16,000 foretell what all would tell."""
    dice = np.random.default_rng(5)
    every = dice.normal(size=(16_000, 32)).astype(np.float32)
    every /= np.linalg.norm(every, axis=1, keepdims=True)
    probes, products = every[:256], every[256:]
    whole = floor(probes, products, len(products))
    part = products[:2_000]
    assert floor(probes, part, len(part)) < whole
    assert floor(probes, part, len(products)) == pytest.approx(whole, abs=0.03)


def test_an_encoder_that_sees_no_difference_is_near_to_nothing():
    same = np.repeat(EAST, 30, axis=0)
    assert floor(same, same, 30) == 1.0
    assert floor(np.zeros_like(same), same, 30) == 1.0, "it tells nothing of any word"


@pytest.mark.parametrize("words", [[], ["x1", "a"], ["платье", "рубашка", "шапка"]])
def test_nonsense_is_of_the_shops_own_letters_and_none_of_its_words(words):
    made = nonsense(words, 40)
    assert made == nonsense(words, 40)
    assert not {word for text in made for word in text.split()} & set(words)
    if "платье" in words:
        assert set("".join(made)) <= set("".join(words)) | {" "}


@pytest.fixture
def shop(make_product, make_version, store, monkeypatch):  # noqa: F811
    """Thirty products of two departments, whose photos point two ways."""
    version = make_version({"text": 0.5, "image": 0.5}, {"text": 2, "image": 2}, blocks={})
    for at in range(30):
        product = make_product(name=f"Lamp {at}", category=("Lamps", "Chairs")[at % 2])
        turn = np.radians(80 * (at % 2) + at / 10)
        store(product, version, text=[1, at / 100], image=[np.cos(turn), np.sin(turn)])
    documents.index_all()
    vocabulary.refresh()
    rows = np.tile(np.array([0.6, 0.8], np.float32), (query_floors.PROBES, 1))
    told = type("Encoded", (), {"vectors": rows})
    monkeypatch.setattr(query_floors.queries, "text_vectors", lambda texts, version: told)
    return version


def test_what_is_learned_is_kept_with_the_version(shop):
    learned = query_floors.learn(shop)
    kept = EncoderVersion.objects.get(pk=shop.pk)
    assert kept.query_floors == learned
    assert kept.query_floor("text") == learned["text"] == pytest.approx(0.79, abs=0.03)
    assert kept.query_floor("photo") == pytest.approx(np.cos(np.radians(78)), abs=0.1)


def test_of_few_products_nothing_is_learned(shop, monkeypatch):
    monkeypatch.setattr(query_floors, "FEWEST", 31)
    assert query_floors.learn(shop) == {}
    assert shop.query_floor("text") == UNLEARNED_QUERY_FLOORS["text"]


def test_the_nightly_task_learns_for_every_version_that_is_kept_up_to_date(shop, monkeypatch):
    monkeypatch.setattr(query_floors.fusions, "mismatch", lambda version: "")
    learn_query_floors()
    assert EncoderVersion.objects.get(pk=shop.pk).query_floors.keys() == {"text", "photo"}


def test_where_nothing_can_be_learned_the_log_says_why(shop, caplog):
    """The encoders that the version was made with are gone."""
    gone = {"class": "host.Gone", "options": {}, "signature": "gone", "dimension": 2}
    EncoderVersion.objects.update(query_floors={"text": 0.3}, encoders={"text": gone})
    learn_query_floors()
    assert "could not be learned" in caplog.text
    assert EncoderVersion.objects.get(pk=shop.pk).query_floors == {"text": 0.3}
