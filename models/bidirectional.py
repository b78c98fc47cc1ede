"""Networks built from the configuration, for any Pythae class: two networks, or one that runs both ways."""

from collections.abc import Callable
from typing import ClassVar, Protocol

from pydantic.dataclasses import dataclass
from pythae.models import BaseAE, BaseAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import Tensor, nn

from models.distributions.likelihoods import LIKELIHOODS, numbers_a_pixel
from models.from_config import FromConfig, form
from models.networks.dense_vae import DenseDecoder, DenseEncoder
from models.networks.kinds import Convolutional, Dense, Network, fitting
from models.networks.linear import TwoWay
from models.networks.two_way import BidirectionalNetwork


class Reverse(Protocol):
    """A network that decodes: [B, L] -> the numbers that p(x|z) takes [B, P, H, W]."""

    def reverse(self, z: Tensor) -> Tensor: ...


class Encoder(BaseEncoder):
    """A network seen as Pythae's encoder: the forward pass. `log_variance` says whether its network has that head."""

    log_variance = True

    def __init__(self, network: BidirectionalNetwork | DenseEncoder):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> ModelOutput:
        """Return `embedding`, the posterior mean, and `log_covariance`, the log-variance: [B, C, H, W] -> [B, L]."""
        mean, log_variance = self.network(x)
        return ModelOutput(embedding=mean, log_covariance=log_variance)

    @property
    def own(self) -> nn.Module:
        """The network of the user's own that this is a view of, if it is of one."""
        return self.network.trunk[0]


class PointEncoder(Encoder):
    """The same for an autoencoder without a posterior: `embedding` alone, from the mean head."""

    log_variance = False

    def forward(self, x: Tensor) -> ModelOutput:
        """Return `embedding`: [B, C, H, W] -> [B, L]."""
        return ModelOutput(embedding=self.network.point(x))


class Decoder(BaseDecoder):
    """A network seen as Pythae's decoder: the reverse pass, through a sigmoid or what else p(x|z) makes of it.

    `likelihood` is a name of LIKELIHOODS.
    """

    def __init__(self, network: Reverse, likelihood: str = "bce"):
        super().__init__()
        self.network, self.likelihood = network, likelihood

    def logits(self, z: Tensor) -> Tensor:
        """Return pixel logits, or the numbers that p(x|z) takes: [B, L] -> [B, P, H, W]."""
        return self.network.reverse(z)

    def forward(self, z: Tensor) -> ModelOutput:
        """Return `reconstruction`, the mean image of p(x|z): [B, L] -> [B, C, H, W]."""
        return ModelOutput(reconstruction=LIKELIHOODS[self.likelihood].law(self.logits(z)).mean)


class Networked(FromConfig):
    """A Pythae class on the networks of its configuration's field `network`, or on those given.

    `trunk` makes the two-way network of a class of one's own, for inputs of a shape.
    """

    replaceable, flat = True, True
    trunk: ClassVar[Callable[[tuple[int, ...]], TwoWay] | None] = None
    encoder_view: ClassVar[type[Encoder]]
    decoder_view: ClassVar[type[Decoder]]

    def networks(
        self,
        config: BaseAEConfig,
        encoder: BaseEncoder | None = None,
        decoder: BaseDecoder | None = None,
        own: TwoWay | None = None,
    ) -> tuple[BaseEncoder, BaseDecoder]:
        """Return the encoder and the decoder: two views of one network where it is shared, so that they are tied."""
        shape = config.input_dim
        config.network = network = fitting(config.network, shape)
        latent, likelihood = config.latent_dim, config.reconstruction_loss
        if likelihood == "logistic-mixture" and len(shape) != 3:
            raise ValueError(f"logistic-mixture is a law of images [C, H, W], not of {tuple(shape)}")
        numbers, log_variance = numbers_a_pixel(likelihood, shape[0]), self.encoder_view.log_variance
        if self.shared:
            make = type(self).trunk
            own = make((numbers, *shape[1:])) if own is None and make else own
            both = BidirectionalNetwork(network, shape, latent, "both", log_variance, numbers, own)
            return self.encoder_view(both), self.decoder_view(both, likelihood)
        if decoder is not None and not hasattr(decoder, "logits") and likelihood not in ("bce", "mse"):
            raise ValueError(
                f"a decoder without `logits` gives means, of which {likelihood!r} is no law: bce or mse is"
            )
        encoder = encoder or self.encoder_view(_forward(network, shape, latent, log_variance))
        return encoder, decoder or self.decoder_view(_reverse(network, shape, latent, numbers), likelihood)


def _forward(
    config: Network, shape: tuple[int, ...], latent_dim: int, log_variance: bool
) -> BidirectionalNetwork | DenseEncoder:
    if isinstance(config, Dense):
        return DenseEncoder(config, shape, latent_dim, log_variance)
    return BidirectionalNetwork(config, shape, latent_dim, "forward", log_variance)


def _reverse(config: Network, shape: tuple[int, ...], latent_dim: int, numbers: int) -> Reverse:
    if isinstance(config, Dense):
        return DenseDecoder(config, shape, latent_dim, numbers)
    return BidirectionalNetwork(config, shape, latent_dim, "reverse", numbers=numbers)


@dataclass
class _Network:
    """The field of a configuration that networks are built from."""

    network: Network = Convolutional()


def with_networks(
    base: type[BaseAE],
    config: type[BaseAEConfig],
    name: str,
    module: str,
    *,
    shared: bool = False,
    view: type[Encoder] = Encoder,
    decoder_view: type[Decoder] = Decoder,
    trunk: Callable[[tuple[int, ...]], TwoWay] | None = None,
) -> type[BaseAE]:
    """Return the Pythae class `base` with networks built from its configuration's `network` field.

    `shared=True` gives the bidirectional form: encoder and decoder are two views of one network, so every weight is
    one tensor. `trunk` makes that network, a two-way one of one's own for inputs of a shape; the heads stay the
    configuration's. `view` and `decoder_view` are how the networks are seen. The loss is `base`'s own, as are the
    networks beside the two (a discriminator, a flow). `base.mixed_in`, where there is one, are fields for the
    configuration besides those of `config`. Since the networks follow from the configuration, a saved model holds no
    pickle and is tied again when it is loaded. Its configuration class, `<name>Config`, refuses unknown keys.
    """
    options: dict[str, object] = {"encoder_view": view, "decoder_view": decoder_view}
    if trunk is not None:
        options["trunk"] = staticmethod(trunk)
    mixed_in = (_Network, *getattr(base, "mixed_in", ()))
    return form((Networked, base), config, name, module, shared=shared, mixed_in=mixed_in, **options)
