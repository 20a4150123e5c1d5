"""The benchmark of the sequence model: packs, peers, and each of its tables on tiny data."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import sequence_ablations, sequence_packs, sequences
from similarity.shoppers.training.measures import evaluate
from similarity.shoppers.training.splits import leave_one_out

pytest.importorskip("torch", reason="the encoders extra is not installed")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")

SHOPPERS, ITEMS = 60, 20
DATA = Path(os.environ.get("SIMILARITY_DATA_DIR", "../shared/data"))


@pytest.fixture
def pack(tmp_path):
    """Shoppers who walk in a circle; an item's attributes are its number modulo four."""
    lines = [
        f"{shopper + 1} " + " ".join(str((shopper + step) % ITEMS + 1) for step in range(6))
        for shopper in range(SHOPPERS)
    ]
    (tmp_path / "Tiny.txt").write_text("\n".join(lines))
    attributes = {str(item + 1): [item % 4, 10] for item in range(ITEMS)}
    (tmp_path / "Tiny_item2attributes.json").write_text(json.dumps(attributes))
    return tmp_path / "Tiny.txt"


def test_a_pack_of_sequences_is_read_with_its_attributes(pack):
    data = sequence_packs.load_pack(str(pack), Path(), content_dim=8)
    assert data.window() == {"events": 360, "shoppers": SHOPPERS, "items": ITEMS}
    assert data.items[:6].tolist() == [0, 1, 2, 3, 4, 5]
    assert data.content.shape == (ITEMS, 8)
    assert np.allclose(np.linalg.norm(data.content, axis=1), 1)
    alike = data.content @ data.content[0]
    assert np.allclose(alike[[0, 4, 8]], 1, atol=1e-4)
    assert alike[1] < 0.9


@pytest.mark.parametrize("name", sequence_packs.ORDERS)
def test_a_pack_of_orders_is_read_by_shopper_and_time(name):
    if not (DATA / sequence_packs.ORDERS[name][0]).exists():
        pytest.skip(f"the pack {name} is not in SIMILARITY_DATA_DIR")
    data = sequence_packs.load_pack(name, DATA, content_dim=8)
    assert (np.diff(data.shoppers) >= 0).all()
    within = np.diff(data.shoppers) == 0
    assert (np.diff(data.times)[within] >= 0).all()
    assert data.times.min() > 1_200_000_000
    assert (np.linalg.norm(data.content, axis=1) > 0.99).mean() > 0.95


def test_a_peers_ranking_is_measured_as_it_is(pack):
    data = sequence_packs.load_pack(str(pack), Path(), content_dim=0)
    split = leave_one_out(data)
    best = np.full((SHOPPERS, 10), -1)
    best[:, 1] = split.test.questions.targets  # always at the second place
    best[:, 0] = (split.test.questions.targets + 1) % ITEMS
    found = evaluate(sequences.Tops("peer", best, split), split.test.questions).figures()
    assert found["recall@10"] == 1
    assert found["ndcg@10"] == pytest.approx(1 / np.log2(3))


def run(monkeypatch, capsys, module, *arguments) -> list[str]:
    monkeypatch.setattr(sys, "argv", [module.__file__, *map(str, arguments)])
    module.main()
    return capsys.readouterr().out.splitlines()


def test_the_table_holds_each_model_and_the_time_to_its_ndcg(pack, monkeypatch, capsys):
    lines = run(monkeypatch, capsys, sequences, "--data", pack, "--seeds", 1)
    rows = {line.split(" | ")[0].lstrip("| "): line for line in lines if line.startswith("| ")}
    assert {"popularity", "cooccurrence", "bpr", "als", "sequence"} <= rows.keys()
    recall = float(rows["sequence"].split(" | ")[1])
    assert recall > 0.9
    assert "Seconds until the validation NDCG@10 of each model was reached:" in lines


def test_hidden_items_are_measured_apart(pack, monkeypatch, capsys):
    lines = run(monkeypatch, capsys, sequences, "--data", pack, "--seeds", 1, "--hidden")
    assert lines[-1].startswith("Recall@10 of hidden items is ")
    assert any(line.startswith("| hidden | ") for line in lines)


def test_ablations_change_what_they_name(pack, monkeypatch, capsys):
    chosen = ["--only", "the defaults", "without content", "gBCE", "--epochs", 1]
    lines = run(monkeypatch, capsys, sequence_ablations, "--data", pack, *chosen)
    assert [line.split(" | ")[0] for line in lines[-3:]] == [
        *("| the defaults", "| without content", "| gBCE"),
    ]
    defaults = sequences.train(leave_one_out(sequence_packs.load_pack(str(pack), Path())).test, 0)
    assert vars(defaults[0].model.config).keys() >= {"content_dim", "cosine", "wiring"}
    known = vars(defaults[0].model.config).keys() | sequences_options()
    for changes in sequence_ablations.ABLATIONS.values():
        assert changes.keys() <= known


def sequences_options() -> set[str]:
    from similarity.shoppers.training.options import TrainingOptions

    return set(TrainingOptions().as_json())


def test_an_unknown_peer_is_named(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, capsys, sequences, "--peers", "gru")
    assert "unknown peers gru" in capsys.readouterr().err
