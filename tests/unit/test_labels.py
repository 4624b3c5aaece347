"""Tables of labels, as DESED and others write them, and what is wrong with some."""

import pytest

from isojoule.errors import InputError
from isojoule.workloads.tagging.labels import read_labels


@pytest.fixture
def table(tmp_path):
    """Write a table of labels and return its path."""

    def write(text, name="train.tsv"):
        path = tmp_path / name
        path.write_bytes(text.encode())
        return path

    return write


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_labels_are_read_as_desed_writes_them(table, start, end):
    path = table(start + end.join(["filename\tevent_labels", "a.wav\tDog, Cat", "b.wav\tCat", ""]))
    assert read_labels(path, ["Cat", "Dog"]).of_clips == {"a.wav": ["Dog", "Cat"], "b.wav": ["Cat"]}


def test_rows_of_one_clip_are_joined(table):
    names = ["a.wav", "./a.wav", "b/../a.wav", ".//a.wav", " a.wav "]
    path = table("filename\tevent_labels\n" + "".join(f"{name}\tCat,Dog\n" for name in names))
    assert read_labels(path, ["Cat", "Dog"]).of_clips == {"a.wav": ["Cat", "Dog"]}


@pytest.mark.parametrize("label", ["event_label", "event_labels"])
def test_the_labels_of_a_clip_are_the_classes_of_its_events(table, label):
    rows = ["a.wav\t0.5\t1.0\tDog", "a.wav\t0.9\t10\tCat", "b.wav\t\t\t", "a.wav\t3\t4\tDog"]
    labels = read_labels(table("\n".join([f"filename\tonset\toffset\t{label}", *rows])), ["Cat", "Dog"])
    assert labels.of_clips == {"a.wav": ["Dog", "Cat"], "b.wav": []}
    assert (labels.events, labels.broken_rows) == (3, {})


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("b.wavDog", "found 1 columns, expected the 2 of the header"),
        ("./b.wav Dog", "found 1 columns, expected the 2 of the header"),
        ("b.wav\tDog\tCat", "found 3 columns, expected the 2 of the header"),
    ],
)
def test_a_broken_row_leaves_out_the_clip_whose_classes_it_has(table, row, reason):
    labels = read_labels(table(f"filename\tevent_labels\na.wav\tDog\n{row}\nb.wav\tCat\n"), ["Cat", "Dog"])
    assert labels.broken_rows == {3: reason}
    assert labels.of_clips == {"a.wav": ["Dog"]}


def test_a_row_without_a_file_name_is_broken(table):
    labels = read_labels(table("filename\tevent_labels\na.wav\tDog\n\tDog\n"), ["Cat", "Dog"])
    assert labels.broken_rows == {3: "found no file name"}
    assert labels.of_clips == {"a.wav": ["Dog"]}


@pytest.mark.parametrize("times", ["x\t1", "2\t1", "-1\t1", "nan\t1", "0\tinf", "\t1"])
def test_an_event_without_its_times_spoils_its_clip(table, times):
    text = f"filename\tonset\toffset\tevent_label\na.wav\t{times}\tDog\na.wav\t1\t2\tCat\nb.wav\t1\t2\tCat\n"
    labels = read_labels(table(text), ["Cat", "Dog"])
    assert labels.of_clips == {"b.wav": ["Cat"]}
    assert "expected two times in seconds" in labels.broken_rows[2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file\tlabel\na.wav\tDog\n", r"found the header \['file', 'label'\], expected the columns filename and"),
        ("", r"found the header \[\]"),
        ("filename\tevent_labels\n", "found no labelled clip"),
        ("filename\tevent_labels\na.wav\tBird\n", "line 2: a.wav has the unknown class Bird; the classes are Cat, Dog"),
        ("filename\tevent_labels\tevent_labels\na.wav\tDog\tCat\n", "found the header .*, expected each of filename, "),
        ("filename\tonset\toffset\tevent_label\tevent_label\n", "found the header .*, expected each of filename, "),
        ("filename\tonset\toffset\tevent_label\tevent_labels\n", "found the header .*, expected each of filename, "),
        ("filename\tonset\tevent_label\na.wav\t1\tDog\n", r"found .*, or filename, onset, offset and event_label"),
        ("filename\tevent_labels\n" + "a" * 2**18 + "\tDog\n", "cannot be read as a table of labels: field larger"),
    ],
)
def test_a_wrong_table_is_refused_by_name(table, text, message):
    with pytest.raises(InputError, match=r"train\.tsv: " + message):
        read_labels(table(text), ["Cat", "Dog"])


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.tsv: is missing, expected a table of labels"):
        read_labels(tmp_path / "none.tsv", ["Cat"])
