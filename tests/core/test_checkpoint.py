"""Checkpoints: reading returns what was written, and errors name what does not fit."""

import io
import json
import zipfile
from fractions import Fraction

import numpy as np
import pytest
import yaml

from allin1_mlx.checkpoint import check_arrays, read_arrays, read_checkpoint, read_config
from allin1_mlx.errors import CheckpointError

from ..support.torch_files import Call, Global, Writer, write_archive, write_torch


@pytest.fixture
def arrays():
    rng = np.random.default_rng(7)
    shapes = {"conv.weight": (4, 3, 5, 2), "dense.weight": (6, 4), "bias": (6,), "scale": ()}
    return {k: np.asarray(rng.standard_normal(s), np.float32) for k, s in shapes.items()}


def write_safetensors(path, arrays, kinds=None):
    """The format by hand: length, JSON header, numbers."""
    header, body = {"__metadata__": {"format": "mlx"}}, b""
    for key, array in arrays.items():
        kind, data = (kinds or {}).get(key, ("F32", array.tobytes()))
        span = [len(body), len(body) + len(data)]
        header[key] = {"dtype": kind, "shape": list(array.shape), "data_offsets": span}
        body += data
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)
    return path


def assert_same(found, expected):
    assert list(found) == list(expected)
    for key, array in expected.items():
        assert found[key].shape == array.shape
        assert found[key].dtype == np.float32
        np.testing.assert_array_equal(found[key], array)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_gives_its_arrays(tmp_path, arrays, save):
    save(tmp_path / "a.npz", **arrays)
    assert_same(read_arrays(tmp_path / "a.npz"), arrays)


def test_npz_of_other_float_types_and_orders_becomes_float32(tmp_path):
    values = np.arange(12).reshape(3, 4)
    kinds = {"half": "<f2", "double": "<f8", "big": ">f4"}
    saved = {name: values.astype(kind) for name, kind in kinds.items()}
    saved["columns"] = np.asfortranarray(values.astype(np.float32))
    np.savez(tmp_path / "a.npz", **saved)
    assert_same(read_arrays(tmp_path / "a.npz"), {k: values.astype(np.float32) for k in saved})


def test_safetensors_gives_its_arrays(tmp_path, arrays):
    assert_same(read_arrays(write_safetensors(tmp_path / "a.safetensors", arrays)), arrays)


def test_safetensors_written_by_mlx_is_read(tmp_path, arrays):
    mx = pytest.importorskip("mlx.core")
    mx.save_safetensors(
        str(tmp_path / "a.safetensors"), {k: mx.array(v) for k, v in arrays.items()}
    )
    found = read_arrays(tmp_path / "a.safetensors")
    assert_same({key: found[key] for key in arrays}, arrays)


def test_npz_written_by_mlx_is_read(tmp_path, arrays):
    mx = pytest.importorskip("mlx.core")
    mx.savez(str(tmp_path / "a.npz"), **{key: mx.array(value) for key, value in arrays.items()})
    found = read_arrays(tmp_path / "a.npz")
    assert_same({key: found[key] for key in arrays}, arrays)


def test_half_and_bfloat_safetensors_become_float32(tmp_path):
    values = np.array([1.0, -2.5, 0.15625, 96.0], np.float32)
    kinds = {
        "half": ("F16", values.astype("<f2").tobytes()),
        "brain": ("BF16", (values.view(np.uint32) >> 16).astype("<u2").tobytes()),
        "double": ("F64", values.astype("<f8").tobytes()),
    }
    path = write_safetensors(tmp_path / "a.safetensors", dict.fromkeys(kinds, values), kinds)
    assert_same(read_arrays(path), dict.fromkeys(kinds, values))


def test_torch_file_gives_its_arrays_and_values(tmp_path, arrays):
    fields = {
        "klass": Global("demucs.htdemucs", "HTDemucs"),
        "kwargs": {"segment": Fraction(39, 5), "sources": ["a", "b"], "x": 0.5, "y": None},
    }
    path = write_torch(tmp_path / "a.th", {**fields, "state": arrays})
    found = read_checkpoint(path)
    assert_same(found.arrays, arrays)
    assert found.fields["kwargs"] == fields["kwargs"]


def test_half_precision_torch_weights_become_float32(tmp_path, arrays):
    halves = {key: array.astype(np.float16) for key, array in arrays.items()}
    found = read_checkpoint(write_torch(tmp_path / "a.th", {"state": halves})).arrays
    assert_same(found, {key: array.astype(np.float32) for key, array in halves.items()})


def test_transposed_torch_tensors_keep_their_order(tmp_path):
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    found = read_checkpoint(write_torch(tmp_path / "a.th", {"state": {"t": array.T}})).arrays
    assert_same(found, {"t": np.ascontiguousarray(array.T)})


def test_numpy_scalars_in_training_arguments_are_passed_over(tmp_path, arrays):
    # The published htdemucs holds such: a dtype, and bytes that protocol 2 writes as a call.
    kind = Call(Global("numpy", "dtype"), ("f8", False, True))
    data = Call(Global("_codecs", "encode"), ("\x00\x00\x00\x00\x00\x00\xf0?", "latin1"))
    score = Call(Global("numpy.core.multiarray", "scalar"), (kind, data))
    path = write_torch(tmp_path / "a.th", {"state": arrays, "training_args": {"best": score}})
    assert_same(read_checkpoint(path).arrays, arrays)


def test_a_checkpoint_of_the_authors_is_read(shared):
    found = read_checkpoint(shared / "golden/htdemucs/tiny-htdemucs.th")
    assert len(found.arrays) == 321
    assert found.arrays["encoder.0.conv.weight"].shape == (8, 4, 8, 1)
    assert found.fields["kwargs"]["segment"] == 2


def test_original_harmonix_files_give_the_same_arrays_and_config(tmp_path, arrays):
    torch_layout = {k: np.moveaxis(v, -1, 1) if v.ndim == 4 else v for k, v in arrays.items()}
    contiguous = {key: array.copy() for key, array in torch_layout.items()}
    config = {"depth": 11, "data": {"num_labels": 10}, "min_lr": 1e-7}
    path = write_torch(tmp_path / "f.pth", {"state_dict": contiguous, "config": config})
    assert_same(read_arrays(path), arrays)
    assert read_config(path) == config


def test_original_harmonix_layout_of_the_published_fold(shared, tmp_path):
    folder = shared / "weights"
    published = read_arrays(folder / "harmonix-fold0_mlx.npz")
    state = {
        key: np.ascontiguousarray(np.moveaxis(array, -1, 1)) if array.ndim == 4 else array
        for key, array in published.items()
    }
    config = read_config(folder / "harmonix-fold0_mlx.yaml")
    path = write_torch(tmp_path / "fold0.pth", {"state_dict": state, "config": config})
    assert_same(read_arrays(path), published)
    assert read_config(path) == config


def test_yaml_and_json_configurations_are_equal(tmp_path):
    config = {"depth": 11, "min_lr": 1e-7, "sched": None, "data": {"num_labels": 10}}
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "a.json").write_text(json.dumps(config))
    assert read_config(tmp_path / "a.yaml") == read_config(tmp_path / "a.json") == config


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "!!python/object/apply:os.system ['true']"),
        ("a.yaml", "a: &x [1, 2]\nb: *x"),
        ("a.yaml", "- 1\n- 2"),
        ("a.yaml", "1: 2"),
        ("a.yaml", "a: [1, 2"),
        ("a.yaml", "[" * 15000),
        ("a.json", "[" * 15000),
        ("a.json", "{"),
        ("a.json", '"text"'),
        ("a.yaml", ""),
        ("a.yaml", "x" * 100_000),
    ],
)
def test_an_invalid_configuration_is_refused(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(CheckpointError, match=f"^{name}: "):
        read_config(tmp_path / name)


def test_arrays_that_fit_are_accepted(arrays):
    check_arrays(arrays, {key: array.shape for key, array in arrays.items()}, name="a.npz")


def test_arrays_that_do_not_fit_are_named(arrays):
    expected = {"dense.weight": (4, 6), "bias": (6,), "scale": (), "gamma": (3,)}
    with pytest.raises(CheckpointError) as caught:
        check_arrays(arrays, expected, name="a.npz")
    message = str(caught.value)
    assert message.startswith("a.npz: ")
    assert "1 missing: gamma" in message
    assert "1 left over: conv.weight" in message
    assert "1 of another shape: dense.weight (6, 4) instead of (4, 6)" in message


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_with_nan_or_infinity_are_refused(arrays, bad):
    arrays["bias"][3] = bad
    shapes = {key: array.shape for key, array in arrays.items()}
    with pytest.raises(CheckpointError, match=r"^a\.npz: bias holds NaN or infinite"):
        check_arrays(arrays, shapes, name="a.npz")


def test_values_too_large_for_float32_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", huge=np.array([1e300]))
    with pytest.raises(CheckpointError, match="infinite"):
        check_arrays(read_arrays(tmp_path / "a.npz"), {"huge": (1,)}, name="a.npz")


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "none.npz")


@pytest.mark.parametrize("suffix", [".npz", ".pth", ".safetensors", ".yaml"])
def test_random_damage_gives_arrays_or_one_line(tmp_path, suffix):
    """The content of the archives is damaged, so their checksums do not reveal it."""
    rng = np.random.default_rng(11)
    weights = rng.standard_normal((2, 3)).astype(np.float32)
    writer = Writer()
    stream = io.BytesIO()
    np.lib.format.write_array(stream, weights)
    header = {"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}
    original = {
        ".npz": stream.getvalue(),
        ".pth": b"\x80\x02"
        + writer.emit({"state_dict": {"w": weights}, "config": {"a": [1]}})
        + b".",
        ".safetensors": json.dumps(header).encode(),
        ".yaml": yaml.safe_dump({"depth": 11, "data": {"num_labels": 10}}).encode(),
    }[suffix]
    path = tmp_path / f"a{suffix}"
    for _ in range(500):
        data = bytearray(original)
        for place in rng.integers(len(data), size=rng.integers(1, 5)):
            piece = rng.choice(list(b"\x00\x7f\xff9-({'\n"), size=rng.integers(0, 4)).tolist()
            data[place : place + rng.integers(0, 4)] = bytes(piece)
        if suffix == ".npz":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("w.npy", data)
        elif suffix == ".pth":
            write_archive(path, bytes(data), writer.storages)
        elif suffix == ".safetensors":
            path.write_bytes(len(data).to_bytes(8, "little") + data + weights.tobytes())
        else:
            path.write_bytes(data)
        complaint = path.name
        try:
            read_config(path) if suffix == ".yaml" else read_arrays(path)
        except CheckpointError as e:
            complaint = str(e)
        assert complaint.startswith(path.name)
        assert "\n" not in complaint


def test_an_unknown_kind_of_file_is_refused(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"123")
    with pytest.raises(CheckpointError, match=r"expected \.npz, \.safetensors or \.pth"):
        read_arrays(tmp_path / "a.bin")
