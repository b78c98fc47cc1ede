"""Networks built from the configuration, for any Pythae class: two networks, or one that runs both ways."""

from typing import Any, Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from pythae.models import BaseAE
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import Tensor

from models.distributions.likelihoods import LIKELIHOODS, numbers_a_pixel
from models.networks.dense_vae import DenseDecoder, DenseEncoder
from models.networks.kinds import Convolutional, Dense, Network
from models.networks.two_way import BidirectionalNetwork


class Encoder(BaseEncoder):
    """A network seen as Pythae's encoder: the forward pass. `log_variance` says whether its network has that head."""

    log_variance = True

    def __init__(self, network: BidirectionalNetwork):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> ModelOutput:
        """Return `embedding`, the posterior mean, and `log_covariance`, the log-variance: [B, C, H, W] -> [B, L]."""
        mean, log_variance = self.network(x)
        return ModelOutput(embedding=mean, log_covariance=log_variance)


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

    def __init__(self, network: Any, likelihood: str = "bce"):
        super().__init__()
        self.network, self.likelihood = network, likelihood

    def logits(self, z: Tensor) -> Tensor:
        """Return pixel logits, or the numbers that p(x|z) takes: [B, L] -> [B, P, H, W]."""
        return self.network.reverse(z)

    def forward(self, z: Tensor) -> ModelOutput:
        """Return `reconstruction`, the mean image of p(x|z): [B, L] -> [B, C, H, W]."""
        return ModelOutput(reconstruction=LIKELIHOODS[self.likelihood].law(self.logits(z)).mean)


def _one_way(
    config: Network,
    shape: tuple[int, ...],
    latent_dim: int,
    direction: Literal["forward", "reverse"],
    log_variance: bool = True,
    numbers: int = 0,
) -> Any:
    """Return the encoder or the decoder of a unidirectional model; `numbers` a pixel are the decoder's."""
    if not isinstance(config, Dense):
        return BidirectionalNetwork(config, shape, latent_dim, direction, log_variance, numbers or None)
    if direction == "forward":
        return DenseEncoder(config, shape, latent_dim, log_variance)
    return DenseDecoder(config, shape, latent_dim, numbers)


def with_networks(
    base: type[BaseAE],
    config: type,
    name: str,
    module: str,
    *,
    shared: bool = False,
    view: type[Encoder] = Encoder,
    decoder_view: type[Decoder] = Decoder,
) -> type[BaseAE]:
    """Return the Pythae class `base` with networks built from its configuration's `network` field.

    `shared=True` gives the bidirectional form: encoder and decoder are two views of one network, so every weight is
    one tensor. `view` and `decoder_view` are how the networks are seen. The loss is `base`'s own, as are the networks
    beside the two (a discriminator, a flow). `base.mixed_in`, where there is one, are fields for the configuration
    besides those of `config`. Since the networks follow from the configuration, a saved model holds no
    pickle and is tied again when it is loaded. Its configuration class, `<name>Config`, refuses unknown keys.
    """

    def init(self: Any, model_config: Any, encoder: Any = None, decoder: Any = None, **others: Any) -> None:
        custom = encoder is not None or decoder is not None
        if shared and custom:
            raise ValueError(f"{name} builds its one network from the configuration; it takes no encoder or decoder")
        shape, latent, network = model_config.input_dim, model_config.latent_dim, model_config.network
        likelihood = model_config.reconstruction_loss
        numbers = numbers_a_pixel(likelihood, shape[0])
        if shared:
            both = BidirectionalNetwork(network, shape, latent, "both", view.log_variance, numbers)
            encoder, decoder = view(both), decoder_view(both, likelihood)
        own_encoder = encoder or view(_one_way(network, shape, latent, "forward", view.log_variance))
        own_decoder = decoder or decoder_view(_one_way(network, shape, latent, "reverse", numbers=numbers), likelihood)
        base.__init__(self, model_config, own_encoder, own_decoder, **others)
        self.model_name = name
        model_config.uses_default_encoder = shared or encoder is None
        model_config.uses_default_decoder = shared or decoder is None

    def load_config(cls: type, dir_path: str) -> Any:
        return cls.config_class.from_json_file(f"{dir_path}/model_config.json")  # type: ignore[attr-defined]

    fields = {
        "__annotations__": {"network": Network},
        "network": Convolutional(),
        "__module__": module,
        "__doc__": f"Configuration of {name}: {config.__name__} and the network.",
    }
    own_config = dataclass(config=ConfigDict(extra="forbid"))(
        type(f"{name}Config", (*getattr(base, "mixed_in", ()), config), fields)
    )
    form = "one network, run both ways" if shared else "an encoder and a decoder network"
    body = {
        "__init__": init,
        "__module__": module,
        "__doc__": f"{base.__name__} of {base.__module__}, with {form} built from the configuration.",
        "config_class": own_config,
        "_load_model_config_from_folder": classmethod(load_config),
    }
    return type(name, (base,), body)
