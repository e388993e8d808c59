"""Reading YAML: texts as written, places, and nothing but problems whatever comes."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language.load import BYTES_MAX, List, Map, Node, Text, load, load_text
from engine.language.problems import Place, ProblemsFound, read_source, render


def codes(text: str) -> list[str]:
    with pytest.raises(ProblemsFound) as caught:
        load_text(text, "a.yaml")
    return [found.code for found in caught.value.problems]


@pytest.mark.parametrize(
    "written", ["no", "1:30", "010", "1_000", "0.41170", "2026-01-05", "1e3", "true", ".5", "=", "0x10"]
)
def test_scalars_stay_as_written(written: str) -> None:
    """YAML would make False, 90, 8, 1000, 0.4117, a date and a float of these."""
    node = load_text(f"a: {written}\nb: [{written}]", "a.yaml")

    assert {"a": written, "b": [written]} == node


def test_every_node_knows_its_place() -> None:
    node = load_text('charges:\n  电费: {price: "0.5283", tiers: [1, 22]}\n', "a.yaml")

    inner = node[Text("charges")]
    assert isinstance(inner, Map)
    (key,) = inner
    charge = inner[key]
    assert isinstance(charge, Map)
    price, tiers = charge[Text("price")], charge[Text("tiers")]
    assert isinstance(price, Text)
    assert isinstance(tiers, List)
    assert key.place == Place("a.yaml", 2, 3, 2, 5)
    assert charge.place == Place("a.yaml", 2, 7, 2, 40)
    assert (price.place, price.quoted) == (Place("a.yaml", 2, 15, 2, 23), True)
    assert tiers.place == Place("a.yaml", 2, 32, 2, 39)
    assert charge.place_of("tiers") == Place("a.yaml", 2, 25, 2, 30)
    assert charge.place_of("nothing") == charge.place


def test_a_piece_of_a_text_has_a_place() -> None:
    """Formulas mark the part that they cannot read; where characters cannot be counted, the whole is marked."""
    node = load_text('a: kwh + 峰\nb: "kwh + x"\nc: "\\u0041b"\nd: one\n  two\n', "a.yaml")

    plain, quoted, escaped, folded = node.values()

    assert isinstance(plain, Text)
    assert isinstance(quoted, Text)
    assert isinstance(escaped, Text)
    assert isinstance(folded, Text)
    assert plain.piece(6, 7) == Place("a.yaml", 1, 10, 1, 11)
    assert quoted.piece(6, 7) == Place("a.yaml", 2, 11, 2, 12)
    assert escaped.piece(0, 1) == escaped.place
    assert folded.piece(0, 1) == folded.place


def test_nodes_can_be_sent_to_another_process() -> None:
    node = load_text('a: {b: "1"}\nc: [2]', "a.yaml")

    copy = pickle.loads(pickle.dumps(node))  # noqa: S301  # our own bytes

    assert copy == node
    assert copy.place == node.place
    assert next(iter(copy)).place == next(iter(node)).place
    assert copy["a"]["b"].quoted


def test_all_problems_of_a_file_are_told_at_once() -> None:
    assert codes("a: 1\na: 2\nb: &x 3\nc: *x\n<<: {}\nd:\n") == [
        "duplicate-key",
        "anchor-used",
        "alias-used",
        "merge-key",
        "key-without-value",
    ]


def test_an_alias_bomb_is_refused_before_it_explodes() -> None:
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 30))

    assert set(codes(f"l0: &l0 [x]\n{levels}")) == {"anchor-used", "alias-used"}


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "{"])
def test_depth_is_refused_before_it_hurts(opening: str) -> None:
    found = codes(opening * 100_000)

    assert found[-1] == "too-deep"
    assert set(found[:-1]) <= {"key-not-text"}


def test_file_too_large(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("# " + "x" * BYTES_MAX)

    with pytest.raises(ProblemsFound) as caught:
        load(path)

    assert [found.code for found in caught.value.problems] == ["file-too-large"]


def test_a_folder_or_nothing_is_no_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing.yaml"):
        with pytest.raises(ProblemsFound) as caught:
            load(path)

        assert [found.code for found in caught.value.problems] == ["file-not-found"]


def test_places_name_the_file_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text("a: 1")
    monkeypatch.chdir(tmp_path)

    node = load(tmp_path / "rules" / "a.yaml")

    assert node.place.file == "rules/a.yaml"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: {b: c: d}", "colon-in-text"),
        ("a: {b: 1 c: 2}", "colon-in-text"),
        ("a: [min(b, c), d]", "formula-in-list"),
        ("a: {b: 1,\n    c: t[d],\n    e: 2}", "formula-in-braces"),
        ("a: {b: 本月 {c} 元，请核对}", "formula-in-braces"),
        ("a: | b", "text-needs-quotes"),
        ("a: {b: 2,760}", "thousands-comma"),
        ("a: 1\nprice:0.5\nunit: x", "space-after-colon"),
        ("price:0.5", "space-after-colon"),
        ("price：0.5", "full-width-punctuation"),
        ("price：0.5\nunit: x", "full-width-punctuation"),
        ("a: 1\n...\nb: 2", "several-documents"),
        ("a: 'it's'", "text-after-quotes"),
        ("a: {b: 1}}", "stray-bracket"),
        ("a: [1}", "stray-bracket"),
        ("{a: 1,,b: 2}", "item-without-value"),
        ("a: ~", "key-without-value"),
        ("a:\u00a01", "invisible-character"),
        ("\u3000a: 1", "full-width-punctuation"),
        ("energy.１: 2", "full-width-punctuation"),
    ],
)
def test_slips_of_typing_have_their_own_words(text: str, code: str) -> None:
    assert codes(text) == [code]


def test_chinese_punctuation_is_welcome_in_texts() -> None:
    node = load_text(
        "message: 本月 {kwh} 千瓦时，去年 {kwh_last_year}：请核对。\ntitle: 电度用电价格（含基金）\n", "a.yaml"
    )

    assert node[Text("title")] == "电度用电价格（含基金）"


scalars = st.text(
    alphabet=st.characters(exclude_categories=["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"]), min_size=1, max_size=12
)
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(scalars, inner, max_size=4), max_leaves=12
)


def written(tree: object) -> str:
    """The tree as YAML in brackets and double quotes, written here without any YAML library."""
    if isinstance(tree, str):
        return '"' + tree.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(tree, list):
        return f"[{', '.join(map(written, tree))}]"
    assert isinstance(tree, dict)
    return "{" + ", ".join(f"{written(key)}: {written(value)}" for key, value in tree.items()) + "}"


@given(st.dictionaries(scalars, trees, min_size=1, max_size=4))
def test_what_is_written_is_what_is_read(tree: dict[str, object]) -> None:
    assert tree == load_text(written(tree), "a.yaml")


def places(node: Node) -> list[tuple[Text, Place]]:
    if isinstance(node, Text):
        return [(node, node.place)]
    inner = [*node.keys(), *node.values()] if isinstance(node, Map) else list(node)
    return [one for child in inner for one in places(child)]


@given(st.dictionaries(scalars, trees, min_size=1, max_size=4))
def test_a_place_is_where_the_text_stands(tree: dict[str, object]) -> None:
    text = written(tree)

    found = places(load_text(text, "a.yaml"))

    assert all(text[place.column - 1 : place.end_column - 1] == written(str(one)) for one, place in found)


SIGNS = (
    ": :|:|- |-|\n|\n  |\n\t|{|}|[|]|, |,|\"|'|#| # |&x|*x|!t|<<|>|?|%|@|`|---|...|：|，|(|)|\\|~|\r\n|\r|\u3000|\u00a0"
)
WORDS = "a|price|本月|0.5|t[a, b]|{kwh}|min(a, b)|\u2028|\ufeff|\x00|\x85"
LIKELY = st.lists(st.sampled_from([*SIGNS.split("|"), "|", *WORDS.split("|")]), max_size=25).map("".join)


@given(LIKELY | st.text(max_size=80))
def test_any_text_is_a_mapping_or_problems_that_can_be_shown(text: str) -> None:
    try:
        node = load_text(text, "a.yaml")
    except ProblemsFound as caught:
        shown = [render(found, language, lambda _: text) for found in caught.problems for language in ("en", "zh")]
        assert all(shown)
    else:
        assert node


@given(st.binary(max_size=80) | LIKELY.map(lambda text: text.encode("gb18030")))
def test_any_bytes_are_a_mapping_or_problems_that_can_be_shown(data: bytes) -> None:
    path = Path("a.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda _: data)
        patch.setattr(Path, "stat", lambda _: type("Stat", (), {"st_size": len(data)}))
        try:
            node = load(path)
        except ProblemsFound as caught:
            shown = [render(found, sources=read_source) for found in caught.problems]
            assert all(shown)
        else:
            assert node
