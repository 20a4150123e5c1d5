"""Request a site without pause while versions are switched, and check the answers.

Each answer is compared with the answers of both versions: no answer may be missing, short, or a
mixture of both.
"""

import http.client
import json
import re
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

LIMIT = 8

#: The shelf on a product page of the demo shop, and the addresses of its cards.
_SHELF = re.compile(r"You may also like</h2>.*?</section>", re.DOTALL)
_CARD = re.compile(r'href="/p/(\d+)/')


class Answer(NamedTuple):
    """An answer; ``version`` is from the API, None for a page, which does not contain it."""

    at: float  # monotonic seconds
    took_s: float
    status: int
    kind: str  # "api" or "page"
    product: int
    version: int | None
    hits: tuple[int, ...]


class Shoppers:
    """Shoppers in ``threads``, each with its own connection, between ``start`` and ``stop``."""

    def __init__(self, port: int, products: Mapping[int, str], threads: int = 4) -> None:
        self.answers: list[Answer] = []
        self.errors: list[str] = []
        self._port, self._products = port, list(products.items())
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(number,), daemon=True)
            for number in range(threads)
        ]

    def __enter__(self) -> "Shoppers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        site = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        for turn in range(number, 1_000_000_000, len(self._threads)):
            if self._ended.is_set():
                break
            product, page = self._products[turn % len(self._products)]
            # Request both types for every product, with any number of products.
            kind = "page" if turn // len(self._products) % 3 == number % 3 else "api"
            try:
                self.answers.append(_answer(site, kind, product, page))
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.errors.append(f"{kind} of product {product}: {type(error).__name__}: {error}")
                site.close()
        site.close()


def _answer(site: http.client.HTTPConnection, kind: str, product: int, page: str) -> Answer:
    api = f"/api/similarity/v1/products/{product}/similar/?limit={LIMIT}"
    began = time.monotonic()
    site.request("GET", api if kind == "api" else page)
    response = site.getresponse()
    body = response.read()
    took_s = time.monotonic() - began
    version, hits = None, ()
    if response.status == 200 and kind == "api":
        data = json.loads(body)
        version, hits = data["version"], tuple(int(hit["id"]) for hit in data["results"])
    elif response.status == 200:
        shelf = _SHELF.search(body.decode())
        hits = tuple(dict.fromkeys(map(int, _CARD.findall(shelf[0] if shelf else ""))))
    return Answer(began, took_s, response.status, kind, product, version, hits)


def faults(
    shoppers: Shoppers, expected: Mapping[int, Mapping[int, Sequence[int]]] | None
) -> list[str]:
    """Return the faults in the answers.

    ``expected``: version → product → its hits in order; None if answers are not exact.
    """
    found = list(shoppers.errors)
    for one in shoppers.answers:
        told = f"{one.kind} of product {one.product}"
        if one.status != 200:
            found.append(f"{told}: status {one.status}")
        elif len(one.hits) < LIMIT:
            found.append(f"{told}: {len(one.hits)} hits")
        elif expected is None:
            continue
        elif one.kind == "api" and list(one.hits) != list(
            expected.get(one.version or 0, {}).get(one.product, ())
        ):
            found.append(f"{told}: not what version {one.version} answers: {one.hits}")
        elif list(one.hits) not in [list(each[one.product]) for each in expected.values()]:
            found.append(f"{told}: what no version answers: {one.hits}")
    return found
