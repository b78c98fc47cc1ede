"""Each table's columns, written out in `columns.txt`: what stands under a heading is what the heading says.

A line there is heading | metric[setting] | group | how it is written | which printed value stands beside it. "alone":
neither an interval nor bold. "error": one seed has its standard error over images beside it.
"""

import re
from pathlib import Path

import pytest

from bench.metrics import METRICS
from bench.samplers import SAMPLERS
from report.names import PAIR, VARIANTS
from report.tables.columns import TABLES
from report.tables.layout import Column

TEXT = Path(__file__).with_name("columns.txt").read_text(encoding="utf-8")
WRITTEN = {block.split("]")[0]: block.split("\n")[1:] for block in TEXT.strip().removeprefix("[").split("\n\n[")}
SAID = {  # what a heading says of the sampler
    "normal": {"N(0, I)", "prior", "own prior"},
    "gmm": {"GMM"},
    "two-stage": {"second VAE"},
    "two-stage-corrected": {"second VAE, corrected"},
    "own": {"own sampler"},
    "maf": {"MAF"},
    "iaf": {"IAF"},
    "hyperplane": {"hyperplane", "floor"},
    "rounding": {"rounding"},
    "coins": {"coins"},
    "gaussian": {"N(μ, Σ)"},
}


def line(column: Column) -> str:
    style = {"plain": f"{column.decimals}", "percent": f"{column.decimals} percent", "count": "count"}[column.style]
    written = [style, *(["alone"] * (not column.comparable)), *(["error"] * column.image_error)]
    printed = "" if column.printed_setting is None else f"printed at {column.printed_setting}".removesuffix(" at ")
    parts = [column.header.replace("\n", " / "), column.key, column.group, " ".join(written), printed]
    return " | ".join(parts).rstrip(" |")


def test_every_table_is_written_out() -> None:
    assert WRITTEN.keys() == TABLES.keys()


@pytest.mark.parametrize("table", TABLES)
def test_each_heading_stands_over_what_is_written_out(table: str) -> None:
    assert [line(column) for column in TABLES[table].columns] == WRITTEN[table]


@pytest.mark.parametrize("table", TABLES)
def test_a_heading_names_the_features_and_the_sampler_that_its_column_reads(table: str) -> None:
    for column in TABLES[table].columns:
        setting = dict(part.split("=") for part in column.setting.split(";") if part)
        metric = METRICS[column.metric]
        assert setting in metric.settings
        if size := re.search(r"-(64|2048)\b", column.header):
            assert setting["features"] == f"inception{size[1]}"
        if "classifier" in column.header.split("\n")[0] and "'s" not in column.header:
            assert "features" not in setting and column.metric.endswith("_classifier")
        if "sampler" in setting and "\n" in column.header:
            assert setting["sampler"] in SAMPLERS and column.header.split("\n")[1] in SAID[setting["sampler"]]
        if column.style == "percent":
            assert metric.unit == "%"
        if column.header.startswith(("iFID", "iFD")):
            protocol = {"code's protocol": "code", "Figure 10's": "figure", "steps alone": "interior"}
            assert setting["protocol"] == protocol[column.header.split("\n")[1]]


def test_the_pairs_that_are_compared_and_the_rows_are_those_of_the_studies() -> None:
    pairs = dict.fromkeys(TABLES, ("unidirectional", "bidirectional"))
    pairs |= {"pythae": ("stock", "bidirectional"), "anchors": ("stock", "corrected")}
    pairs["factors"] = ("stock", "bidirectional")
    assert {name: table.pair for name, table in TABLES.items()} == pairs
    assert PAIR == ("unidirectional", "bidirectional")
    variants = dict.fromkeys(TABLES, VARIANTS)
    variants |= {"pythae": ("stock", "corrected", "bidirectional"), "anchors": ("stock", "corrected")}
    variants["factors"] = ("stock", "corrected", "bidirectional", "control")
    assert {name: table.variants for name, table in TABLES.items()} == variants
    assert VARIANTS == ("unidirectional", "bidirectional", "control", "stock", "corrected")
    assert {name for name, table in TABLES.items() if table.trials} == {"untapped", "svae-toy"}
