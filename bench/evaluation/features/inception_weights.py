"""Where the weights of FID's Inception network come from."""

from pathlib import Path

from bench.data.download import fetch
from bench.data.places import Progress, cache_folder
from bench.errors import BadInput
from bench.system.manifest import checksum

FILE = "pt_inception-2015-12-05-6726825d.pth"
URL = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{FILE}"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"


def find_weights(asked: str | None, progress: Progress) -> Path | None:
    """Return the weights' file: the one named, one of an earlier download, or none; "download" fetches and checks it.

    Raises BadInput where the named file is absent or the download fails.
    """
    cached = cache_folder() / FILE
    if asked == "download":
        return cached if cached.is_file() else fetch(URL, cached, SHA256, progress, checksum)
    if asked is None:
        return cached if cached.is_file() else None
    if not Path(asked).is_file():
        raise BadInput(f"--fid-weights {asked}: no such file; name pytorch-fid's {FILE}, or write 'download'")
    return Path(asked)
