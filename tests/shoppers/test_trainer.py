"""Training learns a circle, stops early, resumes to the same curve, and runs on two machines."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from similarity.exceptions import TrainingError
from similarity.shoppers.artefact import SequenceConfig
from similarity.shoppers.training.machines import Machines
from similarity.shoppers.training.measures import evaluate
from similarity.shoppers.training.options import TrainingOptions
from similarity.shoppers.training.scoring import SequenceScorer
from similarity.shoppers.training.splits import leave_one_out
from similarity.shoppers.training.trainer import Trainer
from tests.shoppers.data import cycle, make_history, make_interactions

torch = pytest.importorskip("torch", reason="the encoders extra is not installed")

SHAPE = SequenceConfig(dim=16, heads=2, hidden=16, length=10)
OPTIONS = TrainingOptions(
    epochs=12, batch=256, rate=1e-2, warmup_steps=5, dropout=0.1, negatives=16, evaluate_every=1
)


def train(events=None, shape=SHAPE, options=OPTIONS, **kwargs):
    return Trainer(events or cycle(), shape, options, **kwargs).train()


def weights_of(trained) -> dict[str, np.ndarray]:
    return {name: weight.numpy() for name, weight in trained.model.weights.items()}


def assert_equal_weights(first, second) -> None:
    for name, weight in weights_of(first).items():
        assert np.array_equal(weight, weights_of(second)[name]), name


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "sampled"},
        {"loss": "gbce", "epochs": 120, "negatives": 8},
        {"loss": "full"},
        {"averaging": 0.9},
    ],
)
@pytest.mark.parametrize("shape", [{}, {"wiring": "sasrec"}])
def test_the_next_item_of_a_circle_is_found(options, shape):
    trained = train(shape=replace(SHAPE, **shape), options=replace(OPTIONS, **options))
    scores = SequenceScorer(trained.model).scores([make_history(3, 4, 5), make_history(18, 19)])
    assert scores.argmax(axis=1).tolist() == [6, 0]
    assert trained.curves.loss[-1] < 0.7 * trained.curves.loss[0]


def test_cosines_with_a_temperature_find_it_too():
    trained = train(shape=replace(SHAPE, cosine=True))
    assert SequenceScorer(trained.model).scores([make_history(3, 4, 5)]).argmax() == 6


def test_the_validation_split_decides_when_to_stop_and_which_weights_are_kept():
    split = leave_one_out(cycle()).validation
    options = replace(OPTIONS, epochs=40, patience=2)
    trained = train(split.train, options=options, validation=split.questions)
    ndcg = trained.curves.ndcg
    assert len(ndcg) < 40  # all is learned, so later epochs make nothing better
    assert trained.epoch == 1 + int(np.argmax(ndcg)) == len(ndcg) - 2
    found = evaluate(SequenceScorer(trained.model), split.questions)
    assert float(found.ndcg.mean()) == pytest.approx(max(ndcg))
    assert found.ndcg.mean() > 0.95


def test_items_without_events_are_ranked_from_their_content():
    """Items 20 to 39 look like items 0 to 19; only the latter were ever sold."""
    looks = np.tile(np.eye(20, dtype=np.float32), (2, 1))
    events = cycle()
    events = make_interactions(
        [events.items[first : first + 8].tolist() for first in range(0, len(events.items), 8)],
        items=40,
        content=looks,
    )
    shape, options = replace(SHAPE, content_dim=20), replace(OPTIONS, id_dropout=0.3, epochs=20)
    scores = SequenceScorer(train(events, shape, options).model).scores([make_history(3, 4, 5)])[0]
    assert set(np.argsort(-scores)[:2]) == {6, 26}
    without = SequenceScorer(train(events, options=options).model).scores([make_history(3, 4, 5)])
    assert without.argmax() == 6
    assert not without[0, 20:].any()  # ids alone know nothing of them


def test_the_same_seed_gives_the_same_model_and_another_another():
    first, second = train(), train()
    assert_equal_weights(first, second)
    assert first.curves.loss == second.curves.loss
    assert train(options=replace(OPTIONS, seed=1)).curves.loss != first.curves.loss


def test_training_leaves_the_random_numbers_of_its_host_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(options=replace(OPTIONS, epochs=1))
    assert torch.equal(torch.rand(3), expected)


def test_accumulating_batches_is_one_step():
    """Two batches of a step give the gradient of one batch of twice the size."""
    even = replace(OPTIONS, dropout=0.0, gap_dropout=0.0, loss="full", epochs=1, warmup_steps=0)
    once = train(options=replace(even, batch=2000))
    twice = train(options=replace(even, batch=1000, accumulate=2))
    assert once.curves.loss == pytest.approx(twice.curves.loss, rel=1e-4)
    for name, weight in weights_of(once).items():
        assert np.allclose(weight, weights_of(twice)[name], atol=3e-3), name


def test_nothing_to_learn_is_an_error_with_its_remedy():
    with pytest.raises(TrainingError, match="None of 2 shoppers"):
        train(make_interactions([[0], [1, 1]]))


def test_training_that_diverges_is_an_error():
    with pytest.raises(TrainingError, match="lower learning rate"):
        train(options=replace(OPTIONS, rate=1e9, loss="full"))


@pytest.mark.parametrize(
    ("option", "value"), [("loss", "hinge"), ("dropout", 1.5), ("batch", 0), ("temperature", 0)]
)
def test_a_bad_option_is_named(option, value):
    with pytest.raises(TrainingError, match=option):
        replace(OPTIONS, **{option: value})


def test_an_interrupted_training_resumes_to_the_same_curve(tmp_path):
    """Interrupted in the middle of an epoch, as by Ctrl-C."""
    path, split = tmp_path / "checkpoint", leave_one_out(cycle()).validation
    options = replace(OPTIONS, batch=64, averaging=0.9, epochs=6, patience=9)
    whole = train(split.train, options=options, validation=split.questions)

    def interrupt(_phase, done, _total):
        if done == 50:
            raise KeyboardInterrupt

    asked = {"options": options, "validation": split.questions, "checkpoint": path}
    with pytest.raises(KeyboardInterrupt):
        train(split.train, progress=interrupt, **asked)
    resumed = train(split.train, **asked)
    assert resumed.curves.loss == whole.curves.loss
    assert resumed.curves.ndcg == whole.curves.ndcg
    assert resumed.epoch == whole.epoch
    assert_equal_weights(resumed, whole)


def test_a_checkpoint_within_an_epoch_goes_on_at_its_step(tmp_path, monkeypatch):
    monkeypatch.setattr("similarity.shoppers.training.trainer.CHECKPOINT_EVERY_S", 0.0)
    path, options = tmp_path / "checkpoint", replace(OPTIONS, batch=64, epochs=2)
    whole, seen = train(options=options), []

    def interrupt(_phase, done, _total):
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(options=options, checkpoint=path, progress=interrupt)
    resumed = train(
        options=options, checkpoint=path, progress=lambda _phase, done, _total: seen.append(done)
    )
    assert seen[0] == 10  # step 9 was saved; step 10 is taken again
    assert resumed.curves.loss == whole.curves.loss
    assert_equal_weights(resumed, whole)


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    path, options = tmp_path / "checkpoint", replace(OPTIONS, epochs=1)
    train(options=options, checkpoint=path)
    with pytest.raises(TrainingError, match="other options, events"):
        train(options=replace(options, rate=0.5), checkpoint=path)
    with pytest.raises(TrainingError, match="other options, events"):
        train(cycle(seed=1), options=options, checkpoint=path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(TrainingError, match="cannot be read"):
        train(options=options, checkpoint=path)


def test_a_finished_training_is_not_repeated(tmp_path):
    path, steps = tmp_path / "checkpoint", []
    first = train(checkpoint=path)
    again = train(checkpoint=path, progress=lambda *step: steps.append(step))
    assert steps == []
    assert_equal_weights(first, again)


#: Training needs no Django, so the processes start quickly.
RUN = """
import json, sys
from pathlib import Path
import numpy as np
from similarity.shoppers.artefact import SequenceConfig
from similarity.shoppers.interactions import Interactions
from similarity.shoppers.training.options import TrainingOptions
from similarity.shoppers.training.trainer import Trainer

folder, epochs, options = Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
columns = dict(np.load(folder / "events.npz"))
trainer = Trainer(
    Interactions(**columns),
    SequenceConfig(**json.loads(sys.argv[4])),
    TrainingOptions(**options | {"epochs": epochs}),
    checkpoint=folder / "checkpoint",
)
trained = trainer.train()
if trainer.machines.leads:
    weights = {name: weight.tolist() for name, weight in trained.model.weights.items()}
    print(json.dumps({"loss": trained.curves.loss, "weights": weights}))
"""


def start(folder, options, epochs: int, torchrun: bool = False) -> subprocess.Popen:
    root = Path(__file__).resolve().parents[2]
    folder.mkdir(exist_ok=True)
    (folder / "run.py").write_text(RUN)
    events = cycle()
    columns = ("shoppers", "items", "kinds", "times", "content")
    np.savez(folder / "events.npz", **{name: getattr(events, name) for name in columns})
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    script = [str(folder / "run.py"), str(folder), str(epochs)]
    settings = [json.dumps(options.as_json()), json.dumps(SHAPE.as_json())]
    return subprocess.Popen(
        [sys.executable, *(launcher if torchrun else []), *script, *settings],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
    )


def outcome(process: subprocess.Popen) -> dict:
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    found: dict = json.loads(output)
    return found


def test_a_killed_training_resumes_to_the_same_curve(tmp_path):
    """Killed by SIGKILL, which no code can catch."""
    options = replace(OPTIONS, batch=16)
    whole = outcome(start(tmp_path / "whole", options, epochs=4))
    process = start(tmp_path / "killed", options, epochs=4)
    deadline = time.monotonic() + 60
    while not (tmp_path / "killed" / "checkpoint").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.communicate()
    assert outcome(start(tmp_path / "killed", options, epochs=4)) == whole


def test_two_processes_train_one_model(tmp_path):
    """By torchrun: gradients are added up, so a step is that of one process with both batches."""
    options = replace(
        OPTIONS, batch=2800, dropout=0.0, gap_dropout=0.0, loss="full", warmup_steps=0
    )
    both = outcome(start(tmp_path, options, epochs=2, torchrun=True))
    alone = train(options=replace(options, batch=1400, accumulate=2, epochs=2))
    assert both["loss"] == pytest.approx(alone.curves.loss, rel=1e-4)
    for name, weight in weights_of(alone).items():
        assert np.allclose(weight, both["weights"][name], atol=3e-3), name


def test_one_machine_is_the_default(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with Machines() as machines:
        assert machines.leads
        assert machines.count == 1
        assert machines.agreed(0.5) == 0.5
