"""From a labelled data set to a semi-supervised one: labels taken away, pixels rounded; every draw has a fixed seed."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bench.data.splits import SPLIT_SEED, Indices
from bench.data.types import ImageDataset, Labels, Split
from bench.errors import BadInput

UNLABELLED = -1  # the label of a training image whose label is not told
_DRAWN = 2 / 7  # unlabelled images drawn, as a share of all images: the paper's 20,000 of 70,000


def semisupervised(data: ImageDataset, settings: Mapping[str, str]) -> ImageDataset:
    """Return a data set in which only some training images keep their labels; the others have the label -1.

    pixels             "binary" rounds each pixel to 0 or 1 (stored as 0 or 255); the drawn ones are drawn before
    split              "paper": training, validation and test images are pooled; labelled is every image of the first
                       half of the classes, unlabelled are 2/7 as many as there are images, drawn from all with
                       replacement; the test part is every image of the other classes, which are trained on as well.
                       "clean": the same of the training part alone; the test part is its own images of the other
                       classes
    labels_per_class   that many images of every class keep their labels, the other training images lose them

    Source: Section 3 and Appendix D, Untapped; the sizes are those of its code. The draws are of `SPLIT_SEED`, the
    validation images stay as they are, and `reference` holds images with their labels for judges that are not models.
    Raises BadInput for both kinds of labels at once, for labels that are attributes, and for too few images of a class.
    """
    chosen = {"pixels": "grey", "split": "own", "labels_per_class": "all"} | dict(settings)
    if chosen["split"] != "own" and chosen["labels_per_class"] != "all":
        raise BadInput("split and labels_per_class both say which images have labels; leave out one of them")
    if data.train.labels.ndim != 1:
        raise BadInput(f"{data.name}: its labels are attributes, not classes; leave out {', '.join(settings)}")
    if chosen["pixels"] == "binary":
        data = replace(data, train=_binary(data.train), validation=_binary(data.validation), test=_binary(data.test))
    data = replace(data, settings={**data.settings, **settings})
    if chosen["split"] != "own":
        return _half_labelled(data, pooled=chosen["split"] == "paper")
    if chosen["labels_per_class"] != "all":
        return _few_labelled(data, int(chosen["labels_per_class"]))
    return data


def _binary(split: Split) -> Split:
    return Split(np.where(split.images >= 128, np.uint8(255), np.uint8(0)), split.labels)


def _half_labelled(data: ImageDataset, *, pooled: bool) -> ImageDataset:
    parts = [data.train, data.validation, data.test]
    pool = Split(*(np.concatenate([getattr(p, a) for p in parts]) for a in ("images", "labels")))
    seen = len(data.classes) // 2  # classes below have labels
    source, test = (pool, pool) if pooled else (data.train, data.test)
    random = np.random.RandomState(SPLIT_SEED)
    drawn = random.randint(len(source), size=round(_DRAWN * len(pool)))
    labelled = np.flatnonzero(source.labels < seen)
    told = np.concatenate([source.labels[labelled], np.full(len(drawn), UNLABELLED)])
    order = random.permutation(len(told))  # so that the first images are of both kinds
    train = _taken(source, np.concatenate([labelled, drawn])[order], told[order])
    unseen = np.flatnonzero(test.labels >= seen)
    if not len(labelled) or not len(unseen):
        raise BadInput(f"{data.name}: {len(data.classes)} class(es) cannot be divided into labelled ones and others")
    counts = f"{len(labelled):,} labelled images (classes {', '.join(data.classes[:seen])}), {len(drawn):,} unlabelled"
    leak = "; the test images are among the images that the unlabelled ones are drawn from" if pooled else ""
    return replace(
        data,
        train=train,
        test=_taken(test, unseen, test.labels[unseen]),
        reference=source,
        factors={},  # of the test images that were
        note=_noted(data, f"split {'paper' if pooled else 'clean'}: {counts}{leak}"),
    )


def _few_labelled(data: ImageDataset, per_class: int) -> ImageDataset:
    labels, random = data.train.labels, np.random.RandomState(SPLIT_SEED)
    told = np.full_like(labels, UNLABELLED)
    for number, name in enumerate(data.classes):
        members = random.permutation(np.flatnonzero(labels == number))[:per_class]
        if len(members) < per_class:
            raise BadInput(f"{data.name}: class {name} has only {len(members)} training images of {per_class} to label")
        told[members] = number
    kept = per_class * len(data.classes)
    note = f"{kept:,} labelled training images, {len(labels) - kept:,} unlabelled"
    return replace(data, train=Split(data.train.images, told), reference=data.train, note=_noted(data, note))


def _taken(split: Split, index: Indices, labels: Labels) -> Split:
    return Split(split.images[index], labels.astype(np.int64))


def _noted(data: ImageDataset, note: str) -> str:
    return f"{data.note}; {note}" if data.note else note
