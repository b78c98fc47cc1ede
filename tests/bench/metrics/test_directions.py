"""Which way each metric is better, and its unit, written out from what it measures."""

from bench.metrics import METRICS

LOWER = {
    "nll": "nats",
    "neg_elbo": "nats",
    "nll_ais": "nats",
    "bdmc_gap": "nats",
    "bits_per_dim": "bits",
    "reconstruction_nats": "nats",
    "generation_seconds": "s",
    "seconds_per_epoch": "s",
    "parameters": "",
    "parameter_mib": "MiB",
    "code_bits": "bits",
    "sent_bits": "bits",
    "mse": "",
    "fid": "",
    "rfid": "",
    "ifid": "",
    "fd_classifier": "",
    "rfd_classifier": "",
    "ifd_classifier": "",
    "kid": "",
    "rkid": "",
    "kd_classifier": "",
    "rkd_classifier": "",
    "fd": "",
    "rfd": "",
    "kd": "",
    "fd_own": "",
    "rfd_own": "",
    "kd_own": "",
    "class_tv": "",
    "bit_sum_tv": "",
    "moment_error": "",
    "repair_error": "",
    "slerp_deviation": "",
    "slerp_spread": "",
    "unseen_cross_entropy": "nats",
    "test_error": "%",
    "round_trip_distance": "",
}
HIGHER = {
    "mig": "",
    "sap": "",
    "factor_vae_score": "%",
    "dci_disentanglement": "",
    "dci_completeness": "",
    "dci_informativeness": "%",
    "active_units": "units",
    "psnr": "dB",
    "psnr_backwards": "dB",
    "mode_psnr": "dB",
    "ssim": "",
    "mode_ssim": "",
    "prd_f8": "",
    "prd_f1_8": "",
    "prd_f8_classifier": "",
    "prd_f1_8_classifier": "",
    "prd_f8_network": "",
    "prd_f1_8_network": "",
    "density": "",
    "coverage": "",
    "prd_f8_own": "",
    "prd_f1_8_own": "",
    "density_own": "",
    "coverage_own": "",
    "class_score": "",
    "inception_score": "",
    "inception_score_imagenet": "",
    "probe_accuracy": "%",
    "inversion_share": "%",
    "edit_share": "%",
    "unseen_accuracy": "%",
    "unseen_found": "",
    "round_trip_classes": "%",
}
NONE = {  # a reference beside another number, or a part of a sum
    "kl_nats": "nats",
    "level_nats": "nats",
    "bit_sum_floor": "",
    "least_eigenvalue": "",
    "bdmc_lower": "nats",
    "bdmc_upper": "nats",
    "inception_score_test": "",
    "score_classifier_accuracy": "%",
}


def test_every_metric_is_better_in_the_direction_of_what_it_measures() -> None:
    expected = dict.fromkeys(LOWER, "lower") | dict.fromkeys(HIGHER, "higher") | dict.fromkeys(NONE, "none")
    assert {name: metric.direction for name, metric in METRICS.items()} == expected


def test_every_metric_has_the_unit_of_what_it_measures() -> None:
    assert {name: metric.unit for name, metric in METRICS.items()} == LOWER | HIGHER | NONE
