"""Which numbers a table shows, in which order, under which heading: one entry in TABLES per kind of table."""

from dataclasses import dataclass

from report.names import PAIR, VARIANTS


@dataclass(frozen=True)
class Column:
    """One metric at one setting, its heading, and how its numbers are written."""

    metric: str
    setting: str
    header: str  # may break in two lines
    decimals: int
    group: str = ""
    style: str = "plain"  # plain | percent | count
    printed_setting: str | None = None  # the setting of its counterpart in published.csv; None: it has none
    comparable: bool = True  # whether its spread over seeds is shown and the better of a pair set in bold
    image_error: bool = False  # whether one seed's number is shown with its standard error over images

    @property
    def key(self) -> str:
        """The column's name in CSV: "psnr[reconstruction=sample]"."""
        return f"{self.metric}[{self.setting}]" if self.setting else self.metric

    def show(self, value: float) -> str:
        """Write a number of this column (percent columns take percent)."""
        if self.style == "count":
            return f"{value / 1e6:.2f}M" if value >= 1e6 else f"{value / 1e3:.1f}k" if value >= 1e3 else f"{value:.0f}"
        return f"{value:.{self.decimals}f}" + ("%" if self.style == "percent" else "")

    def show_interval(self, value: float, half_width: float) -> str:
        """Write a number and what is to be put on either side of it: "95.11 ± 0.45%"."""
        return f"{value:.{self.decimals}f} ± {self.show(half_width)}"


@dataclass(frozen=True)
class Layout:
    """The columns of one kind of table, the order of variants inside a row, and the pair that is compared.

    With `trials`, every seed's number in the comparable columns is listed in files of their own.
    """

    columns: tuple[Column, ...]
    variants: tuple[str, ...] = VARIANTS
    pair: tuple[str, str] = PAIR
    trials: bool = False


_GENERATIVE = "Generative task"
_RECONSTRUCTION = "Reconstruction and classification"
_SAMPLERS = (("normal", "N(0, I)"), ("gmm", "GMM"))


def _fid(features: str, size: str) -> tuple[Column, ...]:
    return tuple(
        Column(
            metric="fid",
            setting=f"features={features};sampler={sampler}",
            header=f"FID-{size}\n{label}",
            decimals=3,
            group=_GENERATIVE,
            printed_setting="" if (size, sampler) == ("64", "normal") else None,
        )
        for sampler, label in _SAMPLERS
    )


_BVAE = Layout(
    columns=(
        Column("parameters", "", "Parameters", 0, style="count", printed_setting="", comparable=False),
        Column("nll", "", "NLL", 2, _GENERATIVE, printed_setting="", image_error=True),
        Column("active_units", "", "AU", 1, _GENERATIVE, printed_setting=""),
        *_fid("inception64", "64"),
        *_fid("inception2048", "2048"),
        *(Column("fd_classifier", f"sampler={s}", f"FD-classifier\n{label}", 2, _GENERATIVE) for s, label in _SAMPLERS),
        Column("psnr", "reconstruction=sample", "PSNR", 2, _RECONSTRUCTION, printed_setting="reconstruction=sample"),
        Column("ssim", "reconstruction=sample", "SSIM", 4, _RECONSTRUCTION, printed_setting="reconstruction=sample"),
        Column("rfid", "features=inception64", "rFID-64", 3, _RECONSTRUCTION, printed_setting=""),
        Column("rfid", "features=inception2048", "rFID-2048", 3, _RECONSTRUCTION),
        Column("rfd_classifier", "", "rFD-classifier", 2, _RECONSTRUCTION),
        *(
            Column("probe_accuracy", f"probe={p}", header, 2, _RECONSTRUCTION, "percent", printed_setting=f"probe={p}")
            for p, header in (
                ("linear", "Accuracy"),
                ("mlp256", "Accuracy\n(256 units)"),
                ("mlp100", "Accuracy\n(100 units)"),
            )
        ),
        Column("seconds_per_epoch", "", "s/epoch", 2, comparable=False),
    )
)

_DRAWS = (
    ("normal", "N(0, I)"),
    ("gmm", "GMM"),
    ("two-stage", "second VAE"),
    ("hyperplane", "hyperplane"),
    ("rounding", "rounding"),
    ("coins", "coins"),
)
_FITTED = (("gmm", "GMM"), ("hyperplane", "hyperplane"))
_PROTOCOLS = (("code", "code's protocol"), ("figure", "Figure 10's"), ("interior", "steps alone"))
_CODES = "Codes"


def _by_sampler(
    metric: str,
    header: str,
    decimals: int,
    samplers: tuple[tuple[str, str], ...] = _DRAWS,
    features: str | None = None,
    group: str = _GENERATIVE,
) -> tuple[Column, ...]:
    within = f"features={features};" if features else ""
    columns = ((f"{within}sampler={s}", f"{header}\n{label}") for s, label in samplers)
    return tuple(
        Column(metric, setting, text, decimals, group, printed_setting=setting if features else None)
        for setting, text in columns
    )


def _interpolated(metric: str, header: str, features: str | None = None) -> tuple[Column, ...]:
    """Columns of interpolations; the paper's number is that of its code's protocol."""
    within = f"features={features};" if features else ""
    printed = {"code": f"features={features}"} if features else {}
    return tuple(
        Column(
            metric, f"{within}protocol={p}", f"{header}\n{label}", 2, _RECONSTRUCTION, printed_setting=printed.get(p)
        )
        for p, label in _PROTOCOLS
    )


_INCEPTION = "inception2048"
_LBAE = Layout(
    columns=(
        Column("parameters", "", "Parameters", 0, style="count", comparable=False),
        Column("code_bits", "", "Code\n(bits)", 0, comparable=False),
        *_by_sampler("fid", "FID-2048", 2, features=_INCEPTION),
        *_by_sampler("fd_classifier", "FD-classifier", 2),
        *_by_sampler("kid", "KID × 10³", 2, features=_INCEPTION),
        *_by_sampler("prd_f8", "PRD F8 (recall)", 3, features=_INCEPTION),
        *_by_sampler("prd_f8_classifier", "PRD F8 (recall), classifier", 3, _FITTED),
        *_by_sampler("prd_f1_8", "PRD F1/8 (precision)", 3, features=_INCEPTION),
        *_by_sampler("prd_f1_8_classifier", "PRD F1/8 (precision), classifier", 3, _FITTED),
        *_by_sampler("class_tv", "Class TV", 3, _FITTED),
        Column("psnr", "reconstruction=mean", "PSNR", 2, _RECONSTRUCTION),
        Column("ssim", "reconstruction=mean", "SSIM", 4, _RECONSTRUCTION),
        *(
            Column(m, f"features={_INCEPTION}", h, 2, _RECONSTRUCTION, printed_setting=f"features={_INCEPTION}")
            for m, h in (("rfid", "rFID-2048"), ("rkid", "rKID × 10³"))
        ),
        Column("rfd_classifier", "", "rFD-classifier", 2, _RECONSTRUCTION),
        *_interpolated("ifid", "iFID-2048", _INCEPTION),
        *_interpolated("ifd_classifier", "iFD-classifier"),
        Column("probe_accuracy", "probe=linear", "Accuracy", 2, _RECONSTRUCTION, "percent"),
        *_by_sampler("bit_sum_tv", "Bit-sum TV", 4, _DRAWS[3:], group=_CODES),
        Column("bit_sum_floor", "sampler=hyperplane", "Bit-sum TV\nfloor", 4, _CODES, comparable=False),
        *_by_sampler("moment_error", "Moment error", 4, _DRAWS[3:5], group=_CODES),
        Column("inversion_share", "inversion=paper", "Inverted", 2, _CODES, "percent"),
        Column("slerp_deviation", "inversion=paper", "SLERP\ndeviation", 4, _CODES),
        Column("slerp_deviation", "inversion=inverse", "SLERP deviation\ninverse of V", 4, _CODES),
        Column("edit_share", "threshold=0.1", "Edits", 2, _CODES, "percent"),
        Column("seconds_per_epoch", "", "s/epoch", 2, comparable=False),
    )
)

_ALL = Layout(
    columns=(
        Column("parameters", "", "Parameters", 0, style="count", comparable=False),
        Column("code_bits", "", "Code bits", 0, comparable=False),
        Column("seconds_per_epoch", "", "s/epoch", 2, comparable=False),
        *_by_sampler("fd_classifier", "FD-classifier", 2, (("own", "own sampler"), ("gmm", "GMM"))),
        Column("kd_classifier", "sampler=own", "KD-classifier\nown sampler", 0, _GENERATIVE),
        Column("prd_f8_classifier", "sampler=own", "PRD F8 (recall)\nown sampler", 3, _GENERATIVE),
        Column("prd_f1_8_classifier", "sampler=own", "PRD F1/8 (precision)\nown sampler", 3, _GENERATIVE),
        Column("psnr", "reconstruction=mean", "PSNR", 2, _RECONSTRUCTION),
        Column("rfd_classifier", "", "rFD-classifier", 2, _RECONSTRUCTION),
        Column("probe_accuracy", "probe=linear", "Accuracy", 2, _RECONSTRUCTION, "percent"),
    )
)

_UNSEEN = "Classes without labels"
_ROUND_TRIP = "Decoded and encoded"
_UNTAPPED = Layout(
    columns=(
        Column("parameters", "", "Parameters", 0, style="count", comparable=False),
        Column("unseen_cross_entropy", "assignment=paper", "Cross-entropy", 2, _UNSEEN, printed_setting=""),
        Column("unseen_cross_entropy", "assignment=optimal", "Cross-entropy\noptimal assignment", 2, _UNSEEN),
        Column("unseen_accuracy", "assignment=paper", "Accuracy", 1, _UNSEEN, "percent"),
        Column("unseen_accuracy", "assignment=optimal", "Accuracy\noptimal assignment", 1, _UNSEEN, "percent"),
        Column("unseen_found", "", "Classes found", 1, _UNSEEN),
        Column("test_error", "", "Test error", 2, style="percent", printed_setting=""),
        Column("round_trip_classes", "", "Same y", 1, _ROUND_TRIP, "percent"),
        Column("round_trip_distance", "", "Distance of z", 3, _ROUND_TRIP),
        Column("seconds_per_epoch", "", "s/epoch", 2, comparable=False),
    ),
    trials=True,
)

_PYTHAE_DRAWS = (
    ("own", "own sampler"),
    ("normal", "prior"),
    ("gmm", "GMM"),
    ("two-stage", "second VAE"),
    ("maf", "MAF"),
    ("iaf", "IAF"),
)
_PYTHAE = Layout(
    columns=(
        Column("parameters", "", "Parameters", 0, style="count", comparable=False),
        Column("nll", "", "NLL", 2, _GENERATIVE, image_error=True),
        Column("neg_elbo", "", "-ELBO", 2, _GENERATIVE, image_error=True),
        Column("active_units", "", "AU", 1, _GENERATIVE),
        *_by_sampler("fid", "FID-2048", 2, _PYTHAE_DRAWS, features=_INCEPTION),
        *_by_sampler("fd_classifier", "FD-classifier", 2, _PYTHAE_DRAWS),
        Column("psnr", "reconstruction=mean", "PSNR", 2, _RECONSTRUCTION),
        Column("ssim", "reconstruction=mean", "SSIM", 4, _RECONSTRUCTION),
        Column("rfd_classifier", "", "rFD-classifier", 2, _RECONSTRUCTION),
        Column("probe_accuracy", "probe=linear", "Accuracy", 2, _RECONSTRUCTION, "percent"),
        Column("seconds_per_epoch", "", "s/epoch", 2, comparable=False),
    ),
    variants=("stock", "corrected", "bidirectional"),
    pair=("stock", "bidirectional"),
)

_BOUND = "Bound in nats"
_PRIORS = Layout(
    columns=(
        Column("bits_per_dim", "", "Bits/dim", 4, printed_setting="", image_error=True),
        Column("nll", "", "NLL", 2, _BOUND, image_error=True),
        Column("reconstruction_nats", "", "RE", 2, _BOUND, printed_setting="", image_error=True),
        Column("kl_nats", "", "KL", 2, _BOUND, printed_setting="", image_error=True),
        Column("active_units", "", "AU", 1),
        Column("parameters", "", "Parameters", 0, style="count", printed_setting="", comparable=False),
        *(
            Column(
                "generation_seconds",
                f"images={n}",
                f"s for\n{text}",
                5,
                printed_setting=f"images={n}",
                comparable=False,
            )
            for n, text in (("1", "1 image"), ("100", "100 images"))
        ),
        *_by_sampler("fid", "FID-2048", 2, (("normal", "own prior"),), features=_INCEPTION),
        *_by_sampler("kid", "KID × 10³", 2, (("normal", "own prior"),), features=_INCEPTION),
        *_by_sampler("fd_classifier", "FD-classifier", 2, (("normal", "own prior"),)),
        *_by_sampler("kd_classifier", "KD-classifier × 10³", 0, (("normal", "own prior"),)),
        Column("psnr", "reconstruction=mean", "PSNR", 2, _RECONSTRUCTION),
        Column("probe_accuracy", "probe=linear", "Accuracy", 2, _RECONSTRUCTION, "percent"),
    )
)

_ANCHORS = Layout(
    columns=(
        Column("parameters", "", "Parameters", 0, style="count", comparable=False),
        Column("nll", "", "NLL", 2, _GENERATIVE, printed_setting="", image_error=True),
        Column("neg_elbo", "", "-ELBO", 2, _GENERATIVE, image_error=True),
        Column("active_units", "", "AU", 1, _GENERATIVE),
        Column("seconds_per_epoch", "", "s/epoch", 2, comparable=False),
    ),
    variants=("stock", "corrected"),
    pair=("stock", "corrected"),
)

_SCORE = Column("inception_score", "", "Inception score", 2, printed_setting="", image_error=True)
_ERROR = Column("mse", "", "MSE", 4, printed_setting="")
_SVAE_TOY = Layout((_SCORE, _ERROR), trials=True)
_SVAE = Layout(
    columns=(
        Column("parameters", "", "Parameters", 0, style="count", comparable=False),
        Column("nll_ais", "", "NLL (AIS)", 2, printed_setting="", image_error=True),
        Column("bdmc_gap", "", "BDMC gap", 2, image_error=True, comparable=False),
        Column("nll", "", "NLL (IW)", 2, image_error=True),
        _SCORE,
        Column("inception_score_test", "", "Inception score\ntest images", 2, comparable=False),
        Column("score_classifier_accuracy", "", "its classifier's\naccuracy", 2, style="percent", comparable=False),
        Column("fd_classifier", "sampler=normal", "FD-classifier", 2),
        _ERROR,
        Column("seconds_per_epoch", "", "s/epoch", 2, comparable=False),
    )
)

TABLES: dict[str, Layout] = {
    "bvae": _BVAE,
    "lbae": _LBAE,
    "all": _ALL,
    "untapped": _UNTAPPED,
    "pythae": _PYTHAE,
    "svae": _SVAE,
    "svae-toy": _SVAE_TOY,
    "anchors": _ANCHORS,
    "priors": _PRIORS,
}
