"""WaveFlow: the published sizes, the mathematics of a flow, and a study from audio to a record."""

import math
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from studies import changed

from isojoule.errors import InputError
from isojoule.study import reading
from isojoule.study.cells import Cell, architectures, phases
from isojoule.study.reruns import cell_slice
from isojoule.workloads import interface
from isojoule.workloads.mel import log_mel
from isojoule.workloads.waveflow import sessions
from isojoule.workloads.waveflow.dataset import prepare_study
from isojoule.workloads.waveflow.example import loss
from isojoule.workloads.waveflow.extraction import extract_study
from isojoule.workloads.waveflow.manifest import read_manifest
from isojoule.workloads.waveflow.model import WaveFlow
from isojoule.workloads.waveflow.sessions import Session, Speech

PROJECT = Path(__file__).parents[2]
PUBLISHED_MILLIONS = {(8, 64): 5.91, (16, 64): 5.91, (16, 96): 12.78, (16, 128): 22.25, (16, 256): 86.18}


@pytest.fixture
def study():
    content = {
        "study": "tiny",
        "workload": "waveflow",
        "dataset": {"source": "synthetic", "clips": 5, "test_clips": 2},
        "mel": {
            **{"sample_rate_hz": 8000, "n_fft": 1024, "win_length": 1024, "hop_length": 256},
            **{"window": "hann", "n_mels": 20, "f_min_hz": 0, "f_max_hz": 4000},
        },
        "architectures": {
            "waveflow": [{"height": [8, 16], "channels": 4, "flows": 2, "layers": 3, "train_steps": 1000}]
        },
        "gpus": {"cpu": {"device": "cpu"}},
        "phases": {"train": {"steps": 4}, "test": {"clips": 2, "clip_s": 0.5}},
        "repeats": 1,
        "batch_size": 2,
        "segment_frames": 8,
        "optimizer": {"name": "adam", "learning_rate": 1e-2},
        "energy": {"country_iso_code": "FRA"},
    }
    return reading.check(content)


@pytest.fixture
def features(study, tmp_path):
    prepare_study(study, tmp_path / "dataset")
    extract_study(study, tmp_path / "dataset", tmp_path / "features", 2)
    return tmp_path / "features"


def random_model(height=8, channels=6, flows=4, layers=3, seed=0):
    """With weights of a training, not those of its start, which change nothing."""
    torch.manual_seed(seed)
    model = WaveFlow(height, channels, n_mels=5, flows=flows, layers=layers)
    for flow in model.flows:
        for parameter in flow.end.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def session(study, features, phase, name="waveflow-h8-r4-2x3"):
    torch.manual_seed(0)
    decisive = cell_slice(study, Cell("cpu", name, phase, 0))
    model = WaveFlow(**decisive["architecture"]["arguments"])
    return Session(model, decisive, phase, features, torch.device("cpu"))


@pytest.mark.parametrize(("size", "millions"), PUBLISHED_MILLIONS.items())
def test_the_published_sizes_have_the_published_parameters(size, millions):
    """Cut off after the second decimal, as the paper has them: 5.916, 12.782, 22.253 and 86.186 million."""
    with torch.device("meta"):
        model = WaveFlow(*size)
    assert math.floor(sum(parameter.numel() for parameter in model.parameters()) / 1e4) / 100 == millions


def test_the_published_study_compares_the_published_models():
    study = reading.load(PROJECT / "config" / "waveflow.yaml")
    named = architectures(study)
    sizes = [(a.arguments["height"], a.arguments["channels"]) for a in named.values()]
    assert sizes == list(PUBLISHED_MILLIONS)
    steps = {name: study.whole(name, "train") * 100 for name in named}
    assert (study.optimizer.plain(), study.batch_size) == ({"name": "adam", "learning_rate": 2e-4}, 8)
    assert (study.mel.n_mels, study.mel.sample_rate_hz) == (80, 22050)
    assert list(steps.values()) == [3e6, 3e6, 3e6, 2e6, 1e6]
    assert study.whole("waveflow-h8-r64", "test") == 1


@pytest.mark.parametrize(
    ("clips", "clip_s", "times"),
    # frames are whole: 10 x 862 of them are 100.08 s, 1,000 x 1 are 11.6 s
    [(10, 10, 1), (1000, 0.01, 100 / (1000 * 256 / 22050)), (1, 250, 100 / (21534 * 256 / 22050)), (5, 20, 1)],
)
def test_generation_is_carried_by_the_audio_that_there_is(clips, clip_s, times):
    study = reading.load(PROJECT / "config" / "waveflow.yaml")
    study = changed(study, {"phases.test": {"clips": clips, "clip_s": clip_s}})
    assert study.whole("waveflow-h8-r64", "test") == pytest.approx(times, rel=1e-12)


@given(
    st.sampled_from([2, 8, 16, 32, 64]), st.integers(1, 4), st.integers(1, 3), st.integers(1, 2), st.integers(0, 2**31)
)
@settings(max_examples=12)
def test_generation_is_the_inverse(height, flows, layers, frames, seed):
    model = random_model(height, 3, flows, layers, seed)
    audio, mel = torch.randn(2, 256 * frames), torch.randn(2, 5, frames)
    noise = model(audio, mel)[:, 0]
    assert (model.generate(noise, mel) - audio).abs().max() < 1e-4


@pytest.mark.parametrize("height", [2, 8, 32])
def test_the_log_determinant_is_that_of_autograd(height):
    model = random_model(height).double()
    audio, mel = torch.randn(1, 256, dtype=torch.float64), torch.randn(1, 5, 1, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda samples: model(samples, mel)[0, 0], audio)[:, 0]
    expected = torch.linalg.slogdet(jacobian)[1]
    assert expected.abs() > 1
    assert float(model(audio, mel)[0, 1].sum().detach()) == pytest.approx(float(expected), rel=1e-9)


def test_kept_rows_give_what_whole_computations_give():
    """Row by row without anything kept: the scale and shift of a row from all rows above it, again and again."""
    model = random_model(height=8, flows=1).double()
    flow, noise, mel = model.flows[0], torch.randn(1, 256, dtype=torch.float64), torch.randn(1, 5, 1).double()
    condition = model.condition(mel)
    expected = model._reordered(model.folded(noise.unsqueeze(1)), 0)
    transformed = expected.clone()
    for row in range(1, 8):
        again, log_scale = flow(expected, condition)
        shift = again - expected * log_scale.exp()
        expected[:, :, row] = ((transformed - shift) * (-log_scale).exp())[:, :, row]
    torch.testing.assert_close(model.folded(model.generate(noise, mel).unsqueeze(1)), expected)


def test_every_row_depends_on_those_above_it_alone():
    flow = random_model(height=8).flows[0]
    rows, condition = torch.randn(1, 1, 8, 4, requires_grad=True), torch.randn(1, 5, 8, 4)
    flow(rows, condition)[1][:, :, 5].sum().backward()
    assert rows.grad[:, :, :5].abs().min() > 0
    assert rows.grad[:, :, 5:].abs().max() == 0


def test_the_loss_is_the_negative_log_likelihood_of_the_noise():
    noise, log_derivative = torch.randn(3, 16), torch.randn(3, 16)
    expected = -(torch.distributions.Normal(0, 1).log_prob(noise) + log_derivative).mean()
    assert loss(torch.stack([noise, log_derivative], dim=1), None) == pytest.approx(float(expected))


def test_features_are_the_samples_and_their_spectrogram(study, features):
    clips = read_manifest(features.parent / "dataset" / "manifest.tsv")
    audio, mels, table = (np.load(features / f"{name}.npy") for name in ("audio", "mels", "clips"))
    assert [clip.split for clip in clips] == ["train"] * 3 + ["test"] * 2
    assert table[:, 1].tolist() == [clip.n_frames for clip in clips]
    assert len(audio) == 256 * len(mels) == 256 * table[:, 1].sum()
    first, count, _ = table[1]
    recorded = soundfile.read(clips[1].path, dtype="float32")[0]
    found = audio[256 * first : 256 * (first + count)] / 32767
    assert np.abs(found[: len(recorded)] - recorded).max() < 1 / 32767
    assert not found[len(recorded) :].any()
    long = torch.from_numpy(np.pad(found.astype(np.float32), (0, 512)))
    expected = log_mel(study.mel)(long[None])[0, :, :count].T
    assert np.abs(mels[first : first + count] - expected.numpy()).max() < 0.05


def test_training_and_test_read_their_own_clips(features):
    table, audio = np.load(features / "clips.npy"), np.load(features / "audio.npy") / 32767
    ends = {
        split: 256 * table[rows, :2].sum(axis=1).max() for split, rows in (("train", slice(3)), ("test", slice(3, 5)))
    }
    for split, place in (("train", 0), ("test", 256 * table[3, 0])):
        pieces, mels = Speech(features, split).first(4, 2)
        assert pieces.shape == (2, 1024)
        assert mels.shape == (2, 20, 4)
        assert np.abs(pieces.flatten().numpy() - audio[place : place + 2048]).max() < 1e-6
    assert ends["train"] == 256 * table[3, 0] < ends["test"] == len(audio)


def test_more_is_generated_than_there_is_to_hear(features):
    audio, mels = Speech(features, "test").first(500, 2)
    assert audio.shape == (2, 128_000)
    assert mels.isfinite().all()


def test_a_session_trains_and_takes_back_what_repetitions_did(study, features):
    trained = session(study, features, "train")
    before = {name: value.clone() for name, value in trained.model.state_dict().items()}
    trained.warm_up()
    assert all(torch.equal(value, before[name]) for name, value in trained.model.state_dict().items())
    told = []
    trained.run(told.append)
    assert (len(told), len(set(told))) == (4, 1)
    once = {name: value.clone() for name, value in trained.model.state_dict().items()}
    loss_once = trained.loss()
    assert any(not torch.equal(value, before[name]) for name, value in once.items())
    trained.run()
    trained.run()
    assert trained.loss() < loss_once
    trained.settle()
    assert all(torch.equal(value, once[name]) for name, value in trained.model.state_dict().items())
    assert trained.loss() == loss_once
    assert trained.work.model_dump() == {"epochs": None, "steps": 4, "samples": 8, "batch_size": 2, "audio_s": None}


def test_a_session_generates_audio_that_one_can_listen_to(study, features, tmp_path):
    generating = session(study, features, "test")
    generating.warm_up()
    generating.run()
    found = generating.quality()
    # the start of a training changes nothing: what it generates is the noise, whose likelihood is known
    audio, _ = Speech(features, "test").first(8, 16)
    expected = torch.distributions.Normal(0, 1).log_prob(audio).mean()
    assert found["log_likelihood_nats"] == pytest.approx(float(expected), rel=1e-5)
    assert generating.loss() == -found["log_likelihood_nats"]
    assert found["spectral_distance_db"] > 1
    (tmp_path / "products").mkdir()
    (tmp_path / "products" / "02.wav").write_text("of an earlier measurement, of more clips")
    generating.keep(tmp_path / "products")
    assert sorted(path.name for path in (tmp_path / "products").iterdir()) == ["00.wav", "01.wav"]
    samples, rate_hz = soundfile.read(tmp_path / "products" / "01.wav")
    assert (rate_hz, len(samples)) == (8000, 16 * 256)
    assert generating.work.audio_s == pytest.approx(2 * 16 * 256 / 8000)
    assert (generating.work.steps, generating.work.samples) == (2, 2 * 16 // 8), "clips, and segments of 8 frames"


def test_a_folder_of_speech_goes_in_and_wav_files_come_out(study, tmp_path, capsys):
    (tmp_path / "wavs").mkdir()
    names = ["LJ001-0001", "LJ001-0002", "LJ001-0003"]
    (tmp_path / "metadata.csv").write_text("".join(f"{name}|Printing, in|printing, in\n" for name in names))
    tone = np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    for name, loudness in zip(names, (0.4, 0.5, 0.5), strict=True):
        soundfile.write(tmp_path / "wavs" / f"{name}.wav", np.stack([loudness * tone] * 2, axis=1), 44100)
    study = changed(study, {"dataset": {"source": "ljspeech", "path": str(tmp_path), "test_clips": 1}})
    with pytest.raises(
        InputError, match=r"0002\.wav: is to train on, and the same sound as .*0003\.wav, which is to test"
    ):
        prepare_study(study, tmp_path / "dataset")
    soundfile.write(tmp_path / "wavs" / f"{names[1]}.wav", np.zeros(44100), 44100)
    prepare_study(study, tmp_path / "dataset")
    said = "silent or constant in all that the study uses: 1 of 3 clips:"
    assert capsys.readouterr().err == f"{said}\n       {tmp_path / 'wavs' / names[1]}.wav\n"
    assert extract_study(study, tmp_path / "dataset", tmp_path / "features", 2) == 3
    audio, _ = Speech(tmp_path / "features", "test").first(16, 1)
    # 4,096 samples at 8 kHz, the pitch as it was
    assert audio[0].numpy()[1000:3000].std() == pytest.approx(0.5 / 2**0.5, rel=0.01)
    assert np.abs(np.fft.rfft(audio[0].numpy())).argmax() * 8000 / 4096 == pytest.approx(440, abs=2)
    generating = session(study, tmp_path / "features", "test")
    generating.run()
    generating.keep(tmp_path / "products")
    assert [len(soundfile.read(path)[0]) for path in sorted((tmp_path / "products").iterdir())] == [4096, 4096]


@pytest.mark.parametrize("phase", ["train", "test"])
def test_half_the_bits_give_about_the_same(study, features, phase):
    found = []
    for precision in ("fp32", "bf16"):
        half = session(changed(study, {"precision": precision}), features, phase)
        half.warm_up()
        half.run()
        half.settle()
        found.append(half)
    exact, rough = found
    assert rough.loss() != exact.loss() or phase == "test", "the weights of a test are not trained here"
    assert rough.loss() == pytest.approx(exact.loss(), rel=0.02)
    if phase == "test":
        assert rough.quality() == pytest.approx(exact.quality(), rel=0.02)


def test_what_is_generated_from_its_own_spectrum_is_not_far(study, features):
    generating = session(study, features, "test")
    generating._generated = Speech(features, "test").first(16, 2)[0]
    assert generating._spectral_distance_db() < 3


def test_two_processes_train_as_one_does(study, features):
    alone = session(study, features, "train")
    study = changed(study, {"gpus.cpu.devices": 2})
    with closing(session(study, features, "train")) as together:
        for one in (alone, together):
            one.warm_up()
            one.run()
            one.run()
            one.settle()
        for name, value in together.model.state_dict().items():
            torch.testing.assert_close(value, alone.model.state_dict()[name], rtol=1e-3, atol=1e-5)
        assert together.loss() == pytest.approx(alone.loss(), rel=1e-4)
        assert together.work == alone.work
        (process,) = together._team._processes
        assert process.is_alive()
    assert not process.is_alive()


def test_a_process_that_cannot_begin_says_why(study, features, monkeypatch):
    study = changed(study, {"gpus.cpu.devices": 2})
    decisive = cell_slice(study, Cell("cpu", "waveflow-h8-r4-2x3", "train", 0))
    theirs = {**decisive, "architecture": {**decisive["architecture"], "model": "nowhere:Model"}}
    started = sessions.Team
    monkeypatch.setattr(
        sessions, "Team", lambda size, kind, member, _, features: started(size, kind, member, theirs, features)
    )
    model = WaveFlow(**decisive["architecture"]["arguments"])
    with pytest.raises(RuntimeError, match=r"on device 1: .*nowhere"):
        Session(model, decisive, "train", features, torch.device("cpu"))
    assert not torch.distributed.is_initialized()


def test_a_process_that_dies_ends_the_training_in_a_sentence(study, features):
    study = changed(study, {"gpus.cpu.devices": 2})
    with closing(session(study, features, "train")) as together:
        together.warm_up()
        together._team._processes[0].kill()
        with pytest.raises(RuntimeError, match=r"ended without a word|[Cc]onnection"):
            together.run()


def test_a_session_that_lacks_something_is_refused_before_its_window(study, features):
    good = session(study, features, "test")
    interface.check_session(good, "waveflow")
    with pytest.raises(InputError, match="workload mine: found a session without model, flags, example, warm_up"):
        interface.check_session(object(), "mine")


def test_a_custom_model_needs_to_generate(study, features):
    decisive = cell_slice(study, Cell("cpu", "waveflow-h8-r4-2x3", "train", 0))
    with pytest.raises(InputError, match=r"found no method generate\(noise, mel\), expected one beside forward"):
        Session(torch.nn.Linear(1, 1), decisive, "train", features, torch.device("cpu"))


def test_a_study_without_generation_generates_nothing(study):
    assert phases(changed(study, {"phases.test": None})) == ["train"]


@pytest.mark.parametrize("split", ["train", "test"])
def test_behind_the_end_of_a_split_is_silence(features, split):
    speech = Speech(features, split)
    audio, mels = speech.first(1000, 1)
    ends = int(speech.clips[:, 1].sum())
    assert ends < 1000
    assert audio[0, : 256 * ends].any()
    assert not audio[0, 256 * ends :].any()
    assert speech.unstandardized(mels)[0, :, ends:].unique().tolist() == pytest.approx([math.log(1e-6)], abs=1e-4)


def test_a_missing_clip_is_named(study, tmp_path):
    (tmp_path / "metadata.csv").write_text("LJ001-0001|Printing|Printing\nLJ001-0002|in|in\n")
    study = changed(study, {"dataset": {"source": "ljspeech", "path": str(tmp_path), "test_clips": 1}})
    with pytest.raises(InputError, match=r"dataset.path: found no folder .*wavs, expected the clips of metadata.csv"):
        prepare_study(study, tmp_path / "out")
    (tmp_path / "wavs").mkdir()
    with pytest.raises(InputError, match=r"2 files are wrong\n.*LJ001-0001.wav: is missing"):
        prepare_study(study, tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a|x\na|y\n", "found a twice, expected every clip once"),
        ("a|x\n", "test_clips: found 2 of the 1 clips of .*expected some to be left to train on"),
        (None, "metadata.csv: cannot be read"),
        ("a|one\x85two\nb|one\u2028two\n", "test_clips: found 2 of the 2 clips"),
        ("\n", "metadata.csv: found no clips, expected the table of LJSpeech"),
        ("a,x\nb,y\n", r"metadata.csv: found no line with \| in it, expected the table of LJSpeech"),
    ],
)
def test_a_wrong_table_of_clips_is_refused(study, tmp_path, text, message):
    (tmp_path / "wavs").mkdir()
    if text is not None:
        (tmp_path / "metadata.csv").write_text(text)
    study = changed(study, {"dataset": {"source": "ljspeech", "path": str(tmp_path), "test_clips": 2}})
    with pytest.raises(InputError, match=message):
        prepare_study(study, tmp_path / "out")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"mel.hop_length": 200}, "mel.hop_length: found 200, expected 256"),
        ({"mel.n_frames": 64}, "mel.n_frames: found 64, expected none; segment_frames is the length"),
        ({"mel.n_frame": 64}, "mel.n_frame: unknown key, expected one of sample_rate_hz"),
        ({"optimizer.name": "adamax"}, "optimizer.name: found 'adamax', expected one of adam, adamw"),
        (
            {"architectures.waveflow.0.height": 12},
            "height: found 12, expected one of 2, 4, 8, 16, 32, 64, 128, or a list of them",
        ),
        (
            {"architectures.waveflow.0.height": 8.0},
            "height: found 8.0, expected one of 2, 4, 8, 16, 32, 64, 128, or a list of them",
        ),
        ({"architectures.waveflow.0.channels": 0}, "channels: found 0, expected a whole number of 1"),
        ({"analysis.quality_table": "nowhere.csv"}, "quality_table: found no file nowhere.csv in /"),
        ({"gpus.cpu.devices": 3}, "gpus.cpu.devices: found 3, expected a divisor of batch_size"),
        (
            {"phases.train.steps": 1001},
            r"architectures.waveflow.0.train_steps: found 1000, expected at least phases.train.steps \(1001\)",
        ),
        (
            {"analysis.quality_table": "q.csv", "phases.test": None},
            "analysis.quality_table: found no phase test in this study",
        ),
        ({"phases.train.steps": None}, "phases.train.steps: missing"),
        ({"workload": "wavflow"}, "workload: found 'wavflow', expected one of tagging, waveflow"),
        ({"pareto.qualities": ["macro_f1"]}, "expected one of mean_opinion_score, log_likelihood_nats"),
    ],
)
def test_a_wrong_configuration_is_refused_by_name(tmp_path, study, values, message):
    with pytest.raises(InputError, match=message):
        reading.check_files(changed(study, values), tmp_path)
