"""How rows, variants and data sets are written out for a reader (plain Unicode; LaTeX and Markdown escape later)."""

import re

VARIANTS = ("unidirectional", "bidirectional", "control", "stock", "corrected")
PAIR = ("unidirectional", "bidirectional")

_VARIANT_LABELS = {"control": "matched control", "stock": "stock Pythae"}
_DATASETS = {
    "digits": "Digits (8 × 8)",
    "mnist": "MNIST",
    "fashion": "Fashion-MNIST",
    "cifar10": "CIFAR-10",
    "celeba": "CelebA-64",
    "toy-mixture": "Five Gaussians",
    "shapes": "Shapes of known factors",
    "imagefolder": "Image folder",
}


def row_label(row: str) -> str:
    """Write a row as the paper does: "beta-VAE 0.5" becomes "β-VAE (β = 0.5)", " z128" becomes ", latent 128"."""
    name, latent = (row, "") if not (found := re.fullmatch(r"(.+) z(\d+)", row)) else found.groups()
    name, beta = (name, "") if not (found := re.fullmatch(r"(beta-.+) ([\d.]+)", name)) else found.groups()
    label = re.sub(r"^beta-", "β-", name)
    label += f" (β = {beta if '.' in beta else beta + '.0'})" if beta else ""
    return label + (f", latent {latent}" if latent else "")


def model_label(row: str, variant: str) -> str:
    """Write a row and its variant in one label: "Bidirectional β-VAE (β = 0.5)", "VAE, control"."""
    if variant in PAIR:
        return ("Bidirectional " if variant == "bidirectional" else "") + row_label(row)
    return f"{row_label(row)}, {variant}"


def variant_label(variant: str) -> str:
    """Write a variant's name; an unknown one stays as it is."""
    return _VARIANT_LABELS.get(variant, variant)


def dataset_label(dataset: str) -> str:
    """Write a data set's name as the paper does; an unknown one stays as it is."""
    return _DATASETS.get(dataset, dataset)
