"""Autoregressive models of codes, trained by our engine: Pythae's MAF, IAF and PixelCNN, and codes drawn from them."""

import torch
from pythae.models.normalizing_flows import (
    IAF,
    MAF,
    IAFConfig,
    MAFConfig,
    NFModel,
    PixelCNN,
    PixelCNNConfig,
)
from torch import Tensor

from bench.samplers.code_models import fit, seeded
from bench.samplers.trained import Trained

FLOWS = {"maf": (MAF, MAFConfig), "iaf": (IAF, IAFConfig)}
EPOCHS, PIXEL_EPOCHS, LAYERS, KERNEL = 10, 30, 4, 3


def flow_codes(kind: str, trained: Trained, n: int) -> Tensor:
    r"""Draw n codes of a normalising flow: [n, L].

    .. math:: u \sim N(0, I), \quad z = f^{-1}(u), \quad \ln p(z) = \ln N(f(z); 0, I) + \ln |\det \partial f|

    Source: Papamakarios et al. 2017 ("maf") and Kingma et al. 2016 ("iaf"), in the form of Pythae's samplers: two
    blocks of three hidden layers of 128, trained on one code of each image that the Gaussian mixture is fitted to, here
    by our engine for 10 epochs. Codes are standardised first, which Pythae leaves to the flow.
    """
    codes = torch.from_numpy(trained.get("train_codes")).to(trained.device)  # [M, L]
    centre, spread = codes.mean(0), codes.std(0).clamp_min(1e-6)
    flow_class, config = FLOWS[kind]
    dim = codes.shape[1]
    with seeded(trained, kind) as seed:
        flow = flow_class(config(input_dim=(dim,), include_batch_norm=False)).to(trained.device)
        zeros = torch.zeros(dim, device=trained.device)
        normal = torch.distributions.MultivariateNormal(zeros, torch.eye(dim, device=trained.device))
        fit(NFModel(normal, flow), (codes - centre) / spread, seed, EPOCHS)
        with torch.no_grad():
            return centre + spread * flow.eval().inverse(normal.sample((n,))).out


def pixelcnn_codes(trained: Trained, n: int) -> Tensor:
    r"""Draw n codes of vectors of a codebook, place after place: [n, L].

    .. math:: p(i) = \prod_j p(i_j | i_1, \ldots, i_{j - 1})

    Source: van den Oord et al. 2017, in the form of Pythae's PixelCNNSampler: masked convolutions, here four of 3 x 3
    (ten of 5 x 5 there), trained on the vectors' numbers by our engine for 30 epochs.
    """
    view = trained.view
    indices = torch.from_numpy(trained.get("fit_indices"))
    size = tuple(indices.shape[1:])
    config = PixelCNNConfig(
        input_dim=(1, *size), n_embeddings=view.model_config.num_embeddings, n_layers=LAYERS, kernel_size=KERNEL
    )
    with seeded(trained, "pixelcnn") as seed:
        network = PixelCNN(config)
        fit(network, indices[:, None].float(), seed, PIXEL_EPOCHS)
        network.eval()
        drawn = torch.zeros(n, 1, *size, device=trained.device)
        with torch.no_grad():
            for row in range(size[0]):
                for column in range(size[1]):
                    logits = network({"data": drawn}).out[:, :, 0, row, column]
                    drawn[:, 0, row, column] = torch.multinomial(logits.softmax(1), 1)[:, 0].float()
            return view.look_up(drawn[:, 0].long())
