"""Train a peer's sequence model in its own environment; called by benchmarks/sequences.py.

    PYTHON benchmarks/sequence_peer_process.py PEER FOLDER MINUTES SEED

Reads FOLDER/in.npz (the sequences to learn from, and the histories of the questions), and writes
FOLDER/out.npz: the ten best items of each history without those in it, and seconds of training. It
imports nothing of this project, because the peer's environment has none of its packages.
"""

import sys
import time
from pathlib import Path

import numpy as np

TOP = 10
LENGTH, DIM, HEADS, BLOCKS = 50, 128, 2, 2
NEGATIVES = 256
#: Epochs without progress on the validation questions before training stops.
PATIENCE = 3
MOST_EPOCHS = 100


def main() -> None:
    peer, folder, minutes, seed = sys.argv[1:]
    with np.load(Path(folder) / "in.npz") as stored:
        told = dict(stored)
    train = PEERS[peer](told, float(minutes) * 60, int(seed))
    np.savez(Path(folder) / "out.npz", **train)


def cut(flat: np.ndarray, sizes: np.ndarray) -> list[np.ndarray]:
    return np.split(flat, np.cumsum(sizes)[:-1])


class Clock:
    """Seconds of wall and of processor, without those of evaluation."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s, self.wall_s, self.cpu_s = limit_s, 0.0, 0.0

    def __enter__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def __exit__(self, *error: object) -> None:
        self.wall_s += time.perf_counter() - self._began[0]
        self.cpu_s += time.process_time() - self._began[1]

    @property
    def is_over(self) -> bool:
        return self.wall_s > self.limit_s


def ndcg(best: np.ndarray, targets: np.ndarray) -> float:
    hits = best == targets[:, None]
    return float((hits / np.log2(np.arange(2, TOP + 2))).sum(axis=1).mean())


def result(tops: dict, clock: Clock, epochs: int) -> dict:
    return {**tops, "wall_s": clock.wall_s, "cpu_s": clock.cpu_s, "epochs": epochs}


def train_replay(told: dict, limit_s: float, seed: int) -> dict:
    """replay-rec's SASRec and its sampled cross entropy, with Adam as in its examples."""
    import torch
    from replay.data import FeatureHint, FeatureSource, FeatureType
    from replay.data.nn import TensorFeatureInfo, TensorFeatureSource, TensorSchema
    from replay.nn.loss import CESampled
    from replay.nn.sequential import SasRec

    torch.manual_seed(seed)
    items = int(told["items"])
    schema = TensorSchema(
        TensorFeatureInfo(
            "item",
            is_seq=True,
            feature_type=FeatureType.CATEGORICAL,
            embedding_dim=DIM,
            padding_value=items,
            cardinality=items,
            feature_hint=FeatureHint.ITEM_ID,
            feature_sources=[TensorFeatureSource(FeatureSource.INTERACTIONS, "item")],
        )
    )
    model = SasRec.from_params(schema, DIM, HEADS, BLOCKS, LENGTH, dropout=0.3)
    model.loss = CESampled(ignore_index=items)
    model.loss.logits_callback = model.get_logits
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.98))
    walks = [walk for walk in cut(told["train"], told["train_sizes"]) if len(walk) > 1]
    dice, clock = np.random.default_rng(seed), Clock(limit_s)
    tops: dict = {}
    best, waited, epoch = -1.0, 0, 0
    while waited < PATIENCE and epoch < MOST_EPOCHS and not clock.is_over:
        epoch += 1
        with clock:
            model.train()
            order = dice.permutation(len(walks))
            for first in range(0, len(order), 128):
                chosen = [walks[at] for at in order[first : first + 128]]
                inputs = padded([walk[:-1] for walk in chosen], items)
                targets = torch.as_tensor(padded([walk[1:] for walk in chosen], items))[..., None]
                inputs = torch.as_tensor(inputs)
                loss = model(
                    {"item": inputs},
                    inputs != items,
                    positive_labels=targets,
                    negative_labels=torch.as_tensor(dice.integers(0, items, NEGATIVES)),
                    target_padding_mask=targets != items,
                )["loss"]
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        model.eval()
        validation = replay_tops(model, cut(told["validation"], told["validation_sizes"]), items)
        found = ndcg(validation, told["validation_targets"])
        print(f"epoch {epoch}: {found:.4f}, {clock.wall_s:.0f} s", flush=True)
        waited += 1
        if found > best:
            best, waited = found, 0
            test = replay_tops(model, cut(told["test"], told["test_sizes"]), items)
            tops = {"validation": validation, "test": test}
    return result(tops, clock, epoch)


def padded(walks: list, filler: int) -> np.ndarray:
    """Return (B, LENGTH) the last events, padded in front."""
    rows = np.full((len(walks), LENGTH), filler, np.int64)
    for row, walk in zip(rows, walks, strict=True):
        kept = walk[-LENGTH:]
        row[LENGTH - len(kept) :] = kept
    return rows


def replay_tops(model: object, histories: list, items: int) -> np.ndarray:
    import torch

    found = []
    with torch.no_grad():
        for first in range(0, len(histories), 512):
            some = histories[first : first + 512]
            inputs = torch.as_tensor(padded(some, items))
            scores = model({"item": inputs}, inputs != items)["logits"].numpy()
            for row, history in zip(scores, some, strict=True):
                row[history] = -np.inf
            found.append(np.argsort(-scores, axis=1)[:, :TOP])
    return np.concatenate(found)


def train_rectools(told: dict, limit_s: float, seed: int, *, modern: bool) -> dict:
    """RecTools' SASRec, or with ``modern`` its eSASRec: LiGR layers and sampled softmax."""
    import pandas as pd
    import pytorch_lightning as lightning
    from rectools import Columns
    from rectools.dataset import Dataset
    from rectools.models import SASRecModel
    from rectools.models.nn.transformers.ligr import LiGRLayers

    lightning.seed_everything(seed, verbose=False)

    def dataset(name: str) -> Dataset:
        sizes = told[f"{name}_sizes"]
        place = np.arange(len(told[name])) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return Dataset.construct(
            pd.DataFrame(
                {
                    Columns.User: np.repeat(np.arange(len(sizes)), sizes),
                    Columns.Item: told[name],
                    Columns.Weight: 1.0,
                    Columns.Datetime: pd.Timestamp("2020-01-01") + pd.to_timedelta(place, "D"),
                }
            )
        )

    layers = {"transformer_layers_type": LiGRLayers} if modern else {}
    clock = Clock(limit_s)
    model = SASRecModel(
        n_factors=DIM,
        n_heads=HEADS,
        n_blocks=BLOCKS,
        session_max_len=LENGTH,
        dropout_rate=0.3,
        loss="sampled_softmax",
        n_negatives=NEGATIVES,
        lr=1e-3,
        batch_size=128,
        epochs=1,
        **layers,
    )
    tops: dict = {}
    best, waited, epoch = -1.0, 0, 0
    learned = dataset("train")
    while waited < PATIENCE and epoch < MOST_EPOCHS and not clock.is_over:
        with clock:
            if epoch:
                model.fit_partial(learned, min_epochs=1, max_epochs=1)
            else:
                model.fit(learned)
        epoch += 1
        validation = rectools_tops(model, dataset("validation"), len(told["validation_sizes"]))
        found = ndcg(validation, told["validation_targets"])
        print(f"epoch {epoch}: {found:.4f}, {clock.wall_s:.0f} s", flush=True)
        waited += 1
        if found > best:
            best, waited = found, 0
            test = rectools_tops(model, dataset("test"), len(told["test_sizes"]))
            tops = {"validation": validation, "test": test}
    return result(tops, clock, epoch)


def rectools_tops(model: object, dataset: object, questions: int) -> np.ndarray:
    found = model.recommend(
        np.arange(questions), dataset, k=TOP, filter_viewed=True, on_unsupported_targets="ignore"
    )
    best = np.full((questions, TOP), -1)
    best[found["user_id"], found["rank"] - 1] = found["item_id"]
    return best


PEERS = {
    "replay": train_replay,
    "rectools-sasrec": lambda *told: train_rectools(*told, modern=False),
    "rectools-esasrec": lambda *told: train_rectools(*told, modern=True),
}

if __name__ == "__main__":
    main()
