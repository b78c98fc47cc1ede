r"""The losses of ALI, ALICE and the symmetric VAE: named terms [B] to minimise, of what a critic says of pairs.

Two kinds of pairs: the encoder's :math:`(x, \tilde z)`, x an image and :math:`\tilde z \sim q_\phi(z|x)`; the
decoder's :math:`(\tilde x, z)`, z a draw of the prior and :math:`\tilde x \sim p_\theta(x|z)`. The critic f gives a
number a pair, `f_encoder` and `f_decoder` here, [B] each; its best value is the log-ratio of the joint densities,

.. math:: f^*(x, z) = \ln p_\theta(x, z) - \ln q_\phi(x, z)

(Eq. 11, sVAE). ALICE and sVAE-r add the two errors of `models.svae.model`, times the one setting lambda (Eq. 29).
"""

import torch.nn.functional as F
from torch import Tensor


def discriminator_terms(f_encoder: Tensor, f_decoder: Tensor) -> dict[str, Tensor]:
    r"""Return what the critic minimises, the same for all models but WGAN.

    .. math:: -\ln (1 - \sigma(f(x, \tilde z))) - \ln \sigma(f(\tilde x, z))

    Source: Eq. 10, sVAE, its sign turned; no gradient passes into the pairs.
    """
    return {"critic_of_encoder": F.softplus(f_encoder), "critic_of_decoder": F.softplus(-f_decoder)}


def wasserstein_terms(f_encoder: Tensor, f_decoder: Tensor) -> dict[str, Tensor]:
    r"""Return what the critic of a Wasserstein GAN minimises, beside the size of its weights.

    .. math:: f(x) - f(\tilde x)

    Source: Eq. 25, sVAE, in which f has the other sign.
    """
    return {"critic_of_encoder": f_encoder, "critic_of_decoder": -f_decoder}


def symmetric_terms(f_encoder: Tensor, f_decoder: Tensor) -> dict[str, Tensor]:
    r"""Return what encoder and decoder of sVAE and sVAE-r minimise.

    .. math:: -f(x, \tilde z) + f(\tilde x, z)

    Source: Eq. 14, sVAE, its sign turned. At the best critic the mean is the symmetric divergence
    :math:`KL(q_\phi || p_\theta) + KL(p_\theta || q_\phi)` (Eq. 15).
    """
    return {"ratio_of_encoder": -f_encoder, "ratio_of_decoder": f_decoder}


def ali_terms(f_encoder: Tensor, f_decoder: Tensor) -> dict[str, Tensor]:
    r"""Return what encoder and decoder of ALI and ALICE minimise: labels exchanged, which does not saturate.

    .. math:: -\ln \sigma(f(x, \tilde z)) - \ln \sigma(-f(\tilde x, z))

    Source: Eq. 19, sVAE, its sign turned: Eq. 14 with :math:`\pm f` replaced by :math:`\ln \sigma(\pm f)`. The minimum
    over encoder and decoder in Eq. 18 has the same fixed point and is another function: `literal_ali_terms`.
    """
    return {"ali_of_encoder": F.softplus(-f_encoder), "ali_of_decoder": F.softplus(f_decoder)}


def literal_ali_terms(f_encoder: Tensor, f_decoder: Tensor) -> dict[str, Tensor]:
    r"""Return what encoder and decoder minimise in the game of two, which saturates as the critic gets better.

    .. math:: \ln (1 - \sigma(f(x, \tilde z))) + \ln \sigma(f(\tilde x, z))

    Source: Eq. 18, sVAE, what the critic maximises; no model is trained by it.
    """
    return {"literal_of_encoder": -F.softplus(f_encoder), "literal_of_decoder": -F.softplus(-f_decoder)}
