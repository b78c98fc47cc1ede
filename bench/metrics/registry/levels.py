"""The metrics of models that make an image from a compressed one: the bound level by level, and what each kind of
reconstruction sends and how near it comes."""

from bench.metrics.types import Metric, grid

MODES = ("OG", "CM", "RS1", "RS2", "CG", "conditional")  # as in models.selfvae.modes
TERMS = ("distortion_x", "distortion_y1", "distortion_y2", "kl_z1", "kl_z2", "kl_u")
_LOSSY = grid(mode=MODES[1:])

LEVELS: dict[str, Metric] = {
    "level_nats": Metric(
        label="Term of -ELBO",
        unit="nats",
        direction="none",
        target="bench.metrics.averages:mean",
        inputs=("level_nats",),
        settings=grid(term=TERMS),
        description="Mean over test images of one term of -ELBO, all of one posterior sample: RE of x, RE of each "
        "compressed image y, KL of each latent; they add up to -ELBO.",
        extra="levels",
    ),
    "sent_bits": Metric(
        label="Sent",
        unit="bits",
        direction="lower",
        target="bench.metrics.averages:mean",
        inputs=("sent_bits",),
        settings=grid(mode=MODES),
        description="Mean bits that a kind of reconstruction sends of a test image: KL of the latents and -log2 p of "
        "the images that are sent, given what the receiver then has (the length of a bits-back code).",
        extra="levels",
    ),
    "mode_psnr": Metric(
        label="PSNR by kind of reconstruction",
        unit="dB",
        direction="higher",
        target="bench.metrics.pixels:psnr",
        inputs=("test_images", "shown"),
        settings=_LOSSY,
        description="Mean of per-image PSNR of a kind of reconstruction; of CM, of the compressed image enlarged "
        "(bilinear, grey in every channel).",
        extra="levels",
    ),
    "mode_ssim": Metric(
        label="SSIM by kind of reconstruction",
        unit="",
        direction="higher",
        target="bench.metrics.pixels:ssim",
        inputs=("test_images", "shown"),
        settings=_LOSSY,
        description="Mean of per-image SSIM, 11 x 11 Gaussian window, of the same.",
        extra="levels",
    ),
    "compressed_psnr": Metric(
        label="PSNR of the compressed image",
        unit="dB",
        direction="higher",
        target="bench.metrics.pixels:psnr",
        inputs=("compressed", "compressed_from_u"),
        description="Mean of per-image PSNR of the last compressed image (a sketch, say) as u alone gives it back.",
        extra="levels",
    ),
}
