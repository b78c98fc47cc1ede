"""Which numbers a table shows, in which order, under which heading: one entry in TABLES per kind of table."""

from report.tables.density_columns import PRIORS, SELF_SUPERVISED
from report.tables.layout import GENERATIVE, INCEPTION, RECONSTRUCTION, Column, Layout, by_sampler
from report.tables.symmetric_columns import BINARY, COLOUR, POINTS

_EFFICIENTNET = "features=efficientnet-lite0;"
_SAMPLERS = (("normal", "N(0, I)"), ("gmm", "GMM"))


def _fid(features: str, size: str) -> tuple[Column, ...]:
    return tuple(
        Column(
            metric="fid",
            setting=f"features={features};sampler={sampler}",
            header=f"FID-{size}\n{label}",
            decimals=3,
            group=GENERATIVE,
            printed_setting="" if (size, sampler) == ("64", "normal") else None,
        )
        for sampler, label in _SAMPLERS
    )


_BVAE = Layout(
    columns=(
        Column("parameters", "", "Parameters", 0, style="count", printed_setting="", comparable=False),
        Column("parameter_mib", "", "MiB", 1, printed_setting="", comparable=False),
        Column("nll", "", "NLL", 2, GENERATIVE, printed_setting="", image_error=True),
        Column("active_units", "", "AU", 1, GENERATIVE, printed_setting=""),
        *_fid("inception64", "64"),
        *_fid("inception2048", "2048"),
        *(Column("fd_classifier", f"sampler={s}", f"FD-classifier\n{label}", 2, GENERATIVE) for s, label in _SAMPLERS),
        *by_sampler("fd", "FD-EfficientNet", 1, _SAMPLERS, within=_EFFICIENTNET),
        *by_sampler("coverage", "Coverage", 3, _SAMPLERS[:1], within=_EFFICIENTNET),
        Column("psnr", "reconstruction=sample", "PSNR", 2, RECONSTRUCTION, printed_setting="reconstruction=sample"),
        Column("ssim", "reconstruction=sample", "SSIM", 4, RECONSTRUCTION, printed_setting="reconstruction=sample"),
        Column("rfid", "features=inception64", "rFID-64", 3, RECONSTRUCTION, printed_setting=""),
        Column("rfid", "features=inception2048", "rFID-2048", 3, RECONSTRUCTION),
        Column("rfd_classifier", "", "rFD-classifier", 2, RECONSTRUCTION),
        Column("rfd", "features=efficientnet-lite0", "rFD-EfficientNet", 1, RECONSTRUCTION),
        *(
            Column("probe_accuracy", f"probe={p}", header, 2, RECONSTRUCTION, "percent", printed_setting=f"probe={p}")
            for p, header in (
                ("linear", "Accuracy"),
                ("mlp256", "Accuracy\n(256 units)"),
                ("mlp100", "Accuracy\n(100 units)"),
            )
        ),
        Column("seconds_per_epoch", "", "s/epoch", 2, comparable=False),
    )
)

_STAGES = (("two-stage", "second VAE"), ("two-stage-corrected", "second VAE, corrected"))
_OF_BITS = (("hyperplane", "hyperplane"), ("rounding", "rounding"), ("coins", "coins"))
_DRAWS = (("normal", "N(0, I)"), ("gmm", "GMM"), *_STAGES, *_OF_BITS, ("gaussian", "N(μ, Σ)"))
_FITTED = (("gmm", "GMM"), ("hyperplane", "hyperplane"))
_PROTOCOLS = (("code", "code's protocol"), ("figure", "Figure 10's"), ("interior", "steps alone"))
_CODES = "Codes"


def _interpolated(metric: str, header: str, features: str | None = None) -> tuple[Column, ...]:
    """Columns of interpolations; the paper's number is that of its code's protocol."""
    within = f"features={features};" if features else ""
    printed = {"code": f"features={features}"} if features else {}
    return tuple(
        Column(metric, f"{within}protocol={p}", f"{header}\n{label}", 2, RECONSTRUCTION, printed_setting=printed.get(p))
        for p, label in _PROTOCOLS
    )


_LBAE = Layout(
    columns=(
        Column("parameters", "", "Parameters", 0, style="count", comparable=False),
        Column("code_bits", "", "Code\n(bits)", 0, comparable=False),
        *by_sampler("fid", "FID-2048", 2, _DRAWS, features=INCEPTION),
        *by_sampler("fd_classifier", "FD-classifier", 2, _DRAWS),
        *by_sampler("kid", "KID × 10³", 2, _DRAWS, features=INCEPTION),
        *by_sampler("prd_f8", "PRD F8 (recall)", 3, _DRAWS, features=INCEPTION),
        *by_sampler("prd_f8_classifier", "PRD F8 (recall), classifier", 3, _FITTED),
        *by_sampler("prd_f1_8", "PRD F1/8 (precision)", 3, _DRAWS, features=INCEPTION),
        *by_sampler("prd_f1_8_classifier", "PRD F1/8 (precision), classifier", 3, _FITTED),
        *by_sampler("class_tv", "Class TV", 3, _FITTED),
        Column("psnr", "reconstruction=mean", "PSNR", 2, RECONSTRUCTION),
        Column("ssim", "reconstruction=mean", "SSIM", 4, RECONSTRUCTION),
        *(
            Column(m, f"features={INCEPTION}", h, 2, RECONSTRUCTION, printed_setting=f"features={INCEPTION}")
            for m, h in (("rfid", "rFID-2048"), ("rkid", "rKID × 10³"))
        ),
        Column("rfd_classifier", "", "rFD-classifier", 2, RECONSTRUCTION),
        *_interpolated("ifid", "iFID-2048", INCEPTION),
        *_interpolated("ifd_classifier", "iFD-classifier"),
        Column("probe_accuracy", "probe=linear", "Accuracy", 2, RECONSTRUCTION, "percent"),
        *by_sampler("bit_sum_tv", "Bit-sum TV", 4, _OF_BITS, group=_CODES),
        Column("bit_sum_floor", "sampler=hyperplane", "Bit-sum TV\nfloor", 4, _CODES, comparable=False),
        *by_sampler("moment_error", "Moment error", 4, _OF_BITS[:2], group=_CODES),
        Column("repair_error", "", "Moment error\nof the repair", 4, _CODES),
        Column("least_eigenvalue", "", "Least eigenvalue\nof the Gram matrix", 4, _CODES, comparable=False),
        Column("inversion_share", "inversion=paper", "Inverted", 2, _CODES, "percent"),
        Column("inversion_steps", "inversion=paper", "Inversion\nsteps", 2, _CODES),
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
        Column("nll", "", "NLL", 2, GENERATIVE, image_error=True),
        *by_sampler("fd_classifier", "FD-classifier", 2, (("own", "own sampler"), ("gmm", "GMM"))),
        Column("kd_classifier", "sampler=own", "KD-classifier × 10³\nown sampler", 1, GENERATIVE),
        Column("prd_f8_classifier", "sampler=own", "PRD F8 (recall)\nown sampler", 3, GENERATIVE),
        Column("prd_f1_8_classifier", "sampler=own", "PRD F1/8 (precision)\nown sampler", 3, GENERATIVE),
        Column("psnr", "reconstruction=mean", "PSNR", 2, RECONSTRUCTION),
        Column("rfd_classifier", "", "rFD-classifier", 2, RECONSTRUCTION),
        Column("probe_accuracy", "probe=linear", "Accuracy", 2, RECONSTRUCTION, "percent"),
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
    *_STAGES,
    ("maf", "MAF"),
    ("iaf", "IAF"),
    ("gaussian", "N(μ, Σ)"),
)
_PYTHAE = Layout(
    columns=(
        Column("parameters", "", "Parameters", 0, style="count", comparable=False),
        Column("nll", "", "NLL", 2, GENERATIVE, image_error=True),
        Column("neg_elbo", "", "-ELBO", 2, GENERATIVE, image_error=True),
        Column("active_units", "", "AU", 1, GENERATIVE),
        *by_sampler("fid", "FID-2048", 2, _PYTHAE_DRAWS, features=INCEPTION),
        *by_sampler("fd_classifier", "FD-classifier", 2, _PYTHAE_DRAWS),
        Column("psnr", "reconstruction=mean", "PSNR", 2, RECONSTRUCTION),
        Column("ssim", "reconstruction=mean", "SSIM", 4, RECONSTRUCTION),
        Column("rfd_classifier", "", "rFD-classifier", 2, RECONSTRUCTION),
        Column("probe_accuracy", "probe=linear", "Accuracy", 2, RECONSTRUCTION, "percent"),
        Column("seconds_per_epoch", "", "s/epoch", 2, comparable=False),
    ),
    variants=("stock", "corrected", "bidirectional"),
    pair=("stock", "bidirectional"),
)

_ANCHORS = Layout(
    columns=(
        Column("parameters", "", "Parameters", 0, style="count", comparable=False),
        Column("nll", "", "NLL", 2, GENERATIVE, printed_setting="", image_error=True),
        Column("neg_elbo", "", "-ELBO", 2, GENERATIVE, image_error=True),
        Column("active_units", "", "AU", 1, GENERATIVE),
        Column("seconds_per_epoch", "", "s/epoch", 2, comparable=False),
    ),
    variants=("stock", "corrected"),
    pair=("stock", "corrected"),
)

_DISENTANGLED = "Disentanglement"
_FACTORS = Layout(
    columns=(
        Column("parameters", "", "Parameters", 0, style="count", comparable=False),
        Column("mig", "", "MIG", 3, _DISENTANGLED),
        Column("sap", "", "SAP", 3, _DISENTANGLED),
        Column("factor_vae_score", "", "FactorVAE score", 1, _DISENTANGLED, "percent"),
        Column("dci_disentanglement", "", "DCI\nD", 3, _DISENTANGLED),
        Column("dci_completeness", "", "DCI\nC", 3, _DISENTANGLED),
        Column("dci_informativeness", "", "DCI\nI", 1, _DISENTANGLED, "percent"),
        Column("active_units", "", "AU", 1),
        Column("neg_elbo", "", "-ELBO", 2, GENERATIVE, image_error=True),
        Column("psnr", "reconstruction=mean", "PSNR", 2, RECONSTRUCTION),
        Column("probe_accuracy", "probe=linear", "Accuracy", 2, RECONSTRUCTION, "percent"),
        Column("seconds_per_epoch", "", "s/epoch", 2, comparable=False),
    ),
    variants=("stock", "corrected", "bidirectional", "control"),
    pair=("stock", "bidirectional"),
)

TABLES: dict[str, Layout] = {
    "bvae": _BVAE,
    "lbae": _LBAE,
    "all": _ALL,
    "untapped": _UNTAPPED,
    "pythae": _PYTHAE,
    "svae": BINARY,
    "svae-colour": COLOUR,
    "svae-toy": POINTS,
    "anchors": _ANCHORS,
    "priors": PRIORS,
    "selfvae": SELF_SUPERVISED,
    "factors": _FACTORS,
}
