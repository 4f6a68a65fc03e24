from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from question_bank import parse_question, score
from question_bank.formats import FORMATS, aiken, gift, moodle_xml, qti, xlsx
from question_bank.formats.exchange import Unrepresentable
from tests.examples import examples

FORMAT_MARKS = ("[html]", "[moodle]", "[plain]", "[markdown]")
# Text as people write it, with everything the formats give a meaning to.
ALPHABET = st.characters(
    codec="utf-8",
    categories=("L", "N", "P", "S", "Zs"),
    exclude_characters="\u2028\u2029\x85\xa0\u1680\u202f\u205f\u3000"
    + "".join(map(chr, range(0x2000, 0x200B)))
    + "".join(map(chr, range(0xE100, 0xE120))),
)
TEXT = (
    st.text(ALPHABET, min_size=1, max_size=30)
    .map(str.strip)
    .filter(lambda t: t and "____" not in t and not t.lower().startswith(FORMAT_MARKS))
)
STEM = st.builds(lambda a, b: f"{a}{b}", st.sampled_from(["题：", "{a} ", "~=#"]), TEXT)
SHARES = st.sampled_from([-1.0, -0.5, -0.25, 0.0, 0.25, 0.5])


@st.composite
def single(draw, weights=True, feedback=True):
    texts = draw(st.lists(TEXT, min_size=2, max_size=6, unique=True))
    options = dict(zip("ABCDEF", texts, strict=False))
    key = draw(st.sampled_from(sorted(options)))
    data = {"type": "single", "stem": draw(STEM), "options": options, "key": key}
    if weights and draw(st.booleans()):
        shares = {label: draw(SHARES) for label in options}
        if any(share for label, share in shares.items() if label != key):
            data["weights"] = {**shares, key: 1.0}
    if feedback:
        said = draw(st.dictionaries(st.sampled_from(sorted(options)), TEXT))
        data |= {"feedback": dict(sorted(said.items()))} if said else {}
    return data


@st.composite
def multiple(draw, weights=True):
    texts = draw(st.lists(TEXT, min_size=3, max_size=6, unique=True))
    options = dict(zip("ABCDEF", texts, strict=False))
    key = draw(
        st.lists(st.sampled_from(sorted(options)), min_size=2, max_size=len(texts) - 1, unique=True)
    )
    data = {"type": "multiple", "stem": draw(STEM), "options": options, "key": sorted(key)}
    if weights and draw(st.booleans()):
        shares = {
            label: 0.25 if label in key else draw(st.sampled_from([-0.5, 0.0])) for label in options
        }
        data["weights"] = shares
    return data


true_false = st.builds(
    lambda s, k: {"type": "true_false", "stem": s, "key": k}, STEM, st.booleans()
)


@st.composite
def match(draw):
    left = draw(st.lists(TEXT, min_size=2, max_size=5, unique=True))
    right = draw(st.lists(TEXT, min_size=len(left), max_size=len(left) + 2, unique=True))
    names = "abcde"[: len(left)]
    return {
        "type": "match",
        "stem": draw(STEM),
        "left": dict(zip(names, left, strict=True)),
        "options": {i + 1: text for i, text in enumerate(right)},
        "key": {name: i + 1 for i, name in enumerate(names)},
    }


@st.composite
def fill(draw, credit=True):
    spellings = draw(
        st.lists(TEXT.filter(lambda t: "*" not in t), min_size=1, max_size=3, unique=True)
    )
    data = {"type": "fill", "stem": draw(STEM), "key": [spellings]}
    partly = draw(TEXT.filter(lambda t: "*" not in t and t not in spellings))
    return data | ({"credit": [{partly: 0.5}]} if credit and draw(st.booleans()) else {})


@st.composite
def blanks(draw, ranges=True):
    """A fill question with several blanks."""
    words = TEXT.filter(lambda t: "*" not in t and not t.startswith(("=", "%")))
    count = draw(st.integers(2, 4))
    between = draw(st.lists(TEXT, min_size=count, max_size=count))
    stem = "题：" + "".join(f"{text} ____ " for text in between) + "。"
    key = draw(
        st.lists(
            st.lists(words, min_size=1, max_size=2, unique=True), min_size=count, max_size=count
        )
    )
    data = {"type": "fill", "stem": stem, "key": key}
    if draw(st.booleans()):
        partly = draw(words.filter(lambda t: all(t not in blank for blank in key)))
        data["credit"] = [{partly: 0.5}] + [{}] * (count - 1)
    if ranges and draw(st.booleans()):
        data["key"] = [*key[:-1], ["5"]]
        data["ranges"] = [*[None] * (count - 1), [4.5, 5.5]]
    return data


@st.composite
def order(draw):
    texts = draw(st.lists(TEXT, min_size=2, max_size=5, unique=True))
    options = dict(zip("ABCDE", texts, strict=False))
    return {"type": "order", "stem": draw(STEM), "options": options, "key": list(options)}


def questions(*kinds):
    extra = st.fixed_dictionaries(
        {}, optional={"explanation": TEXT, "title": TEXT, "category": TEXT}
    )
    one = st.one_of(*kinds)
    return st.lists(st.builds(lambda q, e: {**q, **e}, one, extra), min_size=1, max_size=4).map(
        lambda found: [
            parse_question({"id": f"imported-{n:04d}", **q}) for n, q in enumerate(found, start=1)
        ]
    )


def same(before, after, *, titles=True):
    """Equal in everything but what the format has no name for."""

    def shown(question):
        data = question.model_dump(mode="json", exclude_defaults=True)
        if not titles or not question.title or question.title == question.id:
            data.pop("title", None)
        return data

    return [shown(q) for q in before] == [shown(q) for q in after]


SLOW = settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))


@SLOW
@given(questions(single(), multiple(), true_false, match(), fill()))
def test_gift_round_trip(before):
    data, skipped = gift.write(before)
    assert skipped == []
    result = gift.read(data)
    assert result.skipped == [] and same(before, result.questions)


@SLOW
@given(questions(single(), multiple(), true_false, match(), fill(), blanks(), order()))
def test_moodle_xml_round_trip(before):
    data, skipped = moodle_xml.write(before)
    assert skipped == []
    result = moodle_xml.read(data)
    assert result.skipped == [] and same(before, result.questions)


@SLOW
@given(
    questions(single(), multiple(), true_false, match(), order(), blanks(ranges=False)),
    st.sampled_from(["2.1", "2.2", "3.0"]),
)
def test_qti_round_trip(before, version):
    data, skipped = qti.write(before, version)
    assert skipped == []
    result = qti.read(data)
    assert result.skipped == [] and same(before, result.questions)


@SLOW
@given(questions(single(False, False), multiple(False), true_false, order()))
def test_xlsx_round_trip(before):
    data, skipped = xlsx.write(before)
    result = xlsx.read(data)
    kept = {s.where for s in skipped}
    left = [q for n, q in enumerate(before, start=1) if f"第 {n} 题" not in kept]
    assert result.skipped == []
    again = [q.model_copy(update={"id": a.id}) for q, a in zip(left, result.questions, strict=True)]
    assert same(again, result.questions)


@SLOW
@given(st.lists(single(False, False), min_size=1, max_size=4))
def test_aiken_round_trip(found):
    before = [
        parse_question({"id": f"imported-{n:04d}", **q}) for n, q in enumerate(found, start=1)
    ]
    data, skipped = aiken.write(before)
    result = aiken.read(data)
    assert len(result.questions) + len(skipped) == len(before) and result.skipped == []
    kept = [q for n, q in enumerate(before, 1) if f"第 {n} 题" not in {s.where for s in skipped}]
    shown = [(q.stem, q.options, q.key) for q in kept]
    assert [(q.stem, q.options, q.key) for q in result.questions] == shown


PICTURE = "iVBORw0KGgo="
HTML = {
    "id": "imported-0001",
    "type": "single",
    "stem": '<p>看图 &amp; 选：<img src="a.png" alt="一把&quot；尺&quot;"></p>',
    "options": {"A": "<b>三</b>", "B": "四"},
    "key": "A",
    "feedback": {"B": "再<i>量</i>一次"},
    "explanation": "<p>量一量</p>",
    "title": "尺子",
    "html": True,
    "files": {"a.png": PICTURE},
}


@pytest.mark.parametrize("module", [moodle_xml, qti])
def test_html_and_pictures_with_their_words_survive(module):
    before = [parse_question(HTML)]
    data, skipped = module.write(before)
    result = module.read(data)
    assert skipped == result.skipped == [] and same(before, result.questions)


def test_gift_as_moodle_documents_it():
    text = r"""// the first line is a comment
$CATEGORY: $course$/top/历史

::Q1:: 1+1=2 {T#否#是}

::Q2:: What's between orange and green?
{
 =yellow # right; good!

 ~red # wrong
 ~%50%blue # half
}

Two plus {=two =2} equals four.

::Q3::Who's buried? { ~%50%Grant ~%50%Wife ~%-100%No one ####General }

Match { =cat -> food =dog -> bone =-> extra }

When was he born? {#1822:5}

Pi? {#3.141..3.142}

Esc \{ \= \~ \: \# \} {=a\=b ~c}

[html]A <b>word</b> {=x ~y}

Write an essay {}

just description

bad { =a ~b

weights { =a =b ~c }
"""
    for data in (
        text.encode(),
        b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(),
        text.encode("gb18030"),
        text.encode("utf-16"),
    ):
        result = gift.read(data)
        first, second, third, q3, pairs, born, pi, escaped, html, essay = result.questions
        assert first.key is True and first.feedback == {"true": "是", "false": "否"}
        assert first.category == "$course$/top/历史" and first.title == "Q1"
        assert second.weights == {"A": 1, "B": 0, "C": 0.5} and second.feedback["C"] == "half"
        assert third.stem == "Two plus ____ equals four." and third.key == (("two", "2"),)
        assert q3.type == "multiple" and q3.weights == {} and q3.explanation == "General"
        assert pairs.options == {1: "food", 2: "bone", 3: "extra"} and pairs.key == {"a": 1, "b": 2}
        assert born.ranges == ((1817, 1827),) and pi.ranges == ((3.141, 3.142),)
        assert escaped.stem == "Esc { = ~ : # }" and escaped.options["A"] == "a=b"
        assert html.html and html.stem == "A <b>word</b>" and essay.type == "short_answer"
        # What is left is said with its line: nothing silently, nothing guessed.
        assert [s.reason[:6] for s in result.skipped] == ["只有说明文字", "有几组花括号"]


def test_numbers_and_weights_are_marked():
    born, blue = (
        gift.read(text.encode()).questions[0]
        for text in ("When was he born? {#1822:5}", "Which one? {=a ~%50%b ~%-50%c}")
    )
    assert [score(born, [x]) for x in ("1822", "1817", "1816.9", "x", "")] == [1, 1, 0, 0, 0]
    assert [score(blue, x) for x in ("A", "B", "C")] == [1, 0.5, 0]


MOODLE = """<?xml version="1.0" encoding="UTF-8"?>
<quiz>
<!-- a comment -->
<question type="category"><category><text>$course$/安全</text></category></question>
<question type="multichoice"><name><text>多选</text></name>
 <questiontext format="html"><text><![CDATA[<p>选 &amp; 选 <img src="@@PLUGINFILE@@/a.png" alt="图"></p>]]></text>
 <file name="a.png" path="/" encoding="base64">iVBORw0KGgo=</file></questiontext>
 <single>false</single>
 <answer fraction="50"><text>甲</text><feedback><text>对</text></feedback></answer>
 <answer fraction="50"><text>乙</text></answer><answer fraction="0"><text>丙</text></answer></question>
<question type="numerical"><name><text>数</text></name><questiontext><text>几只？</text></questiontext>
 <answer fraction="100"><text>23</text><tolerance>1</tolerance></answer></question>
<question type="cloze"><name><text>完形</text></name><questiontext><text>x</text></questiontext></question>
<question type="shortanswer"><name><text>坏</text></name><questiontext><text>填？</text></questiontext>
 <answer fraction="30"><text>a</text></answer></question>
</quiz>"""


def test_moodle_xml_as_moodle_writes_it():
    result = moodle_xml.read(MOODLE.encode())
    many, number = result.questions
    assert many.stem == '<p>选 &amp; 选 <img src="a.png" alt="图"></p>'
    assert many.weights == {"A": 0.5, "B": 0.5, "C": 0} and many.feedback == {"A": "对"}
    assert many.files == {"a.png": PICTURE} and many.category == "$course$/安全"
    assert number.ranges == ((22, 24),)
    assert [(s.where, s.name) for s in result.skipped] == [("第 4 题", "完形"), ("第 5 题", "坏")]


QTI3 = """<?xml version="1.0" encoding="UTF-8"?>
<qti-assessment-item xmlns="http://www.imsglobal.org/xsd/imsqtiasi_v3p0" identifier="choice"
 title="Unattended Luggage" adaptive="false" time-dependent="false">
 <qti-response-declaration identifier="RESPONSE" cardinality="single" base-type="identifier">
  <qti-correct-response><qti-value>ChoiceA</qti-value></qti-correct-response>
 </qti-response-declaration>
 <qti-item-body><p>Look at the text.</p>
  <qti-choice-interaction response-identifier="RESPONSE" shuffle="false" max-choices="1">
   <qti-prompt>What does it say?</qti-prompt>
   <qti-simple-choice identifier="ChoiceA">You must stay.</qti-simple-choice>
   <qti-simple-choice identifier="ChoiceB">Do not let others.</qti-simple-choice>
  </qti-choice-interaction></qti-item-body></qti-assessment-item>"""

QTI21 = """<assessmentItem xmlns="http://www.imsglobal.org/xsd/imsqti_v2p1" identifier="textEntry"
 title="Richard III" adaptive="false" timeDependent="false">
 <responseDeclaration identifier="RESPONSE" cardinality="single" baseType="string">
  <correctResponse><value>York</value></correctResponse>
  <mapping defaultValue="0"><mapEntry mapKey="York" mappedValue="1"/>
   <mapEntry mapKey="york" mappedValue="0.5"/></mapping></responseDeclaration>
 <itemBody><p>Now is the winter made glorious by this sun of <textEntryInteraction
 responseIdentifier="RESPONSE" expectedLength="15"/>;</p></itemBody></assessmentItem>"""


def test_qti_3_and_2_1_items_are_read():
    one = qti.read(QTI3.encode()).questions[0]
    assert one.stem == "Look at the text.\nWhat does it say?" and one.key == "A"
    assert one.options["B"] == "Do not let others." and one.title == "Unattended Luggage"
    two = qti.read(QTI21.encode()).questions[0]
    assert two.stem.endswith("this sun of ____;") and two.credit == ({"york": 0.5},)


FEEDBACK3 = """<qti-assessment-item xmlns="http://www.imsglobal.org/xsd/imsqtiasi_v3p0"
 identifier="feedback" title="Grand Prix" adaptive="false" time-dependent="false">
 <qti-response-declaration identifier="RESPONSE" cardinality="single" base-type="identifier">
  <qti-correct-response><qti-value>driverC</qti-value></qti-correct-response>
 </qti-response-declaration>
 <qti-item-body><qti-choice-interaction response-identifier="RESPONSE" max-choices="1">
  <qti-prompt>Who <strong>won</strong> &lt;2006&gt;?</qti-prompt>
  <qti-simple-choice identifier="driverA">A. Driver<qti-feedback-inline
   outcome-identifier="FEEDBACK" identifier="driverA" show-hide="show">No, second.</qti-feedback-inline>
  </qti-simple-choice>
  <qti-simple-choice identifier="driverC">C. Driver</qti-simple-choice>
 </qti-choice-interaction></qti-item-body>
 <qti-modal-feedback outcome-identifier="F" identifier="driverC" show-hide="show">
  <qti-content-body><p>Yes.</p></qti-content-body></qti-modal-feedback>
</qti-assessment-item>"""


def test_qti_feedback_inside_an_option_is_its_feedback():
    (question,) = qti.read(FEEDBACK3.encode()).questions
    assert question.html and question.stem == "Who <strong>won</strong> &lt;2006&gt;?"
    assert question.options == {"A": "A. Driver", "B": "C. Driver"} and question.key == "B"
    assert question.feedback == {"A": "No, second.", "B": "<p>Yes.</p>"}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('adaptive="false"', 'adaptive="true"', "adaptive"),
        ('show-hide="show">No', 'show-hide="hide">No', "反馈"),
        ("<qti-item-body>", "<qti-item-body><qti-feedback-block>x</qti-feedback-block>", "才显示"),
        ("<strong>won", "<math>x</math><strong>won", "公式"),
        ("<strong>won", '<qti-printed-variable identifier="X"/><strong>won', "template"),
    ],
)
def test_qti_items_that_move_are_skipped_with_the_reason(old, new, reason):
    result = qti.read(FEEDBACK3.replace(old, new).encode())
    assert result.questions == [] and reason in result.skipped[0].reason
    assert result.skipped[0].name == "Grand Prix"


def test_qti_3_is_written_in_its_own_names():
    question = parse_question({**HTML, "key": "A"})
    package = zipfile.ZipFile(io.BytesIO(qti.write([question], "3.0")[0]))
    item = package.read("items/imported-0001-1.xml").decode()
    assert "<qti-choice-interaction" in item and 'response-identifier="RESPONSE"' in item
    assert "<qti-content-body>" in item and "<img" in item and "responseIdentifier" not in item
    assert 'identifier="FEEDBACK"' in item and "<qti-set-outcome-value" in item
    assert "imsqti_item_xmlv3p0" in package.read("imsmanifest.xml").decode()
    plain = parse_question(
        {k: v for k, v in HTML.items() if k in ("id", "type", "stem", "options", "key")}
    )
    package = zipfile.ZipFile(io.BytesIO(qti.write([plain], "2.1")[0]))
    item = package.read("items/imported-0001-1.xml").decode()
    assert "qti_v2p1/rptemplates/match_correct" in item


CLOZE = """<quiz><question type="cloze"><name><text>两空</text></name>
<questiontext format="html"><text><![CDATA[<p>每{1:SHORTANSWER:=月~=个月~%50%季~*#再想想}走访，满 {1:NM:=14:0} 岁</p>]]></text>
</questiontext></question></quiz>"""


def test_moodle_cloze_is_a_fill_question_with_several_blanks():
    (question,) = moodle_xml.read(CLOZE.encode()).questions
    assert question.stem == "<p>每____走访，满 ____ 岁</p>"
    assert question.key == (("月", "个月"), ("14",)) and question.credit == ({"季": 0.5}, {})
    assert score(question, ["个月", "14.0"]) == 1.0 and score(question, ["季", "15"]) == 0.25


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("{1:NM", "{2:NM", "分值不一样"),
        ("{1:NM:=14:0}", "{1:MULTICHOICE:=14~15}", "要选不要填"),
        ("=14:0", "=十四：0", "不是数"),
        ("=月~", "=月#对~", "自己的反馈"),
        ("=月~=个月~", "", "没有满分答案"),
        ("满 ", "满 ____ ", "分不清"),
    ],
)
def test_cloze_that_is_no_fill_question_is_skipped(old, new, reason):
    result = moodle_xml.read(CLOZE.replace(old, new).encode())
    assert result.questions == [] and reason in result.skipped[0].reason


@pytest.mark.parametrize(
    ("module", "data", "reason"),
    [
        (moodle_xml, b"<quiz", "XML"),
        (moodle_xml, b"<other/>", "quiz"),
        (moodle_xml, b'<!DOCTYPE q [<!ENTITY a "b">]><quiz>&a;</quiz>', "XML"),
        (qti, b'<!DOCTYPE q SYSTEM "file:///etc/passwd"><assessmentItem/>', "XML"),
        (qti, b"PK\x03\x04rubbish", "压缩包"),
        (xlsx, b"no workbook", "Excel"),
    ],
)
def test_hostile_files_get_a_clear_refusal(module, data, reason):
    with pytest.raises(Unrepresentable, match=reason):
        module.read(data)


def test_a_package_that_swells_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("imsmanifest.xml", b"<manifest/>")
        package.writestr("big", b"0" * 30_000_000)
    with pytest.raises(Unrepresentable, match="太大"):
        qti.read(out.getvalue())


def test_a_package_with_a_nameless_entry_is_read():
    data, _ = qti.write([parse_question(HTML)])
    # The same length, so that the zip's own tables still hold: the name's length becomes 0.
    broken = bytearray(data)
    at = broken.rindex(b"PK\x01\x02", 0, broken.index(b"PK\x05\x06"))
    broken[at + 28 : at + 30] = b"\x00\x00"
    with pytest.raises(Unrepresentable):
        qti.read(bytes(broken))


@settings(max_examples=examples(150), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(FORMATS)), st.data())
def test_mutated_files_never_crash(name, data):
    read, _ = FORMATS[name]
    content = bytearray(SAMPLES[name])
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 6))] = data.draw(st.binary(max_size=6))
    try:
        read(bytes(content))
    except Unrepresentable as refusal:
        assert str(refusal)


def _samples():
    bank = [
        parse_question({"id": "imported-0001", "type": "single", "stem": "选一个？",
                        "options": {"A": "甲", "B": "乙"}, "key": "A"}),
        parse_question({"id": "imported-0002", "type": "true_false", "stem": "对不对。", "key": True}),
    ]  # fmt: skip
    made = {name: write(bank)[0] for name, (_, write) in FORMATS.items()}
    return made | {"moodle-xml": MOODLE.encode()}


SAMPLES = _samples()


def test_the_whole_bank_goes_out_and_comes_back():
    from question_bank import load_bank

    bank = list(load_bank())
    for name in ("gift", "moodle-xml", "qti"):
        read, write = FORMATS[name]
        data, skipped = write(bank)
        result = read(data)
        assert result.skipped == []
        assert len(result.questions) + len(skipped) == len(bank) and len(result.questions) > 500
        assert all(s.reason for s in skipped)


@pytest.mark.parametrize("field", ["category", "title", "stem", "explanation"])
@pytest.mark.parametrize("module", [moodle_xml, qti, xlsx])
def test_a_control_character_costs_one_question_not_the_file(module, field):
    data = {"id": "imported-0001", "type": "true_false", "stem": "对不对", "key": True}
    good, bad = parse_question(data), parse_question({**data, field: "一\x01二"})
    written, skipped = module.write([bad, good])
    assert [s.where for s in skipped] == ["第 1 题"]
    assert len(module.read(written).questions) == 1


def test_a_picture_that_is_no_text_costs_one_question():
    data = {"id": "imported-0001", "type": "true_false", "stem": "对不对", "key": True}
    bad = parse_question({**data, "files": {"a.png": "\x01"}})
    for module in (moodle_xml, qti):
        assert [s.where for s in module.write([bad])[1]] == ["第 1 题"]
