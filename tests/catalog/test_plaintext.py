"""One cleaner for importer, index and encoder: what is read, that it settles, what it costs."""

import random
import re
import time

import pytest

from similarity.catalog.content import ProductContent
from similarity.catalog.plaintext import MOST_READ, plain_line, plain_text

LENGTH = 1 << 17
LONGEST_S = 5.0  # by the clock of a busy machine; on an idle one hundredths of a second


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        # tags, lists, tables
        ("<p>One<br/>two</p><ul><li>a</li><li>b</li></ul>", "One\ntwo\n\n• a\n• b"),
        ("<p>one</p>\n  <p>two\nwords</p>", "one\n\ntwo words"),
        ("<b>Bo</b>ld <SPAN class=x>move</SPAN>", "Bold move"),
        ("<table><tr><td>Width</td><td>3 cm</td></tr><tr><td>x</td></tr></table>",
         "Width 3 cm\n\nx"),
        ('<img alt="a > b" src="x">lamp', "lamp"),
        ("<p title=Levi's>don't</p> stop", "don't\n\nstop"),
        ("<o:p></o:p><st1:City w:st='on'>Rome</st1:City>", "Rome"),
        ("<my-card>new</my-card> <price-tag amount='3'>", "new"),
        # what a browser shows nothing of
        ("<script>steal()</script><style>p{a>b}</style>Bold<!-- x > y -->er", "Bolder"),
        ("<head><title>x</title></head><svg><text>y</text></svg>lamp", "lamp"),
        ("lamp <script>never closed <b>", "lamp"),
        ("<![if !IE]>lamp<![endif]> <?xml version='1.0'?><!DOCTYPE html>oak", "lamp oak"),
        # CDATA
        ("<![CDATA[<p>Soft wool</p>]]>", "Soft wool"),
        ("<![CDATA[Wool]]> and <![CDATA[oak", "Wool and oak"),
        ("&lt;![CDATA[&lt;p&gt;Soft&lt;/p&gt;]]&gt;", "Soft"),
        # escapes, once to five times
        ("Fish &amp; chips", "Fish & chips"),
        ("T&amp;amp;J &#38;#38; M&amp;#x27;s", "T&J & M's"),
        ("&lt;p&gt;Soft &lt;b&gt;wool&lt;/b&gt;&lt;/p&gt;", "Soft wool"),
        ("&amp;amp;amp;amp;lt;br&amp;amp;amp;amp;gt;Oak", "Oak"),
        ("Caf&eacute; &nbsp; 80&nbsp;ml, Men&#39s", "Café 80 ml, Men's"),
        ("R&D; x?a=1&copy=2 &unknown; AT&T", "R&D; x?a=1&copy=2 &unknown; AT&T"),
        # text that only looks like it
        ("chest < 90 cm & waist > 70", "chest < 90 cm & waist > 70"),
        ("3 <5, a<b, x <b and y> z, <x-large>", "3 <5, a<b, x <b and y> z, <x-large>"),
        ("<Vintage> lamp <https://x.example> <me@x.example>",
         "<Vintage> lamp <https://x.example> <me@x.example>"),
        ("list[of[3]]>2", "list[of[3]]>2"),
        # cut off in the midst
        ('Oak <img src="data:image/png', "Oak"),
        ("Oak</di", "Oak"),
        ("Oak <b", "Oak <b"),
        # characters
        ("a\x00b\x1b[31mc\u2028d\ud800", "a b [31mc d"),
        ("Wasch&shy;ma\u00adschine \u200bschnell\ufeff", "Waschmaschine schnell"),
        ("👩‍👩‍👧 می‌خواهم", "👩‍👩‍👧 می‌خواهم"),
        ("cafe\u0301 \ue003", "café"),
        ("first\r\nsecond\rthird <b>x</b>", "first\nsecond\nthird x"),
        ("&#30;&#29;Oak&#0;", "Oak"),
    ],
)  # fmt: skip
def test_what_a_reader_reads(text, plain):
    assert plain_text(text) == plain
    assert plain_text(plain) == plain
    assert plain_line(text) == " ".join(plain.replace("•", " ").split())


PIECES = [
    "<p>", "</p>", "<", ">", "&", "&lt;", "&gt;", "&amp;", "amp;", "#38;", "&#60;", "lt;", "b", " ",
    "<b", "<li>", "<br", "/>", "<!--", "-->", "<![CDATA[", "]]>", "]", "=", '"', "'", "<a href=",
    "<script>", "</script>", "<svg", "</", "\n", "&shy;", "\u037e", "\u0338", "é", "x", "<x-y>",
    "</x-y>", "•", "\x1e", "\x00", "&#30;", "<o:p>", "data:", ";base64,",
]  # fmt: skip
TAG = re.compile(r"</?(?:p|li|br|script|svg)\s*/?>|<!--|<!\[CDATA\[|&(?:lt|gt|amp|shy|#60);")


def test_whatever_comes_settles_at_once_and_leaves_no_tag():
    dice = random.Random(5)
    for _ in range(5000):
        text = "".join(dice.choices(PIECES, k=dice.randint(1, 25)))
        plain = plain_text(text)
        assert plain_text(plain) == plain, text
        assert plain_line(plain) == plain_line(text), text
        assert not TAG.search(plain), text


def escaped(text, times):
    for _ in range(times):
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text


@pytest.mark.parametrize("times", range(7))
def test_however_often_it_was_escaped(times):
    assert (
        plain_text(escaped("<p>Salt &amp; pepper <b>mill</b></p>", times)) == "Salt & pepper mill"
    )


def deep(levels):
    """An entity whose own letters are entities, which each round undoes but one of."""
    text = "&"
    for _ in range(levels):
        text = text.replace("&", "&#38;", 1).replace("8", "&#56;", 1)
    return text


@pytest.mark.parametrize(
    "text",
    [
        "<", "<p>", "<p", "</p>", "&", "&amp;", "amp;", "&lt;p&gt;", "<!--", "<![CDATA[",
        "]]>", "<script>", "<svg>", "<head>", "<foo>", "<foo a", '<p "', "<p a=\"'",
        "<p a=\"<p b='\" c='\" ", "<a href='", "<![", "<li>", "= ", "\n", "é", "&l&#116;", "data:",
        "<" + "a" * 999, "x", "&#", deep(50),
    ],
)  # fmt: skip
def test_the_cost_grows_with_the_length_alone(text):
    """Were it quadratic, each would take minutes."""
    for before in ("", "&", "<p ", "<svg><!-"):
        started = time.monotonic()
        plain_text(before + text * (LENGTH // len(text)))
        assert time.monotonic() - started < LONGEST_S


def test_pictures_inside_a_text_are_not_counted_as_text():
    picture = "<img src='data:image/png;base64," + "A" * 3 * MOST_READ + "'>"
    assert plain_text(f"<p>Soft{picture}</p> wool") == "Soft\n\nwool"
    assert plain_text("x" * 100, most=10) == "x" * 10


def test_content_is_plain_where_it_is_read_and_raw_where_it_is_compared():
    content = ProductContent(
        "1", "Salt &amp; <i>pepper</i>", "<p>Oak&nbsp;mill</p>", {"category": "Home &gt; Mills"}
    )
    assert (content.plain_title, content.plain_description) == ("Salt & pepper", "Oak mill")
    assert content.plain_attributes == {"category": "Home > Mills"}
    other = ProductContent("1", "Salt & pepper", "Oak mill", {"category": "Home > Mills"})
    assert content.fingerprint != other.fingerprint
