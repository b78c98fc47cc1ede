"""Pythae's models that its trainers give several optimisers, with the gradients that those trainers give them.

Pythae zeroes and fills the gradients of one network after the other and steps at the end, so that a network also
follows the later losses that reach it. The routes here say so; the corrected ones are in `models/pythae/corrected.py`.
"""

from pythae import models as pythae
from pythae.models.base.base_utils import ModelOutput
from torch import Tensor

from models.capabilities import GaussianLatent, ImplicitLatent, LastEpoch
from models.forms import Family, forms
from models.interface.routes import Route, Routed, owned
from models.interface.trainers import ADVERSARIAL, COUPLED, COUPLED_ADVERSARIAL


class FactorVAE(Routed, GaussianLatent, pythae.FactorVAE):
    """FactorVAE as Pythae trains it: encoder and decoder also follow the discriminator's own loss.

    Its `embed` is the posterior mean of every image; Pythae's gives half of a batch, shuffled.
    """

    trainers = ADVERSARIAL

    def routes(self, out: ModelOutput) -> list[Route]:
        return [
            Route(owned(self.encoder, self.decoder), out.autoencoder_loss + out.discriminator_loss, "autoencoder_loss"),
            Route(owned(self.discriminator), out.discriminator_loss, "discriminator_loss"),
        ]


class AdversarialAE(Routed, LastEpoch, GaussianLatent, pythae.Adversarial_AE):
    """Adversarial autoencoder: a discriminator on codes in the place of the divergence; the last epoch is kept."""

    trainers = ADVERSARIAL

    def routes(self, out: ModelOutput) -> list[Route]:
        return [
            Route(owned(self.encoder, self.decoder), out.autoencoder_loss, "autoencoder_loss"),
            Route(owned(self.discriminator), out.discriminator_loss, "discriminator_loss"),
        ]


class VAEGAN(Routed, ImplicitLatent, pythae.VAEGAN):
    r"""VAE-GAN as Pythae trains it; its reconstruction error is one of discriminator features, no density of pixels.

    .. math::
        \nabla_E &= \partial_E (KL + L_{rec}) + \partial_E [(1 - \lambda) L_{rec}], \\
        \nabla_D &= \partial_D [(1 - \lambda) L_{rec} - \lambda L_{GAN}] + \partial_D L_{GAN}

    The decoder's coefficient of :math:`L_{GAN}` is :math:`+(1 - \lambda)`: it helps the discriminator.
    """

    trainers = COUPLED_ADVERSARIAL

    def routes(self, out: ModelOutput) -> list[Route]:
        into_encoder, into_decoder = out.encoder_loss, out.decoder_loss
        if out.update_decoder:
            into_encoder = into_encoder + out.decoder_loss
        if out.update_discriminator:
            into_decoder = into_decoder + out.discriminator_loss
        return self.updated(out, into_encoder, into_decoder)

    def updated(self, out: ModelOutput, into_encoder: Tensor, into_decoder: Tensor) -> list[Route]:
        """Return the routes of the networks that Pythae's margin says to update in this batch."""
        routes = [Route(owned(self.encoder), into_encoder, "encoder_loss")]
        if out.update_decoder:
            routes.append(Route(owned(self.decoder), into_decoder, "decoder_loss"))
        if out.update_discriminator:
            routes.append(Route(owned(self.discriminator), out.discriminator_loss, "discriminator_loss"))
        return routes


class PIWAE(Routed, GaussianLatent, pythae.PIWAE):
    """PIWAE as Pythae trains it: the encoder follows the decoder's bound as well as its own."""

    trainers = COUPLED

    def routes(self, out: ModelOutput) -> list[Route]:
        return [
            Route(owned(self.encoder), out.encoder_loss + out.decoder_loss, "encoder_loss"),
            Route(owned(self.decoder), out.decoder_loss, "decoder_loss"),
        ]


__getattr__ = forms(
    __name__,
    FactorVAE=Family(FactorVAE, pythae.FactorVAEConfig),
    AAE=Family(AdversarialAE, pythae.Adversarial_AE_Config),
    VAEGAN=Family(VAEGAN, pythae.VAEGANConfig),
    PIWAE=Family(PIWAE, pythae.PIWAEConfig),
)
