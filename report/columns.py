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
    """The columns of one kind of table, the order of variants inside a row, and the pair that is compared."""

    columns: tuple[Column, ...]
    variants: tuple[str, ...] = VARIANTS
    pair: tuple[str, str] = PAIR


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

_CODES = (
    ("normal", "N(0, I)"),
    ("gmm", "GMM"),
    ("hyperplane", "hyperplane"),
    ("rounding", "rounding"),
    ("coins", "coins"),
)
_FITTED = (("gmm", "GMM"), ("hyperplane", "hyperplane"))


def _by_sampler(metric: str, header: str, decimals: int, samplers: tuple[tuple[str, str], ...]) -> tuple[Column, ...]:
    return tuple(Column(metric, f"sampler={s}", f"{header}\n{label}", decimals, _GENERATIVE) for s, label in samplers)


_LBAE = Layout(
    columns=(
        Column("parameters", "", "Parameters", 0, style="count", comparable=False),
        *_by_sampler("fd_classifier", "FD-classifier", 2, _CODES),
        *_by_sampler("prd_f8_classifier", "PRD F8 (recall)", 3, _FITTED),
        *_by_sampler("prd_f1_8_classifier", "PRD F1/8 (precision)", 3, _FITTED),
        *_by_sampler("class_tv", "Class TV", 3, _FITTED),
        Column("psnr", "reconstruction=mean", "PSNR", 2, _RECONSTRUCTION),
        Column("ssim", "reconstruction=mean", "SSIM", 4, _RECONSTRUCTION),
        Column("rfd_classifier", "", "rFD-classifier", 2, _RECONSTRUCTION),
        Column("probe_accuracy", "probe=linear", "Accuracy", 2, _RECONSTRUCTION, "percent"),
        Column("seconds_per_epoch", "", "s/epoch", 2, comparable=False),
    )
)

TABLES: dict[str, Layout] = {"bvae": _BVAE, "lbae": _LBAE}
