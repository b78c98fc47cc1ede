"""The tables of the symmetric VAE's study: points of the plane, binary and colour images."""

from report.tables.layout import GENERATIVE, INCEPTION, RECONSTRUCTION, Column, Layout, by_sampler

_PARAMETERS = Column("parameters", "", "Parameters", 0, style="count", comparable=False)
_SCORE = Column("inception_score", "", "Inception score", 2, printed_setting="", image_error=True)
_SCORE_OF_IMAGES = Column("inception_score_test", "", "Inception score\ntest images", 2, comparable=False)
_ACCURACY = Column("score_classifier_accuracy", "", "its classifier's\naccuracy", 2, style="percent", comparable=False)
_ERROR = Column("mse", "", "MSE", 4, printed_setting="")
_SECONDS = Column("seconds_per_epoch", "", "s/epoch", 2, comparable=False)

POINTS = Layout((_SCORE, _ERROR), trials=True)

BINARY = Layout(
    columns=(
        _PARAMETERS,
        Column("nll_ais", "", "NLL (AIS)", 2, printed_setting="", image_error=True),
        Column("bdmc_lower", "", "BDMC lower\n(own images)", 2, image_error=True, comparable=False),
        Column("bdmc_upper", "", "BDMC upper\n(own images)", 2, image_error=True, comparable=False),
        Column("bdmc_gap", "", "BDMC gap", 2, image_error=True, comparable=False),
        Column("nll", "", "NLL (IW)", 2, image_error=True),
        _SCORE,
        _SCORE_OF_IMAGES,
        _ACCURACY,
        Column("fd_classifier", "sampler=normal", "FD-classifier", 2),
        _ERROR,
        _SECONDS,
    )
)

_PRIOR = (("normal", "prior"),)
COLOUR = Layout(
    columns=(
        _PARAMETERS,
        Column("inception_score_imagenet", "", "Inception score", 2, GENERATIVE, printed_setting="", image_error=True),
        Column("inception_score", "", "Score by the\nown classifier", 2, GENERATIVE, image_error=True),
        Column("inception_score_test", "", "the same of\ntest images", 2, GENERATIVE, comparable=False),
        Column("score_classifier_accuracy", "", "its accuracy", 2, GENERATIVE, "percent", comparable=False),
        *by_sampler("fid", "FID-2048", 2, _PRIOR, features=INCEPTION),
        *by_sampler("fd_classifier", "FD-classifier", 2, _PRIOR),
        Column("mse", "", "MSE", 4, RECONSTRUCTION, printed_setting=""),
        Column("rfd_classifier", "", "rFD-classifier", 2, RECONSTRUCTION),
        _SECONDS,
    )
)
