"""The tables of models as densities: learned priors (Table 2, selfVAE), and self-supervised VAEs beside them."""

from report.tables.layout import INCEPTION, RECONSTRUCTION, Column, Layout, by_sampler

_BOUND = "Bound in nats"
_LEVELS = "Bound in nats, level by level"
_PRIOR = (("normal", "own prior"),)
_BITS = Column("bits_per_dim", "", "Bits/dim", 4, printed_setting="", image_error=True)
_TERMS = (
    Column("nll", "", "NLL", 2, _BOUND, image_error=True),
    Column("reconstruction_nats", "", "RE", 2, _BOUND, printed_setting="", image_error=True),
    Column("kl_nats", "", "KL", 2, _BOUND, printed_setting="", image_error=True),
)
_COST = (
    Column("parameters", "", "Parameters", 0, style="count", printed_setting="", comparable=False),
    *(
        Column("generation_seconds", s, f"s for\n{text}", 5, printed_setting=s, comparable=False)
        for s, text in (("images=1", "1 image"), ("images=100", "100 images"))
    ),
)
_SAMPLES = (
    *by_sampler("fid", "FID-2048", 2, _PRIOR, features=INCEPTION),
    *by_sampler("kid", "KID × 10³", 2, _PRIOR, features=INCEPTION),
    *by_sampler("fd_classifier", "FD-classifier", 2, _PRIOR),
    *by_sampler("kd_classifier", "KD-classifier × 10³", 1, _PRIOR),
)
_CODES = (
    Column("psnr", "reconstruction=mean", "PSNR", 2, RECONSTRUCTION),
    Column("probe_accuracy", "probe=linear", "Accuracy", 2, RECONSTRUCTION, "percent"),
)

PRIORS = Layout(columns=(_BITS, *_TERMS, Column("active_units", "", "AU", 1), *_COST, *_SAMPLES, *_CODES))

SELF_SUPERVISED = Layout(
    columns=(
        _BITS,
        *_TERMS,
        *(
            Column("level_nats", f"term={term}", header, 2, _LEVELS, image_error=True)
            for term, header in (
                ("distortion_y1", "RE of y1"),
                ("distortion_y2", "RE of y2"),
                ("kl_u", "KL of u"),
                ("kl_z1", "KL of z1"),
                ("kl_z2", "KL of z2"),
            )
        ),
        *_COST,
        *_SAMPLES,
        *_CODES,
        Column("compressed_psnr", "", "PSNR of y\nfrom u", 2, RECONSTRUCTION),
    )
)
