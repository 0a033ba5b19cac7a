"""Prices are remembered beside the spool, and asked for again when the price list is another one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from promptetheus.queries import catalog as catalog_module
from promptetheus.queries import kept_prices
from promptetheus.queries.catalog import Catalog
from promptetheus.queries.kept_prices import NAME, Rate, keep_prices, read_prices
from tests.builders import a_session
from tests.queries.written import write_sealed

RATES = {"gpt-4o": Rate(0.0, 2.5e-6, 1e-5, 1.25e-6), "mine": None}

LOADED = """
import sys
from pathlib import Path
from promptetheus.queries.catalog import Catalog

catalog = Catalog(Path(sys.argv[1]))
list(catalog.scan())
at_once = [row.cost_usd for row in catalog.rows()]
catalog.price_rows()
print(at_once, [row.cost_usd for row in catalog.rows()], "genai_prices" in sys.modules, sep=";")
catalog.wait_until_kept()
"""


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / ".promptetheus" / "spool"


def kept_file(spool: Path) -> Path:
    return spool.parent / "cache" / NAME


def a_priced_session(spool: Path, session_id: str = "paid", **call: object) -> None:
    session = a_session(session_id).event(
        "llm_call", {"model": "gpt-4o", "input_tokens": 1_000, "output_tokens": 100, **call}
    )
    write_sealed(spool, session.ends())


def read_elsewhere(spool: Path) -> tuple[str, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, str(spool)], capture_output=True, text=True, check=True
    ).stdout
    at_once, priced, loaded = done.strip().split(";")
    return at_once, priced, loaded


def test_what_was_kept_is_read_again(spool: Path) -> None:
    keep_prices(spool, RATES)
    assert read_prices(spool) == RATES


def test_what_another_reader_learned_stays(spool: Path) -> None:
    keep_prices(spool, {"mine": None})
    keep_prices(spool, {"gpt-4o": RATES["gpt-4o"]})
    assert read_prices(spool) == RATES


def test_the_price_list_is_read_once_for_all_processes(spool: Path) -> None:
    a_priced_session(spool)
    a_priced_session(spool, "unknown", model="no-such-model-9")
    first, second = read_elsewhere(spool), read_elsewhere(spool)
    assert (first[2], second[2]) == ("True", "False")
    assert first[1] == second[1]
    assert "None" in first[1]


def test_sessions_that_the_catalog_remembers_have_their_cost_at_once(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_module, "_WORTH_BYTES", 1)
    a_priced_session(spool)
    catalog = Catalog(spool)
    list(catalog.scan())
    [priced] = catalog.price_rows()
    catalog.wait_until_kept()
    [row] = next(Catalog(spool).scan())
    assert row.cost_usd == priced.cost_usd is not None
    assert row.unpriced_calls == 0
    at_once, _, loaded = read_elsewhere(spool)
    assert (at_once, loaded) == (f"[{row.cost_usd}]", "False")


def test_calls_so_long_that_they_cost_more_are_left_to_the_price_list(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_module, "_WORTH_BYTES", 1)
    a_priced_session(spool)
    a_priced_session(spool, "long", input_tokens=300_000)
    catalog = Catalog(spool)
    list(catalog.scan())
    catalog.price_rows()
    catalog.wait_until_kept()
    again = Catalog(spool)
    costs = {row.session_id: row.cost_usd for batch in again.scan() for row in batch}
    assert costs["long"] is None
    assert costs["paid"] is not None
    assert [row.session_id for row in again.price_rows()] == ["long"]


def test_another_price_list_is_asked_again(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_prices(spool, RATES)
    monkeypatch.setattr(kept_prices, "_price_list", lambda: "another one")
    assert read_prices(spool) == {}


@pytest.mark.parametrize(
    "prices",
    [
        '{"gpt-4o": [0, -1, 0, 0]}',
        '{"gpt-4o": [0, 1]}',
        '{"gpt-4o": ["nan", 1, 1, 1]}',
        '{"gpt-4o": {"call": 1}}',
        "[]",
        "7",
        "not json",
    ],
)
def test_a_damaged_file_is_nothing_that_is_known(spool: Path, prices: str) -> None:
    keep_prices(spool, RATES)
    made_with = json.loads(kept_file(spool).read_text())["made_with"]
    kept_file(spool).write_text(f'{{"made_with": {json.dumps(made_with)}, "prices": {prices}}}')
    assert read_prices(spool) == {}


def test_a_file_without_end_is_not_read(spool: Path) -> None:
    keep_prices(spool, RATES)
    with kept_file(spool).open("a") as file:
        file.write(" " * (2 << 20))
    assert read_prices(spool) == {}


def test_long_names_and_too_many_are_not_kept(spool: Path) -> None:
    many = {f"model-{number}": None for number in range(kept_prices.MOST_MODELS + 5)}
    keep_prices(spool, {"x" * 1000: None, **many})
    assert list(read_prices(spool)) == list(many)[5:]


def test_a_spool_with_another_name_has_nothing_written_beside_it(tmp_path: Path) -> None:
    elsewhere = tmp_path / "recordings"
    keep_prices(elsewhere, RATES)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_cannot_be_written_is_no_error(spool: Path) -> None:
    spool.parent.mkdir(parents=True)
    (spool.parent / "cache").write_text("a file where the directory should be")
    keep_prices(spool, RATES)
    assert read_prices(spool) == {}


def test_names_that_are_no_text_are_no_error(spool: Path) -> None:
    keep_prices(spool, {"\ud800": None})
    assert read_prices(spool) == {}
