"""Measure search by picture: recall of a product by another photo, and the effect of words.

    python benchmarks/picture_search.py
    python benchmarks/picture_search.py --products 3000 --queries 300

A query is the photo of a product, distorted like a phone's photo of a page or a screenshot: cropped
to 85 % of its sides away from the middle, saved as JPEG of quality 40, darkened or lightened,
mirrored, or all of these. It is decoded like an upload. The results are the shares of queries whose
own product comes first, and among the first five, of all products.

The second question sends the photo with the name of another colour of the same type of product:
"this, but in red". The result is the share of the first ten that have the photo's type, the
requested colour, and both, for each share of the words in the fusion. The words find the titles
that contain them; without such titles, they find the nearest texts. No database is used.
"""

import argparse
import io
import os
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import django
import numpy as np
from machine import machine
from PIL import Image, ImageEnhance, ImageOps

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from similarity.catalog.content import ImageRef, ProductContent
from similarity.encoders.base import FloatArray

Distortion = Callable[[Image.Image], Image.Image]
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def cropped(photo: Image.Image) -> Image.Image:
    """Return 85 % of each side, off the middle, so that the framing differs from the shop's."""
    width, height = photo.size
    left, top = round(width * 0.12), round(height * 0.03)
    return photo.crop((left, top, left + round(width * 0.85), top + round(height * 0.85)))


def all_of_it(photo: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(ImageOps.mirror(cropped(photo))).enhance(0.8)


#: name → (distortion of the picture, quality of the JPEG that is sent).
DISTORTIONS: dict[str, tuple[Distortion, int]] = {
    "as it is": (lambda photo: photo, 95),
    "cut to 85 %": (cropped, 95),
    "JPEG 40": (lambda photo: photo, 40),
    "darker, ×0.7": (lambda photo: ImageEnhance.Brightness(photo).enhance(0.7), 95),
    "lighter, ×1.3": (lambda photo: ImageEnhance.Brightness(photo).enhance(1.3), 95),
    "mirrored": (ImageOps.mirror, 95),
    "cut, mirrored, darker, JPEG 40": (all_of_it, 40),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = Path(os.environ.get("SIMILARITY_DATA_DIR") or "../shared/data")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "django-similarity"
    parser.add_argument("--data-dir", type=Path, default=data, help="the folder myntra is in")
    parser.add_argument("--cache", type=Path, default=cache, help="where vectors are kept")
    parser.add_argument("--products", type=int, default=1000)
    parser.add_argument("--queries", type=int, default=100)
    options = parser.parse_args()
    # Importing the search needs the shop's settings, which need server addresses; no server is
    # used.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    for server in ("DATABASE_URL", "CACHE_URL", "CELERY_BROKER_URL"):
        os.environ.setdefault(server, f"{'postgres' if server[0] == 'D' else 'redis'}://unused/")
    django.setup()
    print(machine())
    Trial(options.data_dir, options.cache, options.products, options.queries).run()


class Trial:
    """An evaluation with ``products`` of myntra; the photos of about every tenth are queries."""

    def __init__(self, data_dir: Path, cache: Path, products: int, queries: int) -> None:
        from similarity.encoders.fusion import Fusion
        from similarity.encoders.registry import get_encoder
        from similarity.training.datasets import load_dataset
        from similarity.training.vector_cache import VectorCache

        self.dataset = load_dataset("myntra", data_dir, products)
        self.contents = self.dataset.contents
        self.encoders = {part: get_encoder(part) for part in ("text", "image")}
        parts = VectorCache(cache / self.dataset.name).encode(self.encoders, self.contents)
        self.fusion = Fusion.fit(parts, {"text": 1, "image": 1}, {"text": 128, "image": 128})
        self.rows = {part: self.fusion.project(part, parts[part].vectors) for part in parts}
        step = max(1, len(self.contents) // queries)
        self.queries = list(range(0, len(self.contents), step))[:queries]

    def run(self) -> None:
        print(f"{len(self.contents)} products of myntra, {len(self.queries)} photos of them\n")
        print(f"{'distortion':<32}{'first':>8}{'top 5':>8}")
        for name, (distort, quality) in DISTORTIONS.items():
            ranks = self.ranks([self.sent(at, distort, quality) for at in self.queries])
            first, five = np.mean(ranks == 0), np.mean(ranks < 5)
            print(f"{name:<32}{first:>8.2f}{five:>8.2f}")
        print(f"\n{'share of the words':<20}{'kind':>8}{'colour':>8}{'both':>8}")
        for share in SHARES:
            print(f"{share:<20}" + "".join(f"{value:>8.2f}" for value in self.turned(share)))

    def sent(self, at: int, distort: Distortion, quality: int) -> ProductContent:
        """Return the product's photo as a shopper might send it."""
        photo = Image.open(io.BytesIO(self.contents[at].images[0].read(10**8))).convert("RGB")
        buffer = io.BytesIO()
        distort(photo).save(buffer, "JPEG", quality=quality)
        data = buffer.getvalue()
        return ProductContent(key="query", title="", images=[ImageRef("query", lambda _: data)])

    def ranks(self, photos: Sequence[ProductContent]) -> np.ndarray:
        """Return the number of products before the photo's own product, for each query."""
        scores = self.project("image", photos) @ self.rows["image"].T
        own = scores[np.arange(len(photos)), self.queries]
        return (scores > own[:, None]).sum(axis=1)

    def project(self, part: str, contents: Sequence[ProductContent]) -> FloatArray:
        return self.fusion.project(part, self.encoders[part].encode(contents).vectors)

    def turned(self, share: float, pool: int = 100, top: int = 10) -> tuple[float, float, float]:
        """Return shares of the first ten with the photo's type, the requested colour, and both."""
        from similarity.search.picture import fuse
        from similarity.similar.hits import Hit

        kinds, colours = self.dataset.labels["type"], self.dataset.labels["colour"]
        chosen = random.Random(1)  # noqa: S311 - the same colours each time
        told = []
        for at in self.queries:
            others = {
                min(colours[row])
                for row in range(len(self.contents))
                if kinds[row] == kinds[at] and colours[row] and colours[row] != colours[at]
            }
            if not others:
                continue
            colour = chosen.choice(sorted(others))
            alike = np.argsort(-(self.rows["image"] @ self.rows["image"][at]), kind="stable")
            alike = alike[alike != at][:pool]
            hits = [Hit(str(row), 1.0, "image") for row in alike]
            ranked = [str(row) for row in self.told(colour, alike)]
            best = [int(hit.key) for hit in fuse(hits, ranked, share)[:top]]
            kind = np.array([kinds[row] == kinds[at] for row in best])
            asked = np.array([colour in colours[row] for row in best])
            told.append((kind.mean(), asked.mean(), (kind & asked).mean()))
        return tuple(np.mean(told, axis=0))

    def told(self, words: str, alike: np.ndarray) -> np.ndarray:
        """Return rows that the words find among similar products, in place of full-text search."""
        wanted = set(words.lower().split())
        titles = [set(self.contents[row].title.lower().split()) for row in alike]
        holding = np.array([wanted <= title for title in titles])
        if holding.any():
            return alike[holding]
        vector = self.project("text", [ProductContent(key="query", title=words)])[0]
        return alike[np.argsort(-(self.rows["text"][alike] @ vector), kind="stable")]


if __name__ == "__main__":
    main()
