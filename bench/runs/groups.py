"""Which runs train as one: those of one small architecture, as far as the suite has them stacked."""

import json
from collections.abc import Sequence
from itertools import groupby

from bench.runs.train import build
from bench.study.suite import Run
from bench.training.stacked import stackable
from models import MODELS
from models.networks.two_way import count_parameters, shapes_alone
from models.training import Stackable

Job = tuple[Run, ...]  # runs that one worker carries out, training them together where there are several
MOST = 12  # models in a group
SMALL, ENOUGH = 100_000, 3  # parameters of a model, and models, for a step to cost more to call for than to compute


def jobs(
    plan: Sequence[Run], todo: Sequence[Run], shape: tuple[int, ...], stack: bool | None = None, rates: bool = False
) -> list[Job]:
    """Cut the runs to do into jobs, the largest first, then one seed after the other.

    Where `stack` is true all runs train together that can; where it is None those of small models do, three or more of
    an architecture. Groups are formed in the whole plan, so that what is finished already changes none, and nothing is
    measured: a run has the same companions, and hence the same numbers to the last bit, however often the suite was
    interrupted and however busy the machine is. With `rates` the runs of a group may also differ in learning rate.
    """
    wanted = {run.id for run in todo}
    found: list[Job] = []
    for group in candidates(plan, rates):
        members = tuple(run for run in group if run.id in wanted)
        if members:
            found += [group] if stacks(group, shape, stack) else [(run,) for run in members]
    place = {run.id: i for i, run in enumerate(plan)}
    return sorted(found, key=lambda job: (-len(job), job[0].seed if len(job) == 1 else 0, place[job[0].id]))


def candidates(plan: Sequence[Run], rates: bool = False) -> list[Job]:
    """Cut a plan into the groups that could train together: of one architecture, at most 12 models each."""
    keyed = sorted(((key_of(run, rates), i) for i, run in enumerate(plan)))
    groups: list[Job] = []
    for key, members in groupby(keyed, key=lambda pair: pair[0]):
        runs = [plan[i] for _, i in members]
        size = MOST if key else 1
        groups += [tuple(runs[i : i + size]) for i in range(0, len(runs), size)]
    return groups


def key_of(run: Run, rates: bool = False) -> str:
    """Return a text that runs share if they differ in the seed, in loss weights and, with `rates`, in learning rate
    alone; empty for a model that cannot be stacked."""
    model = MODELS[run.model].resolve()
    drawn_anew = run.data.get("pixels") == "dynamic" or run.training.augmentation != "none"
    if not issubclass(model, Stackable) or drawn_anew:
        return ""
    options = {key: value for key, value in run.options.items() if key not in model.weight_options}
    facts = run.to_dict() | {"training": run.training.identity() | ({"learning_rate": None} if rates else {})}
    shared = [facts[key] for key in ("dataset", "data", "network", "latent_dim", "likelihood", "training")]
    kin = [model.family, getattr(model, "shared", False)] if model.family else run.model
    return json.dumps([kin, *shared, options], sort_keys=True)


def stacks(group: Job, shape: tuple[int, ...], stack: bool | None) -> bool:
    """Whether runs of one architecture train together."""
    if stack is False or len(group) < (2 if stack else ENOUGH):
        return False
    with shapes_alone():
        model = build(group[0], shape)
    return stackable(model, model) and (bool(stack) or count_parameters(model) <= SMALL)
