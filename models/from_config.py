"""Classes whose networks follow from their configuration: stored without pickles, pickled, and made under a name."""

import sys
import warnings
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, ClassVar, Self, SupportsIndex

import torch
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from pythae.models import BaseAE, BaseAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from models import UNIDIRECTIONAL
from models.capabilities import capable
from models.interface.importance import importance_nll
from models.interface.names import to_dict
from models.interface.output import complete
from models.interface.samplers import other_law
from models.interface.trainers import ModelName, Output, refusal, step_shared_weights_once, trainers_of
from models.networks.linear import TwoWay


class FromConfig(BaseAE):
    """A Pythae class whose networks follow from its configuration, so that it is stored without pickles.

    `networks` makes what the next class's `__init__` takes. `shared` says whether encoder and decoder are one network;
    a `TwoWay` can then be given as the encoder (`models.networks.own`). Of two networks, `replaceable` says whether
    others can be given. What is given is stored as a pickle, as Pythae does. Trainers of Pythae's that do not take the
    model (`models.interface.trainers`) are refused in one line.
    """

    config_class: ClassVar[type[BaseAEConfig]]
    shared: ClassVar[bool] = False
    replaceable: ClassVar[bool] = False
    flat: ClassVar[bool] = False  # whether inputs may have another shape than [C, H, W]
    networks: Callable[..., tuple[nn.Module, ...]]

    def __init__(
        self,
        model_config: BaseAEConfig,
        encoder: BaseEncoder | TwoWay | None = None,
        decoder: BaseDecoder | None = None,
        **others: nn.Module,
    ):
        name, shape = self.config_class.__name__.removesuffix("Config"), model_config.input_dim
        if not shape or min(shape) < 1 or not (self.flat or len(shape) == 3):
            wanted = "the shape of an input" if self.flat else "the shape [C, H, W] of an image"
            raise ValueError(f"input_dim of {name} must be {wanted}, such as (1, 28, 28), not {shape}")
        parts: dict[str, nn.Module | None] = {"encoder": encoder, "decoder": decoder}
        given = {key: part for key, part in parts.items() if part is not None}
        if given and self.shared:
            if not isinstance(encoder, TwoWay) or decoder is not None:
                raise ValueError(f"{name} is one network: one of your own is a TwoWay, given as encoder, no decoder")
            given = {"own": encoder}
        elif given and not self.replaceable:
            raise ValueError(f"{name} builds its networks from the configuration; it takes none")
        if given:  # whose parts may have weights in common
            step_shared_weights_once()
        super().__init__(model_config, *self.networks(model_config, **given), **others)
        if "own" in given:
            self.encoder.__module__ = type(encoder).__module__  # which Pythae pickles by value where it saves a model
        self.model_name = ModelName(name, trainers_of(type(self)))
        model_config.uses_default_encoder, model_config.uses_default_decoder = encoder is None, decoder is None

    def forward(self, inputs: dict[str, Tensor], **kwargs: int) -> ModelOutput:
        """Pythae's interface: loss, terms, codes and images of a batch `{"data": x, "labels": y}`."""
        out, x = super().forward(inputs, **kwargs), inputs["data"]
        if not self.model_config.uses_default_decoder and out.recon_x[0].numel() != x[0].numel():
            raise ValueError(f"the decoder gives {tuple(out.recon_x.shape)} for images {tuple(x.shape)}")
        out = complete(self, out, x)
        return Output.of(out, self.model_name, trainers_of(type(self)))

    def __getattr__(self, name: str) -> Any:
        if name == "decoder" and (law := other_law(sys._getframe(1), self)):
            raise ValueError(f"codes of {self.model_name} are not of {law}: draw them by sample(n) or model.prior")
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == "discriminator":  # that some of Pythae's trainers look for
                raise AttributeError(refusal(self.model_name, trainers_of(type(self)))) from None
            raise

    def get_nll(self, data: Tensor, n_samples: int = 1, batch_size: int = 100) -> float:
        """Return the mean estimate of ln p(x) in nats, which Pythae calls so: that of `bench.likelihood.nll`, negated.

        Under the model's own prior and likelihood, with exactly `n_samples` importance samples of each image of data
        [N, C, H, W] in [0, 1]; `batch_size` codes are decoded at once. Raises NotImplementedError for a model that is
        no density of images.
        """
        view = capable(self)
        if missing := sorted({"likelihood", "posterior", "prior"} - view.capabilities):
            raise NotImplementedError(f"{self.model_name} has no {' and no '.join(missing)}, so no estimate of ln p(x)")
        was_training = self.training
        self.eval()
        try:
            return -float(importance_nll(view, data, n_samples, batch_size).mean())
        finally:
            self.train(was_training)

    @classmethod
    def _load_model_config_from_folder(cls, dir_path: str) -> BaseAEConfig:
        values = cls.config_class._dict_from_json(f"{dir_path}/model_config.json")
        name = values.pop("name").removeprefix(UNIDIRECTIONAL)
        if name != cls.config_class.__name__:
            warnings.warn(f"a {name} is read as a {cls.config_class.__name__}", stacklevel=2)
        return cls.config_class.from_dict(values)

    @classmethod
    def _load_custom_encoder_from_folder(cls, dir_path: str) -> nn.Module:
        encoder = super()._load_custom_encoder_from_folder(dir_path)
        return encoder.own if cls.shared else encoder

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[object, ...]:
        """Pickle as torch does; with parametrised layers, which torch refuses, as what the model is rebuilt from."""
        own = self.model_config.uses_default_encoder and self.model_config.uses_default_decoder
        if not (own and any(is_parametrized(module) for module in self.modules())):
            return super().__reduce_ex__(protocol)
        plain = {key: value for key, value in vars(self).items() if not key.startswith("_")}
        return _rebuilt, (type(self), plain, self.state_dict())

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        twin = memo[id(self)] = type(self).__new__(type(self))
        twin.__dict__.update(deepcopy(vars(self), memo))
        return twin


def _rebuilt(kind: type[FromConfig], plain: Mapping[str, object], state: Mapping[str, Tensor]) -> FromConfig:
    """Return a model of the tensors `state` and the attributes `plain`, without a draw of torch's generator."""
    with torch.random.fork_rng(devices=[]):
        model = kind(plain["model_config"])
    model.to(next(iter(state.values())).device).load_state_dict(state)
    model.__dict__.update(plain)
    return model.train(plain["training"])


def form(
    bases: tuple[type, ...],
    config: type[BaseAEConfig],
    name: str,
    module: str,
    *,
    shared: bool,
    mixed_in: tuple[type, ...] = (),
    **attributes: object,
) -> type[BaseAE]:
    """Return the class `name` of a module: that of `bases` with these attributes and a configuration of its own.

    That is `<name>Config`, `config` and the fields of `mixed_in`, which refuses unknown keys; it is made an attribute
    of the module, where pickle looks for it.
    """
    if shared:
        step_shared_weights_once()
    written, how = bases[-1], "one network, run both ways," if shared else "networks"
    doc = f"{written.__name__} of {written.__module__}, with {how} built from the configuration."
    fields: dict[str, object] = {
        "__module__": module,
        "to_dict": to_dict,
        "__doc__": f"Configuration of {name}, as of {config.__name__}.",
    }
    own_config = dataclass(config=ConfigDict(extra="forbid"))(type(f"{name}Config", (*mixed_in, config), fields))
    if module in sys.modules:
        setattr(sys.modules[module], own_config.__name__, own_config)
    body = {"__module__": module, "__doc__": doc, "config_class": own_config, "shared": shared}
    return type(name, bases, body | attributes)
