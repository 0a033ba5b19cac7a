from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptetheus.cause.noise import NOISE_RULES, noise_rules, own_rule
from promptetheus.cause.plain_form import plain
from promptetheus.cause.value_changes import changed_arguments, same_value, value_changes
from promptetheus.project_rules import ProjectRules, parse_rules, read_rules, write_rule
from promptetheus.toml_key import with_key
from tests.builders import a_session
from tests.cause.hostile import VALUES
from tests.cause.reports import report_of

WRITTEN = """
[ignore]              # ours
numbers = true
paths = false
tolerance = 0.05

[[rule]]
name = "tickets"
pattern = 'TICKET-\\d+'

[[rule]]
name = "request ids"
json_path = "**.request_id"

[effects]
lookup_and_reserve = "write"
"""


def parsed(text: str) -> ProjectRules:
    return parse_rules(Path("rules.toml"), text)


def test_rules_and_corrections_are_read_from_beside_the_spool(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(WRITTEN)
    rules = read_rules(tmp_path / "spool")
    assert rules.problems == ()
    assert rules.effects == {"lookup_and_reserve": "write"}
    noise = rules.noise(off=["numbers"])
    assert noise.names == (
        "uuids", "ids", "times", "durations", "tolerance (±0.05)", "parallel", "tickets", "request ids",
    )  # fmt: skip
    assert same_value("see TICKET-1", "see TICKET-22", noise)


def test_a_directory_of_sessions_with_another_name_keeps_its_rules_inside(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(WRITTEN)
    assert read_rules(tmp_path / "runs").effects == {}
    assert read_rules(tmp_path / "runs").path == tmp_path / "runs" / "rules.toml"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[ignore]\ncolour = true", "no noise rule is called 'colour'"),
        ("[ignore]\nids = 3", "ids must be true or false"),
        ("[ignore]\ntolerance = 2", "tolerance is more than 0"),
        ("ignore = 3", "ignore must be a table"),
        ("[[rule]]\nname = 'a'\npattern = '('", "noise rule 'a'"),
        ("[[rule]]\nname = 'a'", "needs a pattern or a json_path"),
        ("[[rule]]\nname = 'ids'\npattern = 'x'", "there is one of that name already"),
        ("[[rule]]\nname = 'a'\njson_path = '**'", "would ignore everything"),
        ("[[rule]]\nname = 'a'\njson_path = 'a[b'", "is no path"),
        ("[[rule]]\nname = 3\npattern = 'x'", "are texts"),
        ("[effects]\nbook = 'maybe'", "must be one of read, write, handoff"),
        ("[colours]\n", "[colours] means nothing here"),
        ("= what", "is no TOML"),
        ("rule = 3", "[[rule]]"),
    ],
)
def test_a_mistake_is_named_and_everything_else_counts(text: str, problem: str) -> None:
    rules = parsed(text)
    assert problem in rules.problems[0]
    assert rules.noise() == noise_rules()


def test_a_switch_of_one_comparison_beats_the_file() -> None:
    rules = parsed(WRITTEN)
    assert "numbers" not in rules.noise(off=["numbers"]).active
    assert "paths" in rules.noise(on=["paths"]).active
    with pytest.raises(ValueError, match="'colour'"):
        rules.noise(on=["colour"])


@given(VALUES, VALUES)
def test_hostile_values_compare_under_paths_and_tolerance(one: object, other: object) -> None:
    noise = parsed(WRITTEN).noise()
    assert same_value(one, one, noise)
    assert same_value(one, other, noise) == (value_changes(one, other, noise) == []) or one == other
    changed_arguments(one, other, noise)


def test_what_stands_at_a_json_path_is_not_compared_wherever_the_path_leads() -> None:
    def ignoring(path: str) -> ProjectRules:
        return parsed(f"[[rule]]\nname = 'mine'\njson_path = '{path}'")

    before = {"id": 1, "items": [{"id": 1, "n": 1}, {"id": 2, "n": 2}]}
    after = {"id": 9, "items": [{"id": 8, "n": 1}, {"id": 7, "n": 3}]}
    left = {
        path: [change.path for change in value_changes(before, after, ignoring(path).noise())]
        for path in ("id", "items[*].id", "items[1].id", "**.id", "items", "$.items[0]")
    }
    assert left == {
        "id": ["items[0].id", "items[1].id", "items[1].n"],
        "items[*].id": ["id", "items[1].n"],
        "items[1].id": ["id", "items[0].id", "items[1].n"],
        "**.id": ["items[1].n"],
        "items": ["id"],
        "$.items[0]": ["id", "items[1].id", "items[1].n"],
    }
    assert changed_arguments(before, after, ignoring("items").noise()) == ("id",)


def test_numbers_within_the_tolerance_are_the_same_and_beyond_it_are_not() -> None:
    noise = noise_rules(on=["tolerance"], tolerance=0.01)
    assert same_value({"price": 100.0}, {"price": 100.9}, noise)
    assert same_value([995], [1004], noise)
    assert not same_value({"price": 100}, {"price": 102}, noise)
    assert not same_value({"price": 100.0}, {"price": 100.9})
    one, other = (a_session().calls("pay", {"amount": amount}) for amount in (99.5, 100.4))
    assert report_of(one, other, noise).differences == ()
    assert report_of(one, other, noise).comparison.effective is None
    assert report_of(one, other).comparison.effective is not None


@given(st.floats(0.0001, 0.5), st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_no_two_numbers_that_the_tolerance_tells_apart_look_alike(
    tolerance: float, one: float, other: float
) -> None:
    noise = noise_rules(on=["tolerance"], tolerance=tolerance)
    if plain(one, noise) == plain(other, noise):
        assert noise.is_close(one, other) or abs(one - other) <= tolerance * 1.001 * max(abs(one), abs(other))


def test_every_rule_is_listed_with_its_switch() -> None:
    noise = noise_rules(own=[own_rule("mine", pattern="x+")])
    assert [rule.name for rule, _ in noise.switches] == [*(rule.name for rule in NOISE_RULES), "mine"]
    assert all(rule.meaning for rule, _ in noise.switches)
    off = noise.switched("mine", False)
    assert {rule.name: on for rule, on in off.switches}["mine"] is False
    assert off.switched("mine", True) == noise
    with pytest.raises(ValueError, match="colour"):
        noise.switched("colour", True)


def test_a_key_is_set_and_everything_else_stays_as_it_was() -> None:
    changed = with_key(WRITTEN, "effects", "search", "read")
    assert changed == WRITTEN.rstrip("\n") + '\nsearch = "read"\n'
    changed = with_key(WRITTEN, "ignore", "numbers", False)
    assert changed == WRITTEN.replace("numbers = true", "numbers = false")
    assert with_key(WRITTEN, "effects", "lookup_and_reserve", None) == WRITTEN.replace(
        'lookup_and_reserve = "write"\n', ""
    )
    assert with_key("", "effects", "a.b c", "read") == '[effects]\n"a.b c" = "read"\n'


@given(
    st.text(max_size=12),
    st.sampled_from(["read", "write"]) | st.booleans() | st.none(),
    st.sampled_from(
        ["", WRITTEN, "[ignore]\n", "x = 1\n[effects] # here\n\n[z]\ny = 2", '[effects]\n"a b" = "read"']
    ),
)
def test_setting_a_key_changes_that_key_alone_or_says_that_it_cannot(
    key: str, value: str | bool | None, text: str
) -> None:
    before = tomllib.loads(text)
    try:
        after = tomllib.loads(with_key(text, "effects", key, value))
    except ValueError:
        return
    wanted = {**before.get("effects", {}), key: value}
    if value is None:
        del wanted[key]
    assert after.pop("effects", {}) == wanted
    before.pop("effects", None)
    assert after == before


@pytest.mark.parametrize("text", ["effects = {a = 'read'}\n", "effects.a = 'read'\n", "effects = 3\n"])
def test_a_file_that_says_it_another_way_is_left_to_the_person(text: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(ValueError):
        write_rule(tmp_path / "spool", "effects", "a", "write")
    assert path.read_text() == text


def test_rules_are_written_where_they_are_read(tmp_path: Path) -> None:
    spool = tmp_path / ".promptetheus" / "spool"
    path = write_rule(spool, "effects", "look", "read")
    write_rule(spool, "ignore", "numbers", True)
    assert path == tmp_path / ".promptetheus" / "rules.toml"
    rules = read_rules(spool)
    assert (rules.effects, rules.switches) == ({"look": "read"}, {"numbers": True})
    assert [each.name for each in path.parent.iterdir()] == ["rules.toml"]
