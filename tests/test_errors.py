"""The family of errors."""

from __future__ import annotations

import inspect
import pickle

import pytest

from tokencraft import errors

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_derives_from_one(kind: type) -> None:
    assert issubclass(kind, errors.TokencraftError)
    assert kind.__doc__


@pytest.mark.parametrize("kind", CLASSES)
def test_errors_cross_processes(kind: type) -> None:
    error = kind("ray", "cluster") if kind is errors.MissingExtraError else kind("what, where, what to do")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error)


def test_missing_extra_names_the_remedy() -> None:
    error = errors.MissingExtraError("ray", "cluster")
    assert str(error) == "ray is not installed; install it with: pip install 'tokencraft[cluster]'"
    assert (error.package, error.extra) == ("ray", "cluster")
