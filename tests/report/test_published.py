"""results/published.csv holds Tables I-IV of BVAE and its Figure 4, and Tables 1, 2, 4 and 5 of LBAE, as printed;
also the two numbers of Untapped, Table 1 of M2, Tables 1 and 2 of sVAE, and what ALICE published of its toy study."""

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

KEY = ["paper", "table", "dataset", "row", "variant", "metric", "setting"]
GENERATIVE = {"parameters", "nll", "active_units", "psnr", "ssim", "parameter_mib"}
EVERY = GENERATIVE | {"fid", "rfid", "probe_accuracy"}


@pytest.fixture(scope="module")
def published() -> pd.DataFrame:
    path = Path(__file__).parents[2] / "results" / "published.csv"
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _printed(frame: pd.DataFrame, table: str, row: str, variant: str, metric: str) -> str:
    found = frame[(frame[["table", "row", "variant", "metric"]] == [table, row, variant, metric]).all(axis=1)]
    assert len(found) == 1
    return str(found["printed"].iloc[0])


@pytest.mark.parametrize(
    ("table", "rows", "metrics"), [("I", 7, EVERY), ("II", 7, EVERY), ("III", 7, EVERY), ("IV", 4, GENERATIVE)]
)
def test_every_pair_has_every_cell_of_its_table(
    published: pd.DataFrame, table: str, rows: int, metrics: set[str]
) -> None:
    cells = published[published["table"] == table]
    lines = cells.groupby(["row", "variant"])["metric"].agg(list)
    assert cells["row"].nunique() == rows
    assert len(lines) == 2 * rows
    assert all(len(found) == len(metrics) and set(found) == metrics for found in lines)


def test_keys_are_unique(published: pd.DataFrame) -> None:
    assert not published.duplicated(KEY).any()


def test_value_is_the_number_that_is_printed(published: pd.DataFrame) -> None:
    number = published["printed"].str.replace(r"( / .*|MB|%|M)$", "", regex=True).astype(float)
    million = published["printed"].str.endswith("M")
    expected = number.where(~million, number * 1e6)
    expected = expected.where(published["metric"].ne("nll_ais"), -expected)  # printed is log p(x)
    assert (expected.round(4) == published["value"].astype(float).round(4)).all()


@pytest.mark.parametrize(
    ("table", "row", "variant", "metric", "printed"),
    [
        ("I", "VAE", "unidirectional", "nll", "86.72"),
        ("I", "beta-TCVAE 1", "unidirectional", "fid", "3.544"),
        ("I", "IWAE", "bidirectional", "probe_accuracy", "96.29%"),
        ("I", "VAE", "unidirectional", "parameter_mib", "84.4MB"),
        ("II", "VAE", "unidirectional", "parameter_mib", "84MB"),
        ("II", "beta-VAE 1.5", "bidirectional", "ssim", "0.6729"),
        ("III", "IWAE", "unidirectional", "active_units", "122"),
        ("III", "beta-TCVAE 0.5", "bidirectional", "parameters", "28.8M"),
        ("IV", "beta-IWAE", "bidirectional", "active_units", "204"),
        ("IV", "beta-TCVAE 0.1", "bidirectional", "psnr", "23.55"),
        ("Figure 4", "beta-VAE z128", "bidirectional", "probe_accuracy", "97.32%"),
    ],
)
def test_cells_are_as_printed(
    published: pd.DataFrame, table: str, row: str, variant: str, metric: str, printed: str
) -> None:
    assert _printed(published, table, row, variant, metric) == printed


def test_slip_of_the_pen_keeps_its_number_and_gets_a_note(published: pd.DataFrame) -> None:
    slip = published[published["printed"] == "28.8M"]
    assert len(slip) == 1
    assert "28.3M" in slip["note"].iloc[0]


def test_half_the_parameters_in_every_pair_but_for_the_slip(published: pd.DataFrame) -> None:
    counts = published[(published["metric"] == "parameters") & (published["printed"] != "28.8M")]
    pairs = counts.pivot(index=["table", "row"], columns="variant", values="value").astype(float).dropna()
    assert len(pairs) == 24
    assert (pairs["unidirectional"] / pairs["bidirectional"]).between(1.99, 2.01).all()


@pytest.mark.parametrize(
    ("table", "cells"),
    [("1", (22, 22, 22)), ("2", (7, 7, 7)), ("4", (14, 14, 14)), ("5", (15, 15, 15))],
)
def test_lbaes_tables_are_whole(published: pd.DataFrame, table: str, cells: tuple[int, ...]) -> None:
    lbae = published[published["paper"] == "LBAE"]
    counts = [int((lbae["table"] == f"{table} {name}").sum()) for name in ("MNIST", "CIFAR-10", "CelebA")]
    assert tuple(counts) == cells


@pytest.mark.parametrize(
    ("table", "row", "metric", "sampler", "printed"),
    [
        ("1 MNIST", "LBAE", "fid", "hyperplane", "11.36"),
        ("1 CIFAR-10", "LBAE", "fid", "coins", "71.48"),
        ("1 CelebA", "VAE (ours)", "fid", "normal", "56.08"),
        ("1 CIFAR-10", "RAE-SN", "fid", "gaussian", "84.25"),
        ("2 CelebA", "LBAE", "kid", "hyperplane", "30.33"),
        ("4 MNIST", "LBAE", "prd_f8", "coins", "0.44"),
        ("5 CIFAR-10", "RAE-L2", "fid", "gmm", "74.16"),
        ("5 CelebA", "WAE-MMD", "prd_f1_8", "gmm", "0.69"),
    ],
)
def test_lbaes_cells_are_as_printed(
    published: pd.DataFrame, table: str, row: str, metric: str, sampler: str, printed: str
) -> None:
    setting = f"features=inception2048;sampler={sampler}"
    lines = published[(published[["table", "row", "metric", "setting"]] == [table, row, metric, setting]).all(axis=1)]
    assert lines["printed"].tolist() == [printed]


def test_cells_that_lbae_prints_twice_agree(published: pd.DataFrame) -> None:
    """Table 5 repeats LBAE's moments sampling of Tables 1 and 4."""
    lbae = published[published["paper"] == "LBAE"]
    repeated = lbae.groupby(["dataset", "row", "variant", "metric", "setting"])["value"].agg(["size", "nunique"])
    assert (repeated["nunique"] == 1).all()
    assert int((repeated["size"] == 2).sum()) == 9


@pytest.mark.parametrize(
    ("paper", "row", "metric", "printed"),
    [
        ("sVAE", "sVAE-r 0.1", "nll_ais", "-79.26"),
        ("sVAE", "WGAN-GP ResNet", "inception_score_imagenet", "7.86"),
        ("sVAE", "DCGAN", "nll_ais", "-79.47"),
        ("Untapped", "M2", "unseen_cross_entropy", "2.30"),
        ("Untapped", "Untapped", "unseen_cross_entropy", "2.07"),
        ("M2", "M2 100 labels", "test_error", "11.97"),
        ("M2", "M2 3000 labels", "test_error", "3.92"),
        ("M2", "M1+M2 1000 labels", "test_error", "2.40"),
    ],
)
def test_cells_of_the_other_papers_are_as_printed(
    published: pd.DataFrame, paper: str, row: str, metric: str, printed: str
) -> None:
    lines = published[(published[["paper", "row", "metric"]] == [paper, row, metric]).all(axis=1)]
    assert lines["printed"].tolist() == [printed]


def test_more_labels_and_a_second_model_below_it_lower_the_printed_error_but_for_one_cell(
    published: pd.DataFrame,
) -> None:
    errors = published[published["paper"] == "M2"].set_index("row")["value"].astype(float)
    counts = ("100", "600", "1000", "3000")
    m2, both = ([errors[f"{model} {n} labels"] for n in counts] for model in ("M2", "M1+M2"))
    assert both == sorted(both, reverse=True) and m2[:3] == sorted(m2[:3], reverse=True)
    assert all(b < a for a, b in zip(m2, both, strict=True))


# Sums of columns, unidirectional and bidirectional rows apart in BVAE, all rows together elsewhere: taken from a
# second transcription of the printed tables, not from the file.
SUMS = {
    ("BVAE", "I", "nll"): ("610.10", "609.56"),
    ("BVAE", "I", "active_units"): ("132", "134"),
    ("BVAE", "I", "fid"): ("25.316", "24.710"),
    ("BVAE", "I", "psnr"): ("144.36", "144.95"),
    ("BVAE", "I", "ssim"): ("6.2595", "6.2731"),
    ("BVAE", "I", "rfid"): ("22.222", "22.186"),
    ("BVAE", "I", "probe_accuracy"): ("663.73", "668.43"),
    ("BVAE", "II", "nll"): ("1620.7", "1620.3"),
    ("BVAE", "II", "active_units"): ("101", "99"),
    ("BVAE", "II", "fid"): ("19.569", "19.427"),
    ("BVAE", "II", "psnr"): ("133.33", "133.84"),
    ("BVAE", "II", "ssim"): ("4.8346", "4.8508"),
    ("BVAE", "II", "rfid"): ("16.764", "16.648"),
    ("BVAE", "II", "probe_accuracy"): ("610.90", "612.60"),
    ("BVAE", "III", "nll"): ("12729.7", "12701.6"),
    ("BVAE", "III", "active_units"): ("400", "406"),
    ("BVAE", "III", "fid"): ("17.131", "16.465"),
    ("BVAE", "III", "psnr"): ("130.48", "132.89"),
    ("BVAE", "III", "ssim"): ("3.1713", "3.3771"),
    ("BVAE", "III", "rfid"): ("15.903", "15.019"),
    ("BVAE", "III", "probe_accuracy"): ("356.94", "358.33"),
    ("BVAE", "IV", "nll"): ("24963.2", "24972.3"),
    ("BVAE", "IV", "active_units"): ("490", "491"),
    ("BVAE", "IV", "psnr"): ("85.48", "87.62"),
    ("BVAE", "IV", "ssim"): ("2.7463", "2.8007"),
    ("LBAE", "1 MNIST", "fid"): ("245.86", "0"),
    ("LBAE", "1 CIFAR-10", "fid"): ("832.60", "0"),
    ("LBAE", "1 CelebA", "fid"): ("486.00", "0"),
    ("LBAE", "1 MNIST", "rfid"): ("71.35", "0"),
    ("LBAE", "1 MNIST", "ifid"): ("72.04", "0"),
    ("LBAE", "1 CIFAR-10", "rfid"): ("211.07", "0"),
    ("LBAE", "1 CIFAR-10", "ifid"): ("326.08", "0"),
    ("LBAE", "1 CelebA", "rfid"): ("196.13", "0"),
    ("LBAE", "1 CelebA", "ifid"): ("185.80", "0"),
    ("LBAE", "2 MNIST", "rkid"): ("11.82", "0"),
    ("LBAE", "2 MNIST", "kid"): ("247.73", "0"),
    ("LBAE", "2 CIFAR-10", "rkid"): ("43.88", "0"),
    ("LBAE", "2 CIFAR-10", "kid"): ("318.4", "0"),
    ("LBAE", "2 CelebA", "rkid"): ("36.64", "0"),
    ("LBAE", "2 CelebA", "kid"): ("265.05", "0"),
    ("LBAE", "4 MNIST", "prd_f1_8"): ("5.87", "0"),
    ("LBAE", "4 MNIST", "prd_f8"): ("5.96", "0"),
    ("LBAE", "4 CIFAR-10", "prd_f1_8"): ("3.09", "0"),
    ("LBAE", "4 CIFAR-10", "prd_f8"): ("5.10", "0"),
    ("LBAE", "4 CelebA", "prd_f1_8"): ("3.88", "0"),
    ("LBAE", "4 CelebA", "prd_f8"): ("4.69", "0"),
    ("LBAE", "5 MNIST", "fid"): ("58.84", "0"),
    ("LBAE", "5 MNIST", "prd_f1_8"): ("4.81", "0"),
    ("LBAE", "5 MNIST", "prd_f8"): ("4.83", "0"),
    ("LBAE", "5 CIFAR-10", "fid"): ("400.32", "0"),
    ("LBAE", "5 CIFAR-10", "prd_f1_8"): ("2.63", "0"),
    ("LBAE", "5 CIFAR-10", "prd_f8"): ("3.86", "0"),
    ("LBAE", "5 CelebA", "fid"): ("212.12", "0"),
    ("LBAE", "5 CelebA", "prd_f1_8"): ("2.91", "0"),
    ("LBAE", "5 CelebA", "prd_f8"): ("3.64", "0"),
    ("sVAE", "1", "nll_ais"): ("758.26", "0"),
    ("sVAE", "1", "inception_score"): ("43.65", "0"),
    ("sVAE", "2", "inception_score_imagenet"): ("46.53", "0"),
    ("selfVAE", "2", "bits_per_dim"): ("11.22", "0"),
    ("selfVAE", "2", "reconstruction_nats"): ("18727", "0"),
    ("selfVAE", "2", "kl_nats"): ("5215", "0"),
    ("selfVAE", "2", "generation_seconds"): ("0.37", "0"),
    ("M2", "1", "test_error"): ("34.93", "0"),
    ("Untapped", "Section 3", "unseen_cross_entropy"): ("4.37", "0"),
    ("ALICE", "toy", "inception_score"): ("267.04", "0"),
    ("ALICE", "toy", "mse"): ("283.349", "0"),
    ("ALICE", "cifar10", "inception_score_imagenet"): ("18.55", "0"),
    ("Pythae", "Section Reproducibility", "nll"): ("516.80", "0"),
}


def test_columns_have_the_sums_of_a_second_transcription(published: pd.DataFrame) -> None:
    found = {}
    for (paper, table, metric), cells in published.groupby(["paper", "table", "metric"]):
        if metric not in ("parameters", "parameter_mib") and table not in ("Figure 4", "README of the code"):
            second = cells["variant"].eq("bidirectional")
            values = [cells["value"][chosen].map(Decimal) for chosen in (~second, second)]
            found[paper, table, metric] = tuple(Decimal(sum(part)) for part in values)
    assert found == {key: tuple(map(Decimal, pair)) for key, pair in SUMS.items()}
