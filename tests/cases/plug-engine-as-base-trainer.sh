#!/usr/bin/env bash
# bench.engine.Trainer with Pythae's BaseTrainerConfig: events, checkpoints, custom Dataset, predict
# exit 0 when right, 1 when wrong. Run from the root of a checkout that is installed in .venv, or with P=CHECKOUT PY=PYTHON.
P=${P:-$PWD}; PY=${PY:-$P/.venv/bin/python}; export P PY; T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
export PYTHONPATH="$P" OMP_NUM_THREADS=1 CUDA_VISIBLE_DEVICES=
cat > case.py <<'E'
import logging, sys, copy, warnings
warnings.simplefilter("ignore")
import torch
torch.set_num_threads(1); torch.manual_seed(0)
from pythae import models as P
from pythae.models import AutoModel
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.pipelines import GenerationPipeline, TrainingPipeline
from pythae.samplers import *
from pythae.trainers import *
from pythae.data.datasets import BaseDataset, DatasetOutput
for n in list(logging.root.manager.loggerDict):
    logging.getLogger(n).setLevel(logging.ERROR)
from models import MODELS, load_model
NET = {"channels": (8, 16), "strides": (2, 2), "hidden": (32,)}
def make(name, **f):
    kind = MODELS[name].resolve()
    return kind(kind.config_class(input_dim=(1, 8, 8), latent_dim=4, **{"network": NET, **f}))
x = torch.rand(12, 1, 8, 8); x[0, 0, 0, 0] = 1; x[0, 0, 0, 1] = 0
y = torch.arange(12) % 3
def wrong(text):
    print("WRONG:", " ".join(str(text).split())[:300]); sys.exit(1)
def told(e):
    return "%s: %s" % (type(e).__name__, e)
from bench.training.trainer import Trainer
from pythae.trainers.training_callbacks import TrainingCallback
class CB(TrainingCallback):
    def __init__(self): self.seen = set()
for ev in ("on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end", "on_train_step_begin", "on_train_step_end", "on_eval_step_begin", "on_eval_step_end", "on_prediction_step", "on_save", "on_log"):
    setattr(CB, ev, (lambda ev: lambda self, *a, **k: self.seen.add(ev))(ev))
bad, made = {}, {}
for cls in (BaseTrainer, Trainer):
    cb = CB(); tr = cls(make("VAE"), BaseDataset(x, y), BaseDataset(x, y), BaseTrainerConfig(output_dir="o" + cls.__name__, num_epochs=1, steps_saving=1, steps_predict=1, no_cuda=True), callbacks=[cb]); tr.train()
    import os; made[cls.__name__] = (cb.seen, set(os.listdir(tr.training_dir)))
if made["BaseTrainer"][0] - made["Trainer"][0]: bad["events not sent"] = sorted(made["BaseTrainer"][0] - made["Trainer"][0])
if made["BaseTrainer"][1] - made["Trainer"][1]: bad["folders not written"] = sorted(made["BaseTrainer"][1] - made["Trainer"][1])
class DS(torch.utils.data.Dataset):
    def __len__(self): return 12
    def __getitem__(self, i): return DatasetOutput(data=x[i])
try: Trainer(make("VAE"), DS(), None, BaseTrainerConfig(num_epochs=1, no_cuda=True)).train()
except AttributeError as e: bad["custom Dataset"] = told(e)
except (ValueError, TypeError) as e: print("refused:", e)
try: Trainer(make("VAE"), BaseDataset(x, y), BaseDataset(x, y), BaseTrainerConfig(no_cuda=True)).predict(make("VAE"))
except AttributeError as e: bad["predict"] = told(e)
except (ValueError, TypeError, NotImplementedError) as e: print("refused:", e)
if bad: wrong(bad)
print("right"); sys.exit(0)
E
"$PY" case.py 2> err.txt; rc=$?
[ $rc -le 1 ] && { [ $rc -eq 1 ] && grep -q Traceback err.txt && { echo "WRONG: $(tail -1 err.txt | cut -c1-300)"; }; exit $rc; }
tail -3 err.txt; exit $rc
