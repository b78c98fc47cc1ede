"""Bad inputs: each is exit code 2 and one helpful line, without a traceback, and leaves the disk as it was."""

import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.run import main
from tests.faults.permissions import obeyed

ROOT = Path(__file__).parents[2]
SUITE = """
title = "A study"
dataset = "digits"
[[rows]]
row = "VAE"
model = "VAE"
variants = ["unidirectional", "bidirectional"]
[[rows]]
row = "IWAE"
model = "IWAE"
variants = ["unidirectional"]
options = { number_samples = 2 }
[presets.small]
latent_dim = 4
epochs = 1
train_images = 100
network = { channels = [4], strides = [2], hidden = [8] }
evaluation = { nll_samples = 2, nll_images = 20, tsne_images = 0, gmm_images = 50, images = 40 }
"""
HOSTILE = b"cos\nsystem\n(S'touch hacked'\ntR."  # a pickle that would run a command


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder with a good suite in it, a cache of its own, no network."""

    def refuse(*arguments: Any) -> None:
        raise OSError("there is no network in tests")

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("bench.run.train._carry_out", lambda *_: pytest.fail("it was not refused"))
    Path("good.toml").write_text(SUITE)
    return tmp_path


def contents() -> dict[str, bytes]:
    """Return every file and folder below the current one, but those of the cache."""
    found = (p for p in Path().rglob("*") if ".cache" not in p.parts and "__pycache__" not in p.parts)
    return {str(p): p.read_bytes() if p.is_file() else b"" for p in found}


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run the command line, doing only what the modes of files permit; return the one line that it says after it
    has changed nothing."""
    before = contents()
    with obeyed():
        code = main(["--preset", "small", "--results", "results", *arguments])
    said = capsys.readouterr()
    lines = [line for line in said.err.splitlines() if not line.startswith("suite ")]
    assert code == 2 and len(lines) == 1 and lines[0].startswith("bench: "), (code, said.err)
    assert "Traceback" not in said.err and said.out == "" and len(lines[0]) < 600
    assert contents() == before
    return lines[0]


LINES = [
    (["--suit3", "digits"], "--suit3"),
    (["--jobs", "two"], "--jobs"),
    (["--preset", "tiny"], "--preset"),
    (["digits"], "digits"),
    (["--jobs", "0"], "at least one"),
    (["--jobs", "-2"], "at least one"),
    (["--seeds", "one"], "whole numbers"),
    (["--seeds", "-1"], "whole numbers"),
    (["--seeds="], "whole numbers"),
    (["--seeds", "1.5"], "whole numbers"),
    (["--seeds", "²"], "whole numbers"),
    (["--seeds", "4294967296"], "whole numbers"),
    (["--models", "VEA"], "did you mean 'VAE'"),
    (["--models", ""], "unknown model"),
    (["--models", "VAE,"], "unknown model"),
    (["--suite", "digit"], "did you mean 'digits'"),
    (["--suite", "../../etc/passwd"], "unknown suite"),
    (["--suite", "/etc/passwd"], "unknown suite"),
    (["--suite", "nowhere.toml"], "no such file"),
    (["--suite", "results/"], "unknown suite"),
    (["--suite", "\0.toml"], "no such file"),
    (["--fid-weights", "nowhere.pth"], "no such file"),
    (["--fid-weights", "."], "no such file"),
    (["--plugin", "nowhere"], "cannot be imported"),
    (["--plugin", "../evil"], "module's name"),
    (["--plugin", "os.path"], "adds nothing"),
    (["--check-plugin"], "--plugin MODULE"),
    (["--executor", "ray"], "--executor"),
    (["--executor", "workers", "--scheduler", "tcp://127.0.0.1:1"], "takes no --scheduler"),
    (["--executor", "in-process", "--jobs", "2"], "one run at once"),
    (["--scheduler", "slurm"], "--jobs"),
    (["--wait", "0"], "--wait"),
    (["--wait", "nan"], "--wait"),
    (["--wait", "long"], "--wait"),
    (["--track", "nowhere"], "nowhere"),
    (["--status", "--suite", "digit"], "did you mean 'digits'"),
    (["--suite", "mnist", "--data-dir", "nowhere"], "nowhere"),
    (["--suite", "mnist", "--data-dir", "good.toml"], "is a file"),
    (["--suite", "mnist"], "train-images-idx3-ubyte"),
    (["--suite", "cifar10"], "data_batch_1"),
    (["--suite", "celeba"], "img_align_celeba"),
    (["--set", "dataset=imagefolder"], "no folder"),
]


@pytest.mark.parametrize(("arguments", "said"), LINES, ids=lambda part: repr(part))
def test_a_bad_command_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in refused(capsys, "--suite", "good.toml", *arguments)


SETTINGS = [
    ("epochs", "key=value"),
    ("epochs=0", "epochs"),
    ("epochs=-3", "epochs"),
    ("epochs=1.5", "epochs"),
    ("epochs=two", "epochs"),
    ("epochs=true", "epochs"),
    ("epochs=99999999999999999999", "epochs"),
    ("epoch=3", "did you mean 'epochs'"),
    ("epochs.x=3", "epochs"),
    ("=3", "unknown setting"),
    ("rows=3", "unknown setting"),
    ("dataset=digit", "did you mean 'digits'"),
    ("dataset=3", "dataset"),
    ("data.size=8", "unknown setting of digits 'size'"),
    ("data.size=[8]", "data.size"),
    ("data.size='8'", "unknown setting"),
    ("data=3", "data"),
    ("table=nope", "table"),
    ("likelihood=gauss", "likelihood"),
    ("seeds=[]", "seeds"),
    ("seeds=[-1]", "seeds"),
    ("seeds=[4294967296]", "seeds"),
    ("seeds=3", "seeds"),
    ("batch_size=1", "batch_size"),
    ("batch_size=1e400", "batch_size"),
    ("learning_rate=0", "learning_rate"),
    ("learning_rate=nan", "learning_rate"),
    ("weight_decay=-1", "weight_decay"),
    ("pct_start=1", "pct_start"),
    ("train_images=1", "train_images"),
    ("precision=half", "precision"),
    ("controls=['VEA']", "did you mean 'VAE'"),
    ("latent_dim=0", "latent_dim"),
    ("latent_dim=100000000000", "latent_dim"),
    ("network=3", "network"),
    ("network.kind=dens", "kind"),
    ("network.chanels=[8]", "did you mean 'channels'"),
    ("network.channels=[8, 8]", "strides"),
    ("network.channels=[]", "network"),
    ("network.channels=[0]", "positive"),
    ("network.channels=[100000000000]", "network"),
    ("network.strides=[0]", "positive"),
    ("network.hidden=[-8]", "positive"),
    ("network.channels=[100000000]", "network"),
    ("network.width=nan", "width"),
    ("network.alpha=nan", "alpha"),
    ("options.Nope.beta=1", "Nope"),
    ("options.IWAE.beta=1", "beta"),
    ("options.IWAE=3", "options"),
    ("options.VAE.network=3", "network"),
    ("options.VAE.latent_dim=3", "latent_dim"),
    ("evaluation.nll_sample=5", "did you mean 'nll_samples'"),
    ("evaluation.nll_samples=0", "nll_samples"),
    ("evaluation.nll_samples=1000000000000", "nll_samples"),
    ("evaluation.images=1", "images"),
    ("evaluation.probes=[]", "probes"),
    ("evaluation.samplers=['nromal']", "samplers"),
    ("evaluation.extras=['all']", "extras"),
    ("evaluation.tsne_seeds=[-1]", "tsne_seeds"),
    ("evaluation.fid_weights=3", "fid_weights"),
    ("evaluation=3", "evaluation"),
    ("options.VAE=" + "[" * 5000, "--set options.VAE"),
    ("options.VAE.a=" + "[" * 50 + "]" * 50, "more than 16 deep"),
    ("options." + "a." * 5000 + "b=1", "more than 16 deep"),
    ("options.VAE.a=" + "9" * 5000, "--set options.VAE.a"),
    ("options.VAE.a=9223372036854775808", "64 bits"),
    ("title=caf\udce9", "not text in UTF-8"),
    ("options.IWAE.beta=nan", "finite number"),
    ("options.IWAE.a=[1.0, -inf]", "finite number"),
    ("grid={ beta = [1.0, nan] }", "finite number"),
]


@pytest.mark.parametrize(("setting", "said"), SETTINGS, ids=lambda part: repr(part))
def test_a_bad_setting(setting: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in refused(capsys, "--suite", "good.toml", "--set", setting)


FILES = [
    ("", "title"),
    ("title = ", "not valid TOML"),
    ("\x00", "not valid TOML"),
    ("x = " + "[" * 20000, "not valid TOML"),
    ('extends = "../../../etc/passwd"', "extends"),
    ('extends = "/etc/passwd"', "extends"),
    ("extends = 3", "extends"),
    ("extends = []", "extends"),
    ('extends = "base/none"', "extends"),
    (SUITE.replace("title", "titel"), "did you mean 'title'"),
    (SUITE.replace('"A study"', "3"), "title"),
    (SUITE.replace("[[rows]]", "[[row]]"), "did you mean 'rows'"),
    (SUITE.replace('model = "VAE"', 'model = "VEA"'), "did you mean 'VAE'"),
    (SUITE.replace('model = "VAE"', "model = 3"), "model"),
    (SUITE.replace('row = "VAE"', 'row = "IWAE"'), "stands twice"),
    (SUITE.replace('row = "VAE"', 'row = ""'), "row"),
    (SUITE.replace('row = "VAE"', "row = []"), "row"),
    (SUITE.replace('"bidirectional"', '"unidirectional"'), "twice"),
    (SUITE.replace('"bidirectional"', '"sideways"'), "variant"),
    (SUITE.replace('["unidirectional", "bidirectional"]', "[]"), "variants"),
    (SUITE.replace('["unidirectional", "bidirectional"]', '"stock"'), "variants"),
    (SUITE.replace("number_samples = 2", "number_samples = 'many'"), "number_samples"),
    (SUITE.replace("number_samples = 2", "samples = 2"), "samples"),
    (SUITE.replace('["unidirectional"]', '["unidirectional"]\nlatent_dim = 0'), "latent_dim"),
    (SUITE.replace('["unidirectional"]', '["unidirectional"]\nlatent_dim = -4'), "latent_dim"),
    (SUITE.replace("presets.small", "presets.tiny"), "presets"),
    (SUITE.replace("presets.small", "presets.paper"), "preset"),
    (SUITE.replace("[presets.small]", "[presets]"), "presets"),
    (SUITE.partition("[[rows]]")[0] + "rows = []\n[presets.small]" + SUITE.partition("[presets.small]")[2], "rows"),
    (
        SUITE.replace('row = "VAE"', 'row = "β"').replace('row = "IWAE"\nmodel = "IWAE"', 'row = "γ"\nmodel = "VAE"')
        .replace("options = { number_samples = 2 }", ""),
        "share one folder",
    ),
    (SUITE.replace("number_samples = 2", "number_samples = nan"), "finite number"),
    (SUITE.replace("number_samples = 2", "number_samples = [[[inf]]]"), "finite number"),
    (SUITE.replace("number_samples = 2", f"{'a.' * 300}b = 2"), "more than 16 deep"),
    (SUITE.replace("number_samples = 2", f"number_samples = {'[' * 100}{']' * 100}"), "more than 16 deep"),
    (SUITE.replace("number_samples = 2", f"number_samples = {10**30}"), "64 bits"),
    (SUITE.replace("number_samples = 2", f"number_samples = {'9' * 5000}"), "not valid TOML"),
    (SUITE.replace('row = "VAE"', f'row = "{"V" * 200}"'), "too long for a folder"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), FILES, ids=range(len(FILES)))
def test_a_bad_suite_file(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.toml").write_text(text)
    assert said in refused(capsys, "--suite", "bad.toml")


def test_a_suite_file_that_is_no_text_hidden_a_folder_or_named_as_one_of_ours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("bytes.toml").write_bytes(b"\xff\xfe\x00")
    assert "not valid TOML" in refused(capsys, "--suite", "bytes.toml")
    Path("folder.toml").mkdir()
    assert "no such file" in refused(capsys, "--suite", "folder.toml")
    Path("..toml").write_text(SUITE)
    assert "hidden" in refused(capsys, "--suite", "..toml")
    Path(f"{'m' * 190}.toml").write_text(SUITE)
    assert "too long for a folder" in refused(capsys, "--suite", f"{'m' * 190}.toml")
    Path("mnist.toml").write_text(SUITE)
    assert "comes with the project" in refused(capsys, "--suite", "mnist.toml")


VALUES = ("3", "0", "-1", "1e999", "nan", "true", '""', '"VAE"', '"../x"', "[]", "[1, [2]]", "{}", "{ a = 1 }")
WORDS = ("row", "model", "presets", "small", "network", "options", "evaluation", "dataset", "=", "[", "]", '"', "}")


def mutated(rng: random.Random) -> str:
    """Return the good suite with one to three lines, values or words of it spoilt."""
    lines = SUITE.splitlines()
    for _ in range(rng.randint(1, 3)):
        i = rng.randrange(len(lines))
        key, equals, _ = lines[i].partition("=")
        match rng.randrange(4):
            case 0:
                lines[i] = f"{key}={rng.choice(VALUES)}" if equals else rng.choice(VALUES)
            case 1:
                lines[i] = lines[i].replace(rng.choice(WORDS), rng.choice(WORDS), 1)
            case 2:
                lines.insert(i, lines[rng.randrange(len(lines))])
            case _:
                del lines[i]
    return "\n".join(lines)


def test_no_mutation_of_a_suite_is_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    rng, codes = random.Random(0), []
    for _ in range(60):
        text = mutated(rng)
        Path("mutant.toml").write_text(text)
        try:
            codes.append(main(["--suite", "mutant.toml", "--preset", "small", "--dry-run", "--results", "results"]))
        except Exception as error:
            pytest.fail(f"{error!r} for\n{text}")
        said = capsys.readouterr().err.splitlines()
        assert codes[-1] in (0, 2) and len(said) == (codes[-1] == 2), (text, said)
    assert codes.count(0) > 4 and codes.count(2) > 20 and not Path("results").exists()


# Data


def picture(path: str, mode: str = "RGB", size: tuple[int, int] = (20, 16), **how: Any) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size).save(path, **how)


def folder(*classes: str, count: int = 20) -> None:
    for name in classes:
        for i in range(count):
            picture(f"data/train/{name}/{i}.png")


def no_classes() -> None:
    picture("data/train/a.png")


def empty_class() -> None:
    folder("cat")
    Path("data/train/dog").mkdir()


def one_image() -> None:
    folder("cat", count=1)


def text_as_image() -> None:
    folder("cat")
    Path("data/train/cat/3.png").write_text("no image")


def no_bytes() -> None:
    folder("cat")
    Path("data/train/cat/3.png").write_bytes(b"")


def cut_short(suffix: str) -> None:
    folder("cat")
    path = Path(f"data/train/cat/x.{suffix}")
    Image.fromarray(np.random.RandomState(0).randint(0, 256, (64, 64, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-500])


def bomb() -> None:
    folder("cat")
    picture("data/train/cat/bomb.png", "1", (20_000, 20_000))


def other_classes() -> None:
    folder("cat")
    picture("data/test/dog/0.png")


def two_sets() -> None:
    folder("cat")
    picture("data/b/train/cat/0.png")
    Path("data/train").rename("data/c")
    picture("data/a/train/cat/0.png")


def broken_archive() -> None:
    Path("data").mkdir()
    Path("data/images.zip").write_bytes(b"PK\3\4 no more")


def way_out() -> None:
    Path("data").mkdir()
    with zipfile.ZipFile("data/images.zip", "w") as archive:
        archive.writestr("../../train/cat/0.png", b"")


FOLDERS: list[tuple[Callable[[], None], str]] = [
    (lambda: Path("data").mkdir(), "train/CLASS"),
    (lambda: Path("data").write_text("a file"), "damaged or unsafe"),
    (lambda: Path("data/train").mkdir(parents=True), "no class folders"),
    (no_classes, "cannot set aside 1 of 1 images"),
    (empty_class, "has no image"),
    (one_image, "set aside"),
    (text_as_image, "3.png"),
    (no_bytes, "3.png"),
    (lambda: cut_short("png"), "x.png"),
    (lambda: cut_short("jpg"), "x.jpg"),
    (bomb, "bomb.png"),
    (other_classes, "classes that train lacks"),
    (two_sets, "several data sets"),
    (broken_archive, "damaged or unsafe"),
    (way_out, "outside the folder"),
]


SIZES = ["0", "-8", "1", "8.5", "x", "1000000"]


@pytest.mark.parametrize("size", SIZES)
def test_a_bad_size_of_images(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder("cat")
    arguments = ["--set", "dataset=imagefolder", "--data-dir", "data", "--set", f"data.size='{size}'"]
    assert "size" in refused(capsys, "--suite", "good.toml", *arguments)


@pytest.mark.parametrize(("make", "said"), FOLDERS, ids=[str(said) for _, said in FOLDERS])
def test_a_bad_folder_of_images(make: Callable[[], None], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    make()
    found = refused(capsys, "--suite", "good.toml", "--set", "dataset=imagefolder", "--data-dir", "data")
    assert said in found and not Path("train").exists()


def test_odd_images_are_images() -> None:
    from bench import data

    folder("cat")
    Path("data/train/cat/x.png").mkdir()
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        picture(f"data/train/cat/{mode.replace(';', '')}.png", mode)
    for mode in ("L", "RGB", "CMYK"):
        picture(f"data/train/cat/{mode}.jpg", mode)
    for i, size in enumerate([(1, 1), (1, 300), (300, 1), (3, 7)]):
        picture(f"data/train/cat/size{i}.png", size=size)
    for size in ("8", "32"):
        found = data.load("imagefolder", data_dir=Path("data"), settings={"size": size, "colour": "rgb"})
        assert found.shape == (3, int(size), int(size)) and found.train.images.dtype == np.uint8
        assert sum(len(part) for part in (found.train, found.validation, found.test)) == 33
        assert found.note is not None and "one class only" in found.note


IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
BYTES: list[tuple[str, bytes, str]] = [
    ("empty", b"", "not an IDX file"),
    ("text", b"no images here", "not an IDX file"),
    ("header cut", b"\0\0\x08\x03\0\0", "cut short inside its header"),
    ("cut", b"\0\0\x08\x01\0\0\0\x09abc", "where its header says 9"),
    ("of floats", b"\0\0\x0d\x01\0\0\0\x01abcd", "not an IDX file of bytes"),
    ("other contents", b"\0\0\x08\x01\0\0\0\x03abc", "not the official file"),
    ("broken gzip", b"\x1f\x8b\x08 broken", "cannot be read"),
    ("huge header", b"\0\0\x08\x03" + b"\xff" * 12, "where its header says"),
]


@pytest.mark.parametrize(("contents", "said"), [case[1:] for case in BYTES], ids=[case[0] for case in BYTES])
def test_a_bad_idx_file(contents: bytes, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("data").mkdir()
    for name in IDX:
        Path("data", name).write_bytes(contents)
    assert said in refused(capsys, "--suite", "good.toml", "--set", "dataset=mnist", "--data-dir", "data")


def test_a_hostile_cifar_batch_is_refused_unread(capsys: pytest.CaptureFixture[str]) -> None:
    Path("data/cifar-10-batches-py").mkdir(parents=True)
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        Path("data/cifar-10-batches-py", name).write_bytes(HOSTILE)
    said = refused(capsys, "--suite", "good.toml", "--set", "dataset=cifar10", "--data-dir", "data")
    assert "not the official file" in said and not Path("hacked").exists()


def test_hostile_inception_weights_are_refused_unread(capsys: pytest.CaptureFixture[str]) -> None:
    Path("weights.pth").write_bytes(HOSTILE)
    assert "does not hold" in refused(capsys, "--suite", "good.toml", "--fid-weights", "weights.pth")
    assert not Path("hacked").exists()


# Plug-ins


@pytest.fixture
def registries() -> Iterator[None]:
    """Forget what plug-ins add."""
    from bench import plugins

    kept = {name: dict(registry) for name, (registry, _) in plugins.REGISTRIES.items()}
    yield
    for name, (registry, _) in plugins.REGISTRIES.items():
        registry.clear()
        registry.update(kept[name])
    plugins._loaded.clear()
    for name in [name for name in sys.modules if name.startswith("bad_plugin")]:
        del sys.modules[name]


DATA_PLUGIN = """
import numpy as np
from bench.data import DatasetEntry
from bench.data.types import ImageDataset, Split

def split(n, images=None, labels=None):
    return Split(np.zeros((n, 1, 8, 8), np.uint8) if images is None else images,
                 np.zeros(n, np.int64) if labels is None else labels)

def load(places, settings):
    train, validation, test = split(50), split(5), split(5)
    {body}
    return ImageDataset("mine", train, validation, test, ("a", "b"), settings, "made")

DATASETS = {{"mine": DatasetEntry("{name}:load", "Mine", (1, 8, 8), 2, train_images=50)}}
"""
DATA = [
    ("return None", "no ImageDataset"),
    ("raise RuntimeError('no luck')", "no luck"),
    ("train = split(50, np.full((50, 1, 8, 8), np.nan))", "NaN"),
    ("train = split(50, np.zeros((50, 1, 8, 8)))", "uint8"),
    ("test = split(5, np.zeros((5, 8, 8), np.uint8))", "uint8 images"),
    ("test = split(5, np.zeros((5, 3, 8, 8), np.uint8))", "where its entry says"),
    ("test = split(0)", "has no images"),
    ("train = split(1)", "at least 2"),
    ("train = split(50, labels=np.full(50, 2))", "labels from 2 to 2"),
    ("train = split(50, labels=np.zeros(50))", "labels"),
    ("train = split(50, labels=np.zeros(49, np.int64))", "labels"),
]


@pytest.mark.parametrize(("body", "said"), DATA, ids=[case[0] for case in DATA])
def test_a_bad_data_set_of_a_plug_in(
    body: str, said: str, capsys: pytest.CaptureFixture[str], registries: None
) -> None:
    Path("bad_plugin.py").write_text(DATA_PLUGIN.format(body=body, name="bad_plugin"))
    found = refused(capsys, "--plugin", "bad_plugin", "--suite", "good.toml", "--set", "dataset=mine")
    assert said in found and "'mine'" in found


MODULES = [
    ("", "adds nothing"),
    ("MODELS = {}", "adds nothing"),
    ("this is no Python", "SyntaxError"),
    ("1 / 0", "ZeroDivisionError"),
    ("import nowhere_at_all", "nowhere_at_all"),
    ("MODELS = ['VAE']", "no dictionary"),
    ("MODELS = {'Mine': 'mine:Mine'}", "no models.ModelEntry"),
    ("from models import ModelEntry\nMODELS = {'VAE': ModelEntry('a:b', 'stock', 'c')}", "is taken"),
    ("from models import ModelEntry\nMODELS = {3: ModelEntry('a:b', 'stock', 'c')}", "MODELS[3]"),
]


@pytest.mark.parametrize(("text", "said"), MODULES, ids=[repr(case[0]) for case in MODULES])
def test_a_bad_plug_in(text: str, said: str, capsys: pytest.CaptureFixture[str], registries: None) -> None:
    Path("bad_plugin.py").write_text(text)
    assert said in refused(capsys, "--plugin", "bad_plugin", "--suite", "good.toml")


# Results


IMAGES = ("--suite", "good.toml", "--set", "dataset=imagefolder", "--data-dir", "data")
CLOSED = [
    ("closed.toml", ("--suite", "closed.toml")),
    ("weights.pth", ("--suite", "good.toml", "--fid-weights", "weights.pth")),
    ("train-images-idx3-ubyte", ("--suite", "good.toml", "--set", "dataset=mnist", "--data-dir", ".")),
    ("data/train/cat/3.png", IMAGES),
    ("data/train/cat", IMAGES),
    ("data", IMAGES),
]


@pytest.mark.parametrize(("name", "arguments"), CLOSED, ids=[case[0] for case in CLOSED])
def test_what_may_not_be_read(name: str, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    folder("cat")
    for path in (*IDX, "weights.pth", "closed.toml"):
        Path(path).write_text(SUITE)
    Path(name).chmod(0)
    assert Path(name).name in refused(capsys, *arguments)


@pytest.mark.parametrize("inside", ["", "below", "digits"])
def test_results_in_a_read_only_folder(inside: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("kept", "good", "runs").mkdir(parents=True)
    Path("kept", "digits").write_text("in the way")
    for path in (*Path("kept").rglob("*"), Path("kept")):
        path.chmod(0o444 if path.is_file() else 0o555)
    said = refused(capsys, "--suite", "good.toml", "--results", f"kept/{inside}")
    assert "--results: kept" in said and "name another" in said


def test_results_that_another_call_holds(capsys: pytest.CaptureFixture[str]) -> None:
    from bench.system import locks

    Path("results/good/runs").mkdir(parents=True)
    with locks.hold(Path("results/good")):
        assert f"in use by process {os.getpid()} on" in refused(capsys, "--suite", "good.toml")


def test_results_that_are_a_file_or_inside_one(capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("")
    for results in ("file", "file/below", "/proc/none"):
        assert "--results" in refused(capsys, "--suite", "good.toml", "--results", results)


def test_one_bad_input_through_a_process_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.run", "--suite", "digit"], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "bench: unknown suite 'digit'; did you mean 'digits'?\n"
