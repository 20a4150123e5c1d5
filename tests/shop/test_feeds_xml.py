"""Feeds in XML: read as a stream, nothing expanded, nothing fetched."""

import gzip
import tracemalloc

import pytest

from shop.feeds.product import FeedError
from shop.feeds.xml_feed import XmlFeed, is_xml

RSS = """<?xml version="1.0"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title>
<item><title>For people</title><g:id>1</g:id><g:title>Oak &amp; wool</g:title>
  <description><![CDATA[<p>Soft</p>]]></description>
  <g:additional_image_link>a.jpg</g:additional_image_link>
  <g:additional_image_link>b.jpg</g:additional_image_link>
  <g:shipping><g:country>DE</g:country><g:price>4 EUR</g:price></g:shipping></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">
<title>Shop</title><entry><g:id>1</g:id><title>Oak</title><link href="https://x.example/1"/>
<g:price>5 EUR</g:price></entry></feed>"""


@pytest.fixture
def feed(tmp_path):
    opened = []

    def make(data, **options) -> XmlFeed:
        path = tmp_path / "feed.xml"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        opened.append(XmlFeed(path, **options))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def test_items_of_rss(feed):
    (row,) = feed(RSS).rows()
    assert (row.line, row.problem) == (3, "")
    assert row.cells == {
        "id": "1", "title": "Oak & wool", "description": "<p>Soft</p>",
        "additional_image_link": "a.jpg", "additional_image_link 2": "b.jpg",
        "shipping_country": "DE", "shipping_price": "4 EUR",
    }  # fmt: skip


def test_entries_of_atom(feed):
    (row,) = feed(ATOM).rows()
    assert row.cells == {"id": "1", "title": "Oak", "link": "https://x.example/1", "price": "5 EUR"}


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "cp1251", "gbk"]
)
def test_declared_encodings(feed, encoding):
    word = {"cp1251": "Шарф", "gbk": "围巾"}.get(encoding, "Écharpe")
    declared = encoding.removesuffix("-sig")
    start = f"<?xml version='1.0' encoding='{declared}'?>"
    text = f"{start}<rss><item><id>1</id><t>{word}</t></item></rss>"
    (row,) = feed(text.encode(encoding)).rows()
    assert row.cells["t"] == word


def test_an_encoding_may_be_named_that_the_file_does_not_declare(feed):
    text = "<rss><item><id>1</id><t>Шарф</t></item></rss>"
    (row,) = feed(text.encode("cp1251"), encoding="cp1251").rows()
    assert row.cells["t"] == "Шарф"


LAUGHS = "".join(f'<!ENTITY a{n} "&a{n - 1};&a{n - 1};">' for n in range(1, 40))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (f'<!DOCTYPE rss [<!ENTITY a0 "ha">{LAUGHS}]><rss><item><id>&a39;</id></item></rss>',
         "declares an entity"),
        ('<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><item>&x;</item></rss>',
         "declares an entity"),
        ('<!DOCTYPE rss [<!ENTITY % x SYSTEM "http://x.example/e.dtd"> %x;]><rss/>',
         "declares an entity"),
        ("<rss><item><id>1</id></item>", "not well-formed"),
        ("<rss><item><id>a & b</id></item></rss>", "&amp;"),
        ("<rss><channel/></rss>", "without any <item>"),
        ("<rss>" + "<a>" * 100_000, "nests"),
    ],
)  # fmt: skip
def test_what_is_refused(feed, data, message):
    with pytest.raises(FeedError, match=message):
        list(feed(data).rows())


def test_what_feeds_forget_to_declare(feed):
    """The prefix ``g``, another prefix for Google's names, an entity of HTML."""
    data = "<rss><item><g:id>1</g:id><title>Salt&nbsp;&eacute; &amp; x</title></item></rss>"
    assert [row.cells for row in feed(data).rows()] == [
        {"id": "1", "title": "Salt&nbsp;&eacute; & x"}
    ]
    data = (
        '<rss xmlns:p="http://base.google.com/ns/1.0" xmlns:m="http://search.yahoo.com/mrss/">'
        "<item><p:id>1</p:id><m:title>no title</m:title><title>Oak</title></item></rss>"
    )
    assert [row.cells for row in feed(data).rows()] == [
        {"id": "1", "m_title": "no title", "title": "Oak"}
    ]


def test_a_document_type_elsewhere_is_not_fetched(feed):
    data = '<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/rss.dtd"><rss><item><id>1</id></item></rss>'
    assert [row.cells for row in feed(data).rows()] == [{"id": "1"}]


def test_one_monstrous_item_is_refused_and_the_others_go_on(feed):
    items = f"<item><id>1</id><d>{'x' * (5 << 20)}</d></item><item><id>2</id></item>"
    first, second = feed(f"<rss>{items}</rss>").rows()
    assert "the most" in first.problem
    assert second.cells == {"id": "2"}


def test_memory_does_not_grow_with_the_file(feed):
    item = "<item><id>1</id><title>a rather long title of a product</title></item>"
    opened = feed(gzip.compress(f"<rss>{item * 50_000}</rss>".encode()))
    tracemalloc.start()
    try:
        assert sum(1 for _ in opened.rows()) == 50_000
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_xml_is_told_by_its_beginning(tmp_path):
    path = tmp_path / "feed"
    for data in (RSS.encode(), ATOM.encode(), RSS.encode("utf-16"), gzip.compress(RSS.encode())):
        path.write_bytes(data)
        assert is_xml(path)
    for data in (b"id,title\n<rss>,x\n", b"", b"<p>,x\n"):
        path.write_bytes(data)
        assert not is_xml(path)
