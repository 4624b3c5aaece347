"""The qualities of taggers are those of scikit-learn, which they do not import."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import average_precision_score, f1_score

from isojoule.workloads.tagging.qualities import of_multi_label, of_single_label

SHAPES = st.tuples(st.integers(1, 30), st.integers(1, 5))


def of_classes(score, targets, guesses):
    """The mean of a score of scikit-learn over the classes that occur."""
    present = targets.any(axis=0)
    return np.mean([score(*of_class) for of_class in zip(targets[:, present].T, guesses[:, present].T, strict=True)])


def f1(targets, guesses):
    return f1_score(targets, guesses, zero_division=0)


@given(st.data())
def test_qualities_of_several_labels(data):
    shape = data.draw(SHAPES)
    targets = data.draw(arrays.arrays(np.float32, shape, elements=st.sampled_from([0.0, 1.0])))
    # few values, so that many clips have the same
    probabilities = data.draw(arrays.arrays(np.float32, shape, elements=st.integers(0, 6).map(lambda part: part / 6)))
    targets[0, 0] = 1.0
    qualities = of_multi_label(targets, probabilities)
    np.testing.assert_allclose(qualities["macro_f1"], of_classes(f1, targets, probabilities > 0.5), rtol=1e-12)
    expected = of_classes(average_precision_score, targets, probabilities)
    np.testing.assert_allclose(qualities["mean_average_precision"], expected, rtol=1e-12)


@given(st.data())
def test_qualities_of_one_label(data):
    clips, classes = data.draw(SHAPES)
    labels = data.draw(arrays.arrays(np.int64, clips, elements=st.integers(0, classes - 1)))
    targets = np.eye(classes, dtype=np.float32)[labels]
    probabilities = data.draw(arrays.arrays(np.float32, (clips, classes), elements=st.floats(0, 1, width=32)))
    guesses = probabilities.argmax(axis=1)
    qualities = of_single_label(targets, probabilities)
    assert qualities["accuracy"] == np.mean(guesses == labels)
    expected = of_classes(f1, targets, np.eye(classes)[guesses])
    np.testing.assert_allclose(qualities["macro_f1"], expected, rtol=1e-12)
