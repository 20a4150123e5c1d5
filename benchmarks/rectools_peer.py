"""Train SASRec or eSASRec of RecTools on the events of benchmarks/sequences.py; no part of ours.

Runs in RecTools' own environment: ``rectools_peer.py FOLDER sasrec|esasrec SEED EPOCHS``. Reads
``events.npz`` and writes ``found.npz``: the ten best items of each question, and the seconds of
training. eSASRec is that of RecSys 2025: LiGR layers and a sampled softmax. Training stops by the
item before the last, as ours does.
"""

import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from pytorch_lightning import Trainer, seed_everything
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel

warnings.filterwarnings("ignore")
torch.set_num_threads(1)

TOP, PATIENCE = 10, 5
SHAPE: dict[str, Any] = {
    "n_factors": 128,
    "n_blocks": 2,
    "n_heads": 2,
    "dropout_rate": 0.2,
    "session_max_len": 50,
    "batch_size": 128,
    "lr": 0.001,
}


def table(shoppers: Any, items: Any) -> pd.DataFrame:
    """Return events as RecTools wants them; their order stands for the time."""
    return pd.DataFrame(
        {
            Columns.User: shoppers,
            Columns.Item: items,
            Columns.Weight: 1.0,
            Columns.Datetime: pd.Timestamp("2020-01-01") + pd.to_timedelta(range(len(items)), "s"),
        }
    )


def make(name: str, epochs: int, folder: Path) -> SASRecModel:
    extra: dict[str, Any] = {"loss": "softmax"}
    if name == "esasrec":
        from rectools.models.nn.transformers.ligr import LiGRLayers

        extra = {
            "loss": "sampled_softmax",
            "n_negatives": 256,
            "transformer_layers_type": LiGRLayers,
        }
    last = ModelCheckpoint(dirpath=folder, monitor="val_loss", mode="min", filename="best")

    def trainer() -> Trainer:
        return Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            callbacks=[EarlyStopping("val_loss", patience=PATIENCE), last],
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )

    return SASRecModel(**SHAPE, **extra, get_trainer_func=trainer, get_val_mask_func=last_of_each)


def last_of_each(interactions: pd.DataFrame) -> Any:
    rank = interactions.groupby(Columns.User)[Columns.Datetime].rank(ascending=False)
    return (rank <= 1).to_numpy()


def main(folder: Path, name: str, seed: int, epochs: int) -> None:
    seed_everything(seed, verbose=False)
    events = np.load(folder / "events.npz")
    # The history of a question ends with the item that stops training.
    asked = table(events["asked_shoppers"], events["asked_items"])
    dataset = Dataset.construct(asked)
    model = make(name, epochs, folder)
    started = time.perf_counter()
    model.fit(dataset)
    seconds = time.perf_counter() - started
    best_state = torch.load(folder / "best.ckpt", weights_only=False)["state_dict"]
    model.lightning_model.load_state_dict(best_state)
    users = np.arange(int(events["asked_shoppers"].max()) + 1)
    found = model.recommend(users=users, dataset=dataset, k=TOP, filter_viewed=True)
    best = np.full((len(users), TOP), -1, dtype=np.int64)
    best[found[Columns.User], found[Columns.Rank] - 1] = found[Columns.Item]
    np.savez(folder / "found.npz", best=best, seconds=seconds)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
