"""A model, a data set and a metric of one's own: python -m bench.run --plugin my_plugin --suite mine.toml"""

import numpy as np
from pythae.models import VAE, VAEConfig

from bench.data import DatasetEntry
from bench.data.types import ImageDataset, cut
from bench.metrics.types import Measured, Metric
from models import ModelEntry
from models.bidirectional import with_networks
from models.capabilities import GaussianLatent
from models.objectives import elbo_terms
from models.training import Objective, Terms


class _Warm(Objective, GaussianLatent, VAE):
    def terms(self, batch, generator=None):
        q = self.posterior(batch.x)
        z = q.rsample(1, generator)[:, 0]  # [B, L]
        p_x = self.likelihood(z)
        return Terms(elbo_terms(p_x.log_prob(batch.x), *q), z, p_x)

    def weights(self, epoch):
        return {"kl": min(1.0, epoch / 10)}


WarmVAE = with_networks(_Warm, VAEConfig, "WarmVAE", __name__)


def load_stripes(places, settings):
    labels = np.arange(400) % 8  # the column that is lit
    images = np.zeros((400, 1, 8, 8), np.uint8)
    images[np.arange(400), 0, :, labels] = 255
    parts = np.arange(300), np.arange(300, 350), np.arange(350, 400)
    return ImageDataset("stripes", *cut(images, labels, parts), tuple("01234567"), settings, "made")


def brightness_error(test_images, reconstructions, *, setting, rng):
    return Measured(float(abs(test_images.mean() / 255 - reconstructions.mean())), n=len(test_images))


ARRAYS, MEAN = ("test_images", "reconstructions"), {"reconstruction": "mean"}
TEXT = "Difference of the mean brightness of test images and reconstructions."
ERROR = Metric("Brightness", "", "lower", "my_plugin:brightness_error", ARRAYS, TEXT, settings=(MEAN,))
MODELS = {"WarmVAE": ModelEntry("my_plugin:WarmVAE", "unidirectional", "warm VAE")}
DATASETS = {"stripes": DatasetEntry("my_plugin:load_stripes", "Stripes", (1, 8, 8), 8, train_images=300)}
METRICS = {"brightness_error": ERROR}
