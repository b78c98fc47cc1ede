"""The lower bounds of setup.cfg, which the continuous integration installs and tries."""

import configparser
import sys
from importlib.metadata import version

import pytest

from tests.lowest import SETUP, lowest


def test_the_oldest_version_of_each_requirement_is_named() -> None:
    text = "[options]\ninstall_requires =\n    numpy>=1.26\n    pythae==0.1.2\n    torch>=2.6\n    scikit-image>=0.22\n"
    assert lowest(text) == ["numpy==1.26", "scikit-image==0.22"]
    with pytest.raises((AttributeError, ValueError)):
        lowest("[options]\ninstall_requires =\n    numpy<2\n")


def test_what_is_installed_here_is_allowed() -> None:
    for requirement in lowest(SETUP.read_text()):
        name, _, least = requirement.partition("==")
        installed = [int(part) for part in version(name).split(".")[:2]]
        assert installed >= [int(part) for part in least.split(".")][:2], requirement


def test_the_python_versions_that_were_tried_are_declared_and_no_others() -> None:
    setup = configparser.ConfigParser()
    setup.read(SETUP)
    classifiers = setup["metadata"]["classifiers"].split("\n")
    assert [c for c in classifiers if "Python ::" in c] == ["Programming Language :: Python :: 3.11"]
    assert setup["options"]["python_requires"] == ">=3.11, <3.12" and sys.version_info[:2] == (3, 11)
