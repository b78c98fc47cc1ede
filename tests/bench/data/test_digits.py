"""The digits are those that scikit-learn's own loader reads."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from bench.data import digits


@pytest.mark.parametrize("found", [True, False])
def test_the_file_is_read_as_scikit_learn_reads_it(found: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not found:  # by scikit-learn itself
        monkeypatch.setattr("bench.data.digits.find_spec", lambda name: None)
    lines, bunch = digits.stored(), load_digits()
    assert lines.shape == (1797, 65)
    np.testing.assert_array_equal(lines[:, :64], bunch.data)
    np.testing.assert_array_equal(lines[:, 64], bunch.target)
