"""Search documents: a product's texts as words, written with its vectors or without them.

No model runs here. A document with an unchanged fingerprint stays as it is.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import connections, transaction
from django.db.models.functions import Now

from similarity import conf
from similarity.catalog import wording
from similarity.catalog.adapter import get_adapter
from similarity.catalog.content import LEVEL, ProductContent
from similarity.connections.clock import database_time
from similarity.models.vectors import group_name, key_type
from similarity.search.models import SearchDocument
from similarity.types import Progress
from similarity.vectors import encoding, upsert

#: Part of every fingerprint: another number makes all documents outdated.
FORMAT = 4

TITLE = 250  # characters kept of a title for completing
LONGEST_VALUE = 60  # shoppers do not type longer attribute values
#: Attributes with weight B; other attributes have weight C.
MAIN_ATTRIBUTES = ("brand", "category")

# Keys have the host's own type. The positions of each tsvector follow those of the tsvector before.
_UPSERT = """
    INSERT INTO similarity_searchdocument AS stored
        (product_id, document, length, title, codes, words, attribute_values, "group",
         fingerprint, indexed_at)
    SELECT product_id,
        setweight(to_tsvector(%(config)s::regconfig, unaccent(title_text)), 'A')
        || setweight(to_tsvector(%(config)s::regconfig, unaccent(main_text)), 'B')
        || setweight(to_tsvector(%(config)s::regconfig, unaccent(other_text)), 'C')
        || setweight(to_tsvector(%(config)s::regconfig, unaccent(long_text)), 'D')
        || setweight(to_tsvector('simple', {stop_words}), 'A'),
        length, title, codes, string_to_array(words, ' '), string_to_array(listed, E'\\n'),
        "group", fingerprint, statement_timestamp()
    FROM unnest(%(keys)s::{key_type}[], %(title_texts)s::text[], %(main_texts)s::text[],
        %(other_texts)s::text[], %(long_texts)s::text[], %(lengths)s::int[], %(titles)s::text[],
        %(codes)s::text[], %(words)s::text[], %(values)s::text[], %(groups)s::text[],
        %(fingerprints)s::text[])
        AS new(product_id, title_text, main_text, other_text, long_text, length, title, codes,
               words, listed, "group", fingerprint)
    ON CONFLICT (product_id) DO UPDATE SET
        document = excluded.document, length = excluded.length, title = excluded.title,
        codes = excluded.codes, words = excluded.words,
        attribute_values = excluded.attribute_values, "group" = excluded."group",
        fingerprint = excluded.fingerprint, indexed_at = excluded.indexed_at
    WHERE %(read_at)s::timestamptz IS NULL OR stored.indexed_at < %(read_at)s
"""

#: Stop words of title, brand and category, so that "The Who" is found by them.
_STOP_WORDS = """coalesce((
    SELECT string_agg(word, ' ')
    FROM unnest(string_to_array(unaccent(title_text || ' ' || main_text), ' ')) AS said(word)
    WHERE length(word) <= 12 AND to_tsvector(%(config)s::regconfig, word) = ''), '')"""

# Sorted, so that two workers with the same new words never deadlock.
_NEW_WORDS = (
    """
    INSERT INTO similarity_searchlexeme (lexeme, documents)
    SELECT DISTINCT lexeme COLLATE "C", 1
    FROM similarity_searchdocument, unnest(document)
    WHERE product_id = ANY(%(keys)s::{key_type}[])
    AND NOT EXISTS (SELECT FROM similarity_searchlexeme AS known
                    WHERE known.lexeme = unnest.lexeme COLLATE "C")
    ORDER BY 1 ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO similarity_searchword (word, documents)
    SELECT DISTINCT new.word COLLATE "C", 1
    FROM similarity_searchdocument, unnest(words) AS new(word)
    WHERE product_id = ANY(%(keys)s::{key_type}[])
    AND NOT EXISTS (SELECT FROM similarity_searchword AS known
                    WHERE known.word = new.word COLLATE "C")
    ORDER BY 1 ON CONFLICT DO NOTHING
    """,
)
_NEW_VALUES = """
    INSERT INTO similarity_searchvalue (name, value, words, documents)
    SELECT name, value, words, 1
    FROM unnest(%(names)s::text[], %(values)s::text[], %(words)s::text[])
        AS new(name, value, words)
    WHERE NOT EXISTS (SELECT FROM similarity_searchvalue AS known
                      WHERE known.name = new.name AND known.value = new.value)
    ORDER BY name, value ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Document:
    """The texts of a product by weight, as words that PostgreSQL's parser does not split."""

    content: ProductContent

    @cached_property
    def listed(self) -> list[str]:
        """Return the attributes that the adapter lists as filters.

        Other attributes may be internal, so their words do not enter suggestions and corrections.
        """
        return sorted({*MAIN_ATTRIBUTES, *get_adapter().filter_names()})

    @cached_property
    def title(self) -> str:
        """Return the title and the whole codes (their pieces are in every product): weight A."""
        return _text([self.content.plain_title], self.codes)

    @property
    def plain_title(self) -> str:
        """Return the title's words, for completing."""
        return " ".join(wording.words_of(self.content.plain_title))[:TITLE]

    @cached_property
    def main(self) -> str:
        """Return brand and category: weight B."""
        attributes = self.content.plain_attributes
        return _text([attributes[name] for name in MAIN_ATTRIBUTES if name in attributes])

    @cached_property
    def other(self) -> str:
        """Return other attributes: weight C. A true yes/no attribute adds its name."""
        told = self._others
        plain = [value for value in told.values() if value not in ("yes", "no")]
        return _text([*plain, *(name for name, value in told.items() if value == "yes")])

    @cached_property
    def long(self) -> str:
        """Return the description: weight D."""
        return _text([self.content.plain_description], near=False)

    @cached_property
    def length(self) -> int:
        return sum(len(text.split()) for text in (self.title, self.main, self.other, self.long))

    @cached_property
    def codes(self) -> list[str]:
        codes = (wording.normalise_code(code) for code in self.content.codes)
        return list(dict.fromkeys(code for code in codes if code))

    @cached_property
    def words(self) -> list[str]:
        """Return the words of title, brand, category and listed attributes.

        They serve completing and correcting. Numbers, codes and pieces of scripts without blanks
        are left out.
        """
        category = self.content.plain_attributes.get("category", "")
        texts = [self.content.plain_title, category, *self._spoken]
        found = (word for text in texts for word in wording.words_of(text))
        return sorted(
            word
            for word in set(found)
            if len(word) > 1 and not word.isnumeric() and not wording.is_unspaced(word)
        )

    @cached_property
    def values(self) -> list[tuple[str, str, str]]:
        """Return (attribute, value, its words) of each value that a shopper may type.

        The value is as the host stores it, because filters compare it with the host's column.
        """
        found = []
        for name, value in self.content.attributes.items():
            clean = _clean(value)
            plain = self.content.plain_attributes[name]
            last = plain.rsplit(LEVEL, 1)[-1] if name == "category" else plain
            words = " ".join(wording.words_of(last))
            fits = len(name) <= 100 and len(clean) <= 500 and len(last) <= LONGEST_VALUE
            if words and fits and "=" not in name:
                found.append((_clean(name), clean, words))
        return found

    @cached_property
    def fingerprint(self) -> str:
        """Return the SHA-256 of the document's contents and of the way it is made."""
        content = self.content
        made_of = [
            FORMAT,
            conf.get("SEARCH", "LANGUAGE"),
            content.title,
            content.description,
            sorted(content.attributes.items()),
            list(content.codes),
            content.group,
            self.listed,
        ]
        text = json.dumps(made_of, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def _others(self) -> Mapping[str, str]:
        attributes = self.content.plain_attributes
        return {name: value for name, value in attributes.items() if name not in MAIN_ATTRIBUTES}

    @property
    def _spoken(self) -> Iterable[str]:
        """Return values of listed attributes that are short enough for a shopper to type."""
        attributes = self.content.plain_attributes
        values = (attributes.get(name, "") for name in self.listed)
        return (value for value in values if len(value) <= LONGEST_VALUE)


def index(keys: Sequence[str], *, force: bool = False) -> int:
    """Bring the documents of these products up to date; return how many were written.

    Needs no encoder and no version. A product that cannot be read stays in the outbox, which keeps
    its error.
    """
    read_at = database_time(upsert.alias())
    contents, _unread = encoding.read_contents(get_adapter(), keys)
    with transaction.atomic(using=upsert.alias()):
        present = upsert.lock_products([content.key for content in contents])
        current = [content for content in contents if content.key in present]
        return write(current, read_at=read_at, force=force)


def index_waiting(most: int = 1000) -> int:
    """Run :func:`index` for products that wait in the outbox while no encoder can run.

    Take products without a document first, then those indexed longest ago. So a few short calls
    cover a long outbox. The outbox rows stay in place.
    """
    with connections[upsert.alias()].cursor() as cursor:
        cursor.execute(
            "SELECT pending.product_key FROM similarity_pendingproduct AS pending "
            "LEFT JOIN similarity_searchdocument AS stored "
            "ON stored.product_id::text = pending.product_key WHERE NOT pending.dead "
            "ORDER BY stored.indexed_at NULLS FIRST, pending.product_key LIMIT %s",
            [most],
        )
        keys = [key for (key,) in cursor.fetchall()]
    written = index(keys)
    seen = SearchDocument.objects.using(upsert.alias()).filter(product__in=keys)
    seen.update(indexed_at=Now())
    return written


def index_all(progress: Progress | None = None, *, force: bool = False) -> int:
    """Run :func:`index` for the whole catalogue in key order, then count the words."""
    from similarity.search import vocabulary  # a module-level import would be circular
    from similarity.versions import build

    total = get_adapter().model._base_manager.using(upsert.alias()).count()
    done = written = 0
    for page in build.pages():
        written += index(page, force=force)
        done += len(page)
        if progress:
            progress("index", done, max(total, done))
    vocabulary.refresh()
    return written


def write(
    contents: Sequence[ProductContent], *, read_at: datetime | None = None, force: bool = False
) -> int:
    """Insert or replace the documents of locked products; return how many were written.

    As in :func:`similarity.vectors.upsert.write`, ``read_at`` leaves rows alone that another
    process has written since.
    """
    documents = [Document(content) for content in (contents if force else outdated(contents))]
    if not documents:
        return 0
    field = SearchDocument._meta.get_field("product").target_field
    rows = sorted((field.to_python(one.content.key), at) for at, one in enumerate(documents))
    ordered = [documents[at] for _key, at in rows]
    kind = key_type(upsert.alias())
    keys = [key for key, _at in rows]
    with connections[upsert.alias()].cursor() as cursor:
        cursor.execute(
            _UPSERT.format(key_type=kind, stop_words=_STOP_WORDS), _columns(keys, ordered, read_at)
        )
        for statement in _NEW_WORDS:
            cursor.execute(statement.format(key_type=kind), {"keys": keys})
        cursor.execute(_NEW_VALUES, _values(ordered))
    return len(documents)


def outdated(contents: Sequence[ProductContent]) -> list[ProductContent]:
    """Return the products whose document is missing or was made from other content."""
    rows = SearchDocument.objects.using(upsert.alias())
    rows = rows.filter(product__in=[content.key for content in contents])
    stored = {str(key): mark for key, mark in rows.values_list("product_id", "fingerprint")}
    return [one for one in contents if stored.get(one.key) != Document(one).fingerprint]


def _columns(
    keys: Sequence[Any], documents: Sequence[Document], read_at: datetime | None
) -> dict[str, Any]:
    return {
        "config": conf.get("SEARCH", "LANGUAGE"),
        "keys": keys,
        "title_texts": [one.title for one in documents],
        "main_texts": [one.main for one in documents],
        "other_texts": [one.other for one in documents],
        "long_texts": [one.long for one in documents],
        "lengths": [one.length for one in documents],
        "titles": [one.plain_title for one in documents],
        "codes": [f" {' '.join(one.codes)} " if one.codes else "" for one in documents],
        "words": [" ".join(one.words) for one in documents],
        "values": ["\n".join(f"{n}={value}" for n, value, _w in one.values) for one in documents],
        "groups": [group_name(one.content.key, one.content.group) for one in documents],
        "fingerprints": [one.fingerprint for one in documents],
        "read_at": read_at,
    }


def _values(documents: Sequence[Document]) -> dict[str, list[str]]:
    values = sorted({value for one in documents for value in one.values})
    return {
        "names": [name for name, _value, _words in values],
        "values": [value for _name, value, _words in values],
        "words": [words for _name, _value, words in values],
    }


def _text(texts: Iterable[str], also: Iterable[str] = (), *, near: bool = True) -> str:
    """Return the words in their order, then the extra words that the texts are found by."""
    read = [(wording.words_of(text), wording.extra_words_of(text, near=near)) for text in texts]
    words = [word for some, _extra in read for word in some]
    extra = [word for _some, more in read for word in more]
    return " ".join([*words, *dict.fromkeys([*extra, *also])])


def _clean(text: str) -> str:
    """Return the text on one line, without characters that PostgreSQL cannot store."""
    text = text.encode("utf-8", "ignore").decode().replace("\0", " ")
    return " ".join(text.split())
