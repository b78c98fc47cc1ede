"""Every constant, default and setting of a suite that the papers, their code or our documents state, held to that."""

import math
from dataclasses import fields
from importlib import import_module
from inspect import signature
from typing import Any

import pytest

from bench.evaluation.annealing import Schedule
from bench.evaluation.features.score_classifier import RECIPES
from bench.study import suite
from bench.study.schema import Annealing, Evaluation, Preset
from bench.training.optimisers import TrainerConfig
from models import MODELS
from models.distributions.priors import PriorConfig
from models.networks.kinds import Convolutional
from models.networks.layers import GNoVa

CONSTANTS = {
    # annealing: Wu et al. 2016 and their code
    "bench.evaluation.annealing:RADIUS": 4.0,
    "bench.evaluation.annealing:LEAST_STEP": 1e-4,
    "bench.evaluation.annealing:MOST_STEP": 0.5,
    "bench.evaluation.annealing:ACCEPTANCE": 0.65,
    "bench.evaluation.annealing:SLOWNESS": 0.9,
    "bench.evaluation.annealing:FASTER": 1.02,
    "bench.evaluation.annealing:SLOWER": 0.98,
    # metrics: Eq. 41 of BVAE; Sajjadi et al. 2018; Salimans et al. 2016; Binkowski et al. 2018; Untapped
    "bench.metrics.units:THRESHOLD": 0.01,
    "bench.metrics.prd:CLUSTERS": 20,
    "bench.metrics.prd:ANGLES": 1001,
    "bench.metrics.prd:RUNS": 10,
    "bench.metrics.inception_score:SPLITS": 10,
    "bench.metrics.kernel:SUBSETS": 100,
    "bench.metrics.kernel:SUBSET_SIZE": 1000,
    "bench.metrics.kernel:SCALE": 1000.0,
    "bench.metrics.canonical:LEAST": 1e-6,
    "bench.metrics.pixels:SSIM_WINDOW": 11,
    # the study of bits: as the metrics' descriptions and LBAE say
    "bench.evaluation.arrays.codes:DRAWN": 50_000,
    "bench.evaluation.arrays.codes:PAIRS": 1000,
    "bench.evaluation.arrays.labels:GRID": 20,
    "bench.evaluation.arrays.densities:TIMED": 100,
    "models.lbae.paths:ROUNDS": 10,
    "models.lbae.paths:STEPS": 10,
    # classifiers: ALICE's code for the scores' one, the recipe that is stored beside the other's numbers
    "bench.evaluation.features.score_classifier:DECAY": 0.95,
    "bench.evaluation.features.score_classifier:TURN": 15.0,
    "bench.evaluation.features.score_classifier:SHIFT": (-2, 1),
    "bench.evaluation.features.classifier:BATCH": 128,
    "bench.evaluation.features.classifier:EPOCHS": 3,
    "bench.evaluation.features.classifier:LEAST_STEPS": 600,
    "bench.evaluation.features.classifier:PEAK_RATE": 4e-3,
    "bench.evaluation.features.classifier:N_FEATURES": 64,
    # samplers: as their docstrings say
    "bench.samplers.code_models:BATCH": 128,
    "bench.samplers.code_models:RATE": 1e-3,
    "bench.samplers.two_stage:EPOCHS": 60,
    "bench.samplers.two_stage:WIDTH": 256,
    "bench.samplers.flows:EPOCHS": 10,
    "bench.samplers.flows:PIXEL_EPOCHS": 30,
    "bench.samplers.flows:LAYERS": 4,
    "bench.samplers.flows:KERNEL": 3,
    # selfVAE's code
    "models.distributions.likelihoods:COMPONENTS": 10,
    "models.distributions.likelihoods:BIN": 1 / 255,
    "models.distributions.likelihoods:LEAST": -7.0,
    "models.networks.dense:REDUCTION": 8,
    "models.networks.dense_vae:LOG_VARIANCE": 7.0,
    "models.networks.weight_norm:SPREAD": 0.01,
    "models.selfvae.networks:LOG_VARIANCE": 7.0,
    # Tables 4 and 5 of sVAE; the toy data of ALICE's code
    "models.svae.colour_networks:LEAK": 0.2,
    "bench.data.drawn.mixture:VARIANCE": 0.04,
    "bench.data.drawn.mixture:SIZES": (2048, 128, 1024),
    # data: BVAE, Section IV; the draws that are the same for every run
    "bench.data.idx:VALIDATION": 6_000,
    "bench.data.splits:SPLIT_SEED": 0,
    "bench.data.splits:HELD_OUT": 0.1,
    "bench.data.celeba:TEST_SHARE": 1_017 / 10_177,
    "bench.training.engine:SELECTION_SEED": 20_000,
    "bench.evaluation.features.networks:CLASSIFIER_SEED": 0,
    "bench.evaluation.features.score_classifier:SEED": 0,
    # LBAE, Section 4 and its code; what the papers say of epochs and of CelebA
    "bench.evaluation.arrays.codes:PROTOCOLS": {
        "code": ("train", "code", True),
        "figure": ("test", "paper", True),
        "interior": ("test", "paper", False),
    },
    "report.tables.printed:_EPOCHS": {
        ("LBAE", "mnist"): 2000,
        ("LBAE", "cifar10"): 2000,
        ("LBAE", "celeba"): 500,
        ("Untapped", "mnist"): 300,
    },
    "report.tables.printed:_DATA": {
        ("BVAE", "celeba"): {"split": "identity", "preprocess": "resize"},
        ("LBAE", "celeba"): {"split": "official", "preprocess": "center-crop"},
    },
    # the study of critics; the paper's own sampler of each kind of model, the first that serves
    "bench.evaluation.critic_study:BATCH": 64,
    "bench.evaluation.critic_study:RATE": 1e-3,
    "bench.evaluation.critic_study:BETAS": (0.5, 0.999),
    "bench.samplers:OWN": ("hyperplane", "rhvae", "pixelcnn", "normal", "gmm"),
    # our choices, which the comments beside them say
    "models.distributions.likelihoods:START": -2.0,
    "models.distributions.likelihoods:MOST": 7.0,
    "models.distributions.riemannian:CHAIN": 20,
    "models.distributions.riemannian:LEAPS": 15,
    "models.distributions.riemannian:STEP": 0.03,
    "models.distributions.poincare_ball:RADIUS": 1 - 4e-3,
    "models.selfvae.sketch:WIDTH": 4.0,
    "models.selfvae.sketch:EDGE": 0.5,
    "models.selfvae.sketch:PASSES": 3,
    "models.selfvae.sketch:LEVEL": 1 / 255,
    "bench.metrics.probes:BATCH": 200,
    "bench.metrics.probes:EPOCHS": 20,
    "bench.metrics.probes:LEAST_STEPS": 2000,
    "bench.metrics.probes:RATE": 0.005,
    # claims
    "report.claims.verdicts:ALPHA": 0.05,
    "report.claims.verdicts:FEWEST": 3,
    "report.claims.verdicts:_WORTH_RUNNING": 50,
    "report.claims.noise_floor:SAME": ("VAE", "beta-TCVAE 1"),
    "report.claims.noise_floor:BY_NOISE": 0.4226,
}


@pytest.mark.parametrize("place", CONSTANTS)
def test_a_constant_is_what_is_stated(place: str) -> None:
    module, name = place.split(":")
    assert getattr(import_module(module), name) == CONSTANTS[place]


@pytest.mark.parametrize(
    ("place", "stated"),
    [
        ("report.statistics:t_interval", {"level": 0.95}),
        ("report.statistics:paired_interval", {"level": 0.95}),
        ("report.statistics:fdr_level", {"q": 0.05}),
        ("report.statistics:seeds_to_resolve", {"most": 10_000}),
        ("models.objectives:importance_weighted_terms", {"beta": 1.0}),
        ("models.lbae.paths:edit_attribute", {"threshold": 0.1}),
        ("bench.metrics.prd:curve_of_histograms", {"angles": 1001}),
    ],
)
def test_an_argument_that_is_not_given_is_what_is_stated(place: str, stated: dict[str, float]) -> None:
    module, name = place.split(":")
    parameters = signature(getattr(import_module(module), name)).parameters
    assert {argument: parameters[argument].default for argument in stated} == stated


def given(config: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(config, name) for name in names}


def test_annealing_starts_as_in_wu_et_al() -> None:
    assert Schedule() == Schedule(distributions=10_000, chains=16, leapfrog=10, first_step=0.01)
    stated = {"images": 100} | {f.name: getattr(Schedule(), f.name) for f in fields(Schedule)}
    assert Annealing().model_dump() == stated


def test_what_no_paper_states_is_one_for_every_row() -> None:
    chosen = {"batch_size": 128, "learning_rate": 1e-3, "weight_decay": 1e-4, "pct_start": 0.3, "schedule": "onecycle"}
    adam = {"adam_epsilon": 1e-8, "adam_beta1": 0.9, "clip_norm": None, "clip_value": None}
    preset = Preset(latent_dim=2, network={}, epochs=1)
    assert given(preset, *chosen, *adam) == chosen | adam
    assert given(preset, "precision", "capture", "controls", "train_images") == {
        "precision": "auto",
        "capture": False,
        "controls": "all",
        "train_images": None,
    }
    trainer = TrainerConfig()
    stated = {"weight_decay": 1e-4, "eps": 1e-8, "betas": (0.9, 0.999)}
    assert (trainer.optimizer_cls, trainer.optimizer_params) == ("AdamW", stated)
    assert (trainer.scheduler_cls, trainer.scheduler_params) == ("OneCycleLR", {"pct_start": 0.3})
    assert (trainer.per_device_train_batch_size, trainer.learning_rate, trainer.num_epochs) == (128, 1e-3, 100)
    assert trainer.seed == 0


def test_an_evaluation_takes_what_the_documents_say() -> None:
    numbers = {"nll_samples": 100, "nll_images": 1000, "images": 10_000, "gmm_components": 10, "gmm_images": 10_000}
    others = {"tsne_images": 1000, "tsne_seeds": (0,), "probes": ("linear",), "samplers": ("normal", "gmm")}
    assert given(Evaluation(), *numbers, *others) == numbers | others
    assert Evaluation().score_classifier == "small"


def test_the_scores_classifier_is_trained_as_alices() -> None:
    paper = RECIPES["paper"]
    assert (paper.epochs, paper.copies, paper.batch, paper.rate) == (10, 4, 50, 1e-4)


def test_gnova_has_a_slope_that_does_not_vanish() -> None:
    assert (GNoVa().alpha, GNoVa().beta) == (0.2, 1.0) == (Convolutional().alpha, Convolutional().beta)


@pytest.mark.parametrize(
    ("model", "stated"),
    [
        ("VAE", {"reconstruction_loss": "mse", "prior": PriorConfig(kind="standard", components=10, hidden=64)}),
        ("BetaTCVAE", {"alpha": 1.0, "beta": 1.0, "gamma": 1.0}),
        ("BetaIWAE", {"beta": 1.0, "number_samples": 10}),
        ("IWAE", {"number_samples": 10}),
        ("SymmetricVAER", {"reconstruction_weight": 0.1, "steps": (1, 1), "reconstruction_loss": "bce"}),
        ("ALICE", {"reconstruction_weight": 0.1, "steps": (1, 1)}),
        ("ColourSymmetricVAER", {"reconstruction_weight": 0.1, "reconstruction_loss": "mse"}),
        ("ColourALICE", {"reconstruction_weight": 0.1}),
        ("PlaneSymmetricVAER", {"reconstruction_weight": 0.1, "latent_dim": 2}),
        ("PlaneALICE", {"reconstruction_weight": 0.1, "latent_dim": 2}),
        ("M2", {"latent_dim": 2, "temperature": 1.0, "half_width": 1.5, "alpha_f_d": 10.0, "alpha_r_d": 0.1}),
        ("Untapped", {"smoothing": 0.0, "pairs": "fresh", "reverse_latent": True, "labelled_reverse": False}),
        ("LBAE", {"reconstruction_loss": "bce"}),
        ("SelfVAE", {"transformations": ("downscale",)}),
    ],
)
def test_a_models_defaults_are_those_of_its_paper(model: str, stated: dict[str, Any]) -> None:
    config = MODELS[model].resolve().config_class(input_dim=(1, 8, 8), latent_dim=2)
    assert given(config, *stated) == stated


def test_untapped_as_its_code_has_other_numbers() -> None:
    config = MODELS["Untapped"].resolve().config_class(input_dim=(1, 8, 8), setting="as-code")
    code = {"half_width": math.pi / 2, "smoothing": 0.05, "alpha_r_d": 0.0, "alpha_f_d": 1.0, "temperature": 1.0}
    assert given(config, *code) == code
    others = {"pairs": "fixed", "label_loss": "sample", "image_sample": "hard", "reverse_latent": False}
    assert given(config, *others) == others


@pytest.mark.parametrize(
    ("model", "sizes"),
    [
        (  # Table 3 of sVAE
            "SymmetricVAE",
            {
                "encoder_channels": (16, 32),
                "encoder_hidden": (784,),
                "decoder_channels": (64, 64),
                "decoder_hidden": (1024,),
                "discriminator_channels": (32, 64, 128),
                "discriminator_code": 1024,
                "initialisation": "xavier",
            },
        ),
        (  # Table 5, and the noise of ALICE's code
            "ColourSymmetricVAE",
            {
                "encoder_channels": (32, 64, 128, 256),
                "encoder_hidden": (512,),
                "encoder_kernel": 5,
                "decoder_channels": (128, 256, 512),
                "decoder_hidden": (),
                "discriminator_channels": (64, 128, 256, 512),
                "discriminator_code": 512,
                "noise": 20,
            },
        ),
        (  # ALICE's toy code
            "PlaneSymmetricVAE",
            {"encoder": (256, 256), "decoder": (256, 256), "discriminator": (256, 256), "noise": 2},
        ),
    ],
)
def test_the_networks_of_the_symmetric_models_are_those_printed(model: str, sizes: dict[str, Any]) -> None:
    network = MODELS[model].resolve().config_class.__dataclass_fields__["network"].default
    assert given(network, *sizes) == sizes


TRAINING = {  # suite, preset -> what the paper or its code states
    ("mnist", "paper"): {"batch_size": 128, "learning_rate": 1e-3, "weight_decay": 1e-4, "epochs": 100},
    ("mnist", "small"): {"epochs": 6, "batch_size": 128},
    ("celeba", "paper"): {"epochs": 50},
    ("digits", "small"): {"epochs": 60, "batch_size": 64},
    ("lbae-mnist", "paper"): {"epochs": 2000, "batch_size": 512, "learning_rate": 1e-3, "schedule": "constant"},
    ("lbae-mnist", "code"): {"epochs": 5000, "batch_size": 512, "learning_rate": 1e-4, "schedule": "constant"},
    ("lbae-cifar10", "paper"): {"epochs": 2000, "batch_size": 512, "learning_rate": 1e-3},
    ("lbae-cifar10", "code"): {"epochs": 3000, "batch_size": 512, "learning_rate": 1e-3},
    ("lbae-celeba", "paper"): {"epochs": 500, "batch_size": 512, "learning_rate": 1e-3},
    ("lbae-celeba", "code"): {"epochs": 3900, "batch_size": 512, "learning_rate": 1e-3},
    ("svae-mnist", "paper"): {"learning_rate": 1e-4, "schedule": "constant", "weight_decay": 0.0},
    ("svae-mnist", "code"): {"learning_rate": 1e-4, "schedule": "constant", "adam_beta1": 0.5},
    ("svae-cifar10", "code"): {"learning_rate": 1e-4, "batch_size": 64, "epochs": 100, "adam_beta1": 0.5},
    ("svae-toy", "paper"): {"learning_rate": 1e-4, "batch_size": 128, "epochs": 100},
    ("svae-toy", "code"): {"learning_rate": 1e-3, "batch_size": 128, "epochs": 100, "adam_beta1": 0.5},
    ("untapped-mnist", "paper"): {
        "learning_rate": 1e-2,
        "adam_epsilon": 1e-4,
        "clip_value": 1.0,
        "clip_norm": None,
        "batch_size": 10_000,
        "labelled_batch_size": 10_000,
        "epochs": 300,
    },
    ("untapped-mnist", "small"): {"learning_rate": 1e-2, "adam_epsilon": 1e-4, "batch_size": 500, "epochs": 15},
    ("selfvae-cifar10", "paper"): {"learning_rate": 2e-3, "batch_size": 32, "epochs": 2000},
}


@pytest.mark.parametrize(("name", "preset"), TRAINING)
def test_a_suite_trains_as_is_stated(name: str, preset: str) -> None:
    stated = TRAINING[name, preset]
    assert given(suite.load(name, preset).presets[preset], *stated) == stated  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "preset", "latent", "others"),
    [
        ("mnist", "paper", 64, {}),
        ("fashion", "paper", 64, {}),
        ("cifar10", "paper", 256, {}),
        ("celeba", "paper", 256, {}),
        ("lbae-mnist", "paper", 200, {"VAE (ours)": 16}),
        ("lbae-cifar10", "paper", 600, {"VAE (ours)": 128}),
        ("lbae-celeba", "paper", 1500, {"VAE (ours)": 64}),
        ("untapped-mnist", "paper", 2, {}),
        ("svae-cifar10", "paper", 256, {}),
        ("svae-celeba", "paper", 64, {}),
        ("selfvae-cifar10", "paper", 1024, {}),
    ],
)
def test_a_code_has_the_size_that_is_printed(name: str, preset: str, latent: int, others: dict[str, int]) -> None:
    loaded = suite.load(name, preset)
    assert loaded.presets[preset].latent_dim == latent  # type: ignore[index]
    assert {row.row: row.latent_dim for row in loaded.rows if row.row in others} == others


@pytest.mark.parametrize(
    ("name", "preset", "row", "options"),
    [
        ("mnist", "small", "IWAE", {"number_samples": 5}),
        ("mnist", "paper", "IWAE", {"number_samples": 10}),
        ("mnist", "paper", "beta-VAE 0.5", {"beta": 0.5}),
        ("mnist", "paper", "beta-VAE 1.5", {"beta": 1.5}),
        ("mnist", "paper", "beta-TCVAE 0.5", {"beta": 0.5}),
        ("mnist", "paper", "beta-TCVAE 1", {"beta": 1.0}),
        ("mnist", "paper", "beta-TCVAE 1.5", {"beta": 1.5}),
        ("celeba", "paper", "beta-VAE 0.1", {"beta": 0.1}),
        ("celeba", "paper", "beta-TCVAE 0.1", {"beta": 0.1}),
        ("svae-mnist", "paper", "sVAE-r 0.1", {"reconstruction_weight": 0.1}),
        ("svae-mnist", "paper", "ALICE 0.1", {"reconstruction_weight": 0.1}),
        ("svae-toy", "code", "sVAE-r 0.01", {"reconstruction_weight": 0.01}),
        ("svae-toy", "code", "ALICE 0.1", {"reconstruction_weight": 0.1}),
        ("lbae-mnist", "code", "VAE (ours)", {"beta": 0.5}),
        ("lbae-mnist", "paper", "WAE-MMD", {"reg_weight": 1.0, "kernel_bandwidth": 2.0}),
        ("lbae-mnist", "paper", "RAE-L2", {"embedding_weight": 1e-2, "reg_weight": 1e-4}),
        ("priors-mnist", "small", "VAE + MoG-1000", {"prior": {"kind": "mixture", "components": 1000}}),
        ("priors-mnist", "small", "VAE + MoG-10", {"prior": {"kind": "mixture", "components": 10}}),
    ],
)
def test_a_row_has_the_options_that_its_name_says(name: str, preset: str, row: str, options: dict[str, Any]) -> None:
    loaded = suite.load(name, preset)
    (found,) = [r for r in loaded.rows if r.row == row]
    by_preset = loaded.presets[preset].options.get(found.model, {})  # type: ignore[index]
    assert options.items() <= (by_preset | found.options).items()


def test_how_many_samples_and_distributions_the_papers_take() -> None:
    def evaluation(name: str) -> Evaluation:
        return suite.load(name, "paper").presets["paper"].evaluation

    assert evaluation("selfvae-cifar10").nll_samples == 512
    assert evaluation("svae-mnist").annealing == Annealing()
    assert evaluation("svae-mnist").score_classifier == "paper"
    assert evaluation("mnist").nll_images == 10_000
    assert suite.load("untapped-mnist", "paper").seeds == tuple(range(10))
    toy = suite.load("svae-toy", "code")
    assert len(toy.seeds_of("code")) == 24
