"""What is asked for and is not there."""

from pathlib import Path

from .common import QUICK, Fault, Seen, bench, one_line


def unknown_names(folder: Path) -> Seen:
    (folder / "mine.toml").write_text(QUICK)
    asked = [
        (["--set", "epoch=3"], "'epochs'"),
        (["--set", "dataset=digit"], "'digits'"),
        (["--set", "evaluation.nll_sample=3"], "'nll_samples'"),
        (["--models", "VEA"], "'VAE'"),
    ]
    for arguments, right in asked:
        assert f"did you mean {right}?" in one_line(bench(folder, *arguments), 2)
    assert "did you mean 'digits'?" in one_line(bench(folder, suite="digit"), 2)
    assert not (folder / "results").exists()
    return Seen(
        f"exit 2 and did-you-mean for {len(asked) + 1}; nothing written (tests/bench/test_bad_inputs.py has the others)"
    )


FAULTS = [Fault("unknown key, model, data set, suite", "exit 2, did-you-mean", unknown_names, True)]
