"""The table as data: cells that know the runs behind them, lines, and the whole."""

from dataclasses import dataclass

from report.tables.layout import Column


@dataclass(frozen=True)
class Cell:
    """One entry: the mean over `n` seeds, what a reader sees of it, and what stands behind it."""

    value: float | None
    measured: str  # the measured part of what is shown
    n: int = 0
    half_width: float | None = None  # of the 95% t-interval over seeds
    standard_error: float | None = None  # over images, where there is one seed
    best: bool = False  # the resolved better one of its pair
    note: int | None = None  # index into Table.notes
    printed: str = ""  # the published value, as printed
    printed_value: float | None = None  # the same in the unit of `value`

    @property
    def printed_difference(self) -> float | None:
        """Measured minus printed, in the unit of `value`."""
        return None if self.value is None or self.printed_value is None else self.value - self.printed_value

    @property
    def display(self) -> str:
        """The entry as plain text: "86.72 ± 0.11 (86.69)"."""
        return f"{self.measured} ({self.printed})".lstrip() if self.printed else self.measured


@dataclass(frozen=True)
class Line:
    """One row and variant: the runs it stands on and its cells, in the order of the table's columns.

    A line that only the paper has stands on no run; its status is "printed", that of training images or noise "anchor".
    """

    row: str
    variant: str
    label: str
    seeds: tuple[int, ...]
    statuses: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A finished table; `arrows` say which way is better, column by column."""

    suite: str
    dataset: str
    preset: str
    settings: str  # what was run, as the caption says it
    caption: str
    remarks: tuple[str, ...]  # sentences below the table
    columns: tuple[Column, ...]
    arrows: tuple[str, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    unlike_printed: str = ""  # how the settings differ from those of the printed values
