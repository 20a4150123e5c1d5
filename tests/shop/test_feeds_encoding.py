"""Code pages: read rightly and named as a guess, or refused with the option that names one."""

from io import BytesIO

import pytest

from shop.feeds import encoding
from shop.feeds.product import FeedError

RUSSIAN = "Платье синее шерстяное\nТуфли кожаные"
TEXTS = {
    "german": ("Stühle grün, Tisch für Küche", ["cp1252", "cp850"]),
    "french": ("Écharpe très légère, été", ["cp1252"]),
    "german and french": ("Größe, schöne Stühle, crème brûlée, été", ["cp1252"]),
    "spanish": ("Sillón pequeño marrón", ["cp1252"]),
    "english": ("Café “deluxe” – naïve", ["cp1252"]),
    "icelandic": ("Peysa úr þæfðri ull, rauð", ["cp1252"]),
    "polish": ("Łóżko dębowe z szufladą, żółte", ["cp1250", "iso8859-2"]),
    "czech": ("Stůl dubový, židle příliš žluťoučký kůň", ["cp1250", "cp852"]),
    "hungarian": ("Tölgyfa íróasztal, gyűrű fűző", ["cp1250"]),
    "turkish": ("Şapka yün gömlek kırmızı güneş gözlüğü", ["cp1254"]),
    "lithuanian": ("Kėdė ąžuolinė, žalias šviestuvas į sieną", ["cp1257"]),
    "russian": (RUSSIAN, ["cp1251", "koi8-r", "cp866"]),
    "ukrainian": ("Сукня синя вовняна, черевики шкіряні, їжа", ["cp1251", "koi8-u"]),
    "greek": ("Φόρεμα μπλε μάλλινο, παπούτσια κόκκινα", ["cp1253"]),
    "arabic": ("فستان أزرق من الصوف، حذاء أحمر للرجال", ["cp1256"]),
    "thai": ("เสื้อสีแดงผ้าฝ้าย รองเท้าผู้หญิง", ["cp874"]),
    "japanese": ("青いワンピース ウール 赤い靴", ["cp932", "euc-jp"]),
    "chinese": ("蓝色羊毛连衣裙 红色皮鞋女士", ["gb18030"]),
    "taiwanese": ("藍色羊毛連身裙 紅色皮鞋女士", ["big5"]),
    "korean": ("파란 울 원피스 빨간 가죽 구두", ["cp949"]),
}
CASES = [(text, page) for text, pages in TEXTS.values() for page in pages]


@pytest.mark.parametrize(("text", "page"), CASES)
def test_a_code_page_is_told_by_the_words_it_makes(text, page):
    data = f"id,title\n1,{text}\n".encode(page)
    found, is_sure = encoding.detect(BytesIO(data))
    assert data.decode(found) == f"id,title\n1,{text}\n"
    assert not is_sure


@pytest.mark.parametrize(("text", "page"), CASES)
def test_a_few_words_are_never_read_wrongly(text, page):
    """One word may be too little to tell; then the file is refused."""
    for word in text.split():
        data = f"id,title\n1,{word}\n".encode(page)
        found = told(data)
        if found != "refused":
            read = data.decode(found, "replace")
            wrong = sum(one != other for one, other in zip(read, data.decode(page), strict=False))
            # Rows with bytes that are not UTF-8 are refused one by one.
            assert found in ("cp1252", "utf-8") or wrong <= 2, (word, found)


def told(data):
    try:
        return encoding.detect(BytesIO(data))[0]
    except FeedError:
        return "refused"


@pytest.mark.parametrize("page", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_is_sure(page):
    data = f"id,title\n1,{RUSSIAN}\n".encode(page)
    assert encoding.detect(BytesIO(data))[1]


@pytest.mark.parametrize("page", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark(page):
    assert encoding.detect(BytesIO(f"id,title\n1,{RUSSIAN}".encode(page))) == (page, False)
