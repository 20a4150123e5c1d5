"""Tables that search reads: a document for each product, its words and values, and synonyms."""

from typing import NamedTuple

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import MD5, Left, Upper
from django.db.models.lookups import Exact

from similarity import conf


class Weights(NamedTuple):
    """The weights of a word in the title, in brand and category, other attributes, the
    description."""

    title: float = 1.0
    main: float = 0.5
    other: float = 0.3
    long: float = 0.2
    #: Damping by length: score ÷ (1 + length_damping × ln(1 + length ÷ 50)).
    length_damping: float = 0.2
    #: Added for the share of the query's terms that the product holds, times the best score.
    coverage: float = 0.3

    @property
    def by_field(self) -> str:
        """Return the weights of D, C, B and A as ``ts_rank`` takes them."""
        return f"'{{{self.long},{self.other},{self.main},{self.title}}}'::real[]"

    def damping(self, row: str) -> str:
        """Return SQL for the divisor of the score of the document ``row``."""
        return f"(1 + {self.length_damping} * ln(1 + {row}.length / 50.0))"


WEIGHTS = Weights()


def term_score(row: str) -> str:
    """Return SQL for the score of the document ``row`` for the tsquery ``%(query)s`` of one
    term."""
    rank = f"ts_rank({WEIGHTS.by_field}, {row}.document, %(query)s::tsquery)"
    return f"{rank} / {WEIGHTS.damping(row)}"


#: A lexeme in more than COMMON documents has a champion list, of at most CHAMPIONS documents.
COMMON = 3_000
CHAMPIONS = 1_500

#: Shares of documents (1 in 16, 1 in 256) with their own index, on which large results are counted.
SHARES = (16, 256)


def share_condition(share: int, row: str) -> str:
    """Return SQL that is true for documents of the share, by the first digits of the group's
    hash."""
    digits = _digits(share)
    return f"left(md5({row}.\"group\"), {digits}) = '{'0' * digits}'"


def _digits(share: int) -> int:
    """Return the number of hexadecimal digits that are all zero in a ``share``-th of all hashes."""
    return SHARES.index(share) + 1


def _shared_index(share: int) -> GinIndex:
    digits = _digits(share)
    drawn = Exact(Left(MD5("group"), digits), models.Value("0" * digits))
    name = f"similarity_search_one_in_{share}"
    return GinIndex(fields=["document"], name=name, condition=models.Q(drawn))


class SearchDocument(models.Model):
    """A product as words: title and codes weigh A, brand and category B, others C, text D.

    Price, stock and visibility are not here, because they are read live from the host's products.
    Built by ``similarity.search.documents``.
    """

    # The database deletes it with the product, see ``similarity.models.product_keys``.
    product = models.OneToOneField(
        conf.product_model_reference(),
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        primary_key=True,
    )
    document = SearchVectorField()
    #: The number of words, for ranking: a word counts less in a long document.
    length = models.PositiveIntegerField()
    #: The title's words, normalised, for completing the typed text.
    title = models.CharField(max_length=250, db_collation="C")
    #: Codes as letters and digits only, each between blanks: `` ab123x 4006381333931 ``.
    codes = models.TextField(blank=True)
    #: Distinct words of the title and the attributes, as shoppers see them, normalised.
    words = ArrayField(models.TextField())
    #: ``name=value`` of the attributes that are suggested and recognised in a query.
    values = ArrayField(models.TextField(), db_column="attribute_values")
    #: Shared by the variants of one product, see ``similarity.models.vectors.group_name``.
    group = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    indexed_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "similarity_searchdocument"
        indexes = [
            GinIndex(fields=["document"], name="similarity_search_document"),
            GinIndex(fields=["codes"], opclasses=["gin_trgm_ops"], name="similarity_search_codes"),
            models.Index(fields=["title"], name="similarity_search_title"),
            models.Index(fields=["-indexed_at"], name="similarity_search_latest"),
            *(_shared_index(share) for share in SHARES),
        ]

    def __str__(self) -> str:
        return f"search document of product {self.product_id}"


class SearchLexeme(models.Model):
    """A lexeme of the index, made by the text search configuration, and how rare it is."""

    lexeme = models.TextField(primary_key=True, db_collation="C")
    #: Documents that hold it; updated nightly.
    documents = models.PositiveIntegerField(default=1)
    #: Keys of the products that hold it best, as text, best first; for a lexeme in more than COMMON
    #: documents. Made by ``similarity.search.champion_lists``.
    best = ArrayField(models.TextField(), null=True, editable=False)

    class Meta:
        db_table = "similarity_searchlexeme"

    def __str__(self) -> str:
        return self.lexeme


class SearchWord(models.Model):
    """A word of titles and attributes as shoppers write it: for completing and correcting."""

    word = models.TextField(primary_key=True, db_collation="C")
    #: Documents that hold it; updated nightly.
    documents = models.PositiveIntegerField(default=1)

    class Meta:
        db_table = "similarity_searchword"
        indexes = [
            GinIndex(fields=["word"], opclasses=["gin_trgm_ops"], name="similarity_search_word"),
        ]

    def __str__(self) -> str:
        return self.word


class SearchValue(models.Model):
    """A value of an attribute (a brand, a category, a colour) for suggestions."""

    name = models.CharField(max_length=100)
    #: As the catalogue writes it; for a category the whole path.
    value = models.CharField(max_length=500)
    #: Its words, normalised; for a category those of the last level.
    words = models.CharField(max_length=250, db_collation="C")
    #: Documents that hold it; updated nightly.
    documents = models.PositiveIntegerField(default=1)

    class Meta:
        db_table = "similarity_searchvalue"
        constraints = [
            models.UniqueConstraint(fields=["name", "value"], name="similarity_search_value")
        ]
        indexes = [models.Index(fields=["words"], name="similarity_search_value_words")]

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"


class Synonym(models.Model):
    """Words that shoppers use for one another; applied when a query is read.

    ``terms`` are alternatives separated by commas (``sofa, couch, settee``): a query with any of
    them also finds the others. With ``only_from``, only a query with a term of that list finds
    ``terms``, and not the reverse (``iphone`` → ``smartphone``).
    """

    terms = models.TextField(help_text="Separated by commas: sofa, couch, settee")
    only_from = models.TextField(
        "only from",
        blank=True,
        help_text="Filled in, the synonym holds one way: a query with one of these also finds "
        "the terms above.",
    )
    active = models.BooleanField(default=True)
    note = models.CharField(max_length=250, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "similarity_synonym"
        ordering = ["terms"]
        constraints = [
            models.UniqueConstraint(
                Upper("terms"), Upper("only_from"), name="similarity_synonym_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.only_from} → {self.terms}" if self.only_from else self.terms

    @property
    def targets(self) -> list[str]:
        return split_terms(self.terms)

    @property
    def sources(self) -> list[str]:
        return split_terms(self.only_from)

    def clean(self) -> None:
        """Raise ``ValidationError`` if the synonym would have no effect or too many terms."""
        targets, sources = self.targets, self.sources
        if not targets:
            raise ValidationError({"terms": "Give at least one word."})
        if len(targets) + len(sources) > MAX_TERMS:
            raise ValidationError(
                {"terms": f"{len(targets) + len(sources)} terms; at most {MAX_TERMS}."}
            )
        for field, terms in (("terms", targets), ("only_from", sources)):
            if long := [term for term in terms if len(term) > MAX_TERM or len(term.split()) > 4]:
                raise ValidationError(
                    {field: f"{long[0]!r}: a term has at most 4 words and {MAX_TERM} letters."}
                )
        if not sources and len({term.casefold() for term in targets}) < 2:
            raise ValidationError({"terms": "Give at least two words, or fill in 'only from'."})


MAX_TERMS = 50
MAX_TERM = 60


def split_terms(text: str) -> list[str]:
    """Return the terms, separated by commas or lines, without duplicates, in their order."""
    terms = (" ".join(term.split()) for term in text.replace("\n", ",").split(","))
    return list(dict.fromkeys(term for term in terms if term))
