"""A column of a table, and the columns that make up one kind of table."""

from dataclasses import dataclass

from report.names import PAIR, VARIANTS

GENERATIVE = "Generative task"
RECONSTRUCTION = "Reconstruction and classification"
INCEPTION = "inception2048"


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


def by_sampler(
    metric: str,
    header: str,
    decimals: int,
    samplers: tuple[tuple[str, str], ...],
    features: str | None = None,
    group: str = GENERATIVE,
    within: str = "",
) -> tuple[Column, ...]:
    """Return a metric's column for each sampler (name, heading), with its printed value where features are named.

    `within` is the beginning of a setting without printed values, "KEY=VALUE;".
    """
    within = f"features={features};" if features else within
    columns = ((f"{within}sampler={s}", f"{header}\n{label}") for s, label in samplers)
    return tuple(
        Column(metric, setting, text, decimals, group, printed_setting=setting if features else None)
        for setting, text in columns
    )
