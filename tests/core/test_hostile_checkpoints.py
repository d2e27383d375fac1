"""Hostile checkpoints: one clear error each, nothing executed, nothing written, little memory.

All files are read in one separate process, under an audit hook that records each call, import or
write that reading numbers does not need.
"""

import io
import json
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import allin1_mlx

from ..support.torch_files import Call, Global, Writer, write_archive, write_torch

WEIGHTS = np.ones((2, 3), np.float32)
NUMBERS = WEIGHTS.tobytes()
STATE = {"w": WEIGHTS}
PAYLOAD = "touch pwned"

CASES: dict[str, Callable] = {}  # file name -> function that writes the file


def hostile(name):
    """Register a function that makes a hostile file of this name at a path."""

    def register(function):
        assert name not in CASES
        CASES[name] = function
        return function

    return register


# --- names that must never be looked up ------------------------------------------------------

CALLS = {
    "os system": (PAYLOAD,),
    "posix system": (PAYLOAD,),
    "nt system": (PAYLOAD,),
    "builtins eval": ("__import__('os').system('touch pwned')",),
    "builtins exec": ("open('pwned', 'w')",),
    "builtins open": ("pwned", "w"),
    "builtins __import__": ("os",),
    "builtins getattr": (Global("os", "path"), "join"),
    "__builtin__ eval": ("1",),
    "subprocess Popen": (["touch", "pwned"],),
    "shutil rmtree": (".",),
    "importlib import_module": ("antigravity",),
    "runpy run_path": ("pwned.py",),
    "ctypes CDLL": ("pwned.so",),
    "socket create_connection": (("127.0.0.1", 9),),
    "numpy load": ("pwned.npy", None, True),
    "numpy fromfile": ("pwned",),
    "numpy savetxt": ("pwned", [1]),
    "numpy.core.multiarray _reconstruct": (Global("numpy", "ndarray"), (0,), "b"),
    "numpy.testing._private.utils runstring": ("import os", {}),
    "torch.hub load": ("a/b", "c"),
    "torch.storage _load_from_bytes": ("x",),
    "torch._utils _rebuild_tensor": ("x",),
    "collections OrderedDict.fromkeys": ("abc",),
}


def case_calling(module, name, arguments):
    def write(path):
        trap = Call(Global(module, name), arguments)
        write_torch(path, {"state": STATE, "training_args": {"x": trap}})

    return write


for key, arguments in CALLS.items():
    module, function = key.split(" ")
    hostile(f"calls-{module}.{function}.th")(case_calling(module, function, arguments))


@hostile("nested-reduce-in-ordered-dict.th")
def _(path):
    inner = Call(Global("os", "system"), (PAYLOAD,))
    write_torch(path, {"state": Call(Global("collections", "OrderedDict"), ([["w", inner]],))})


@hostile("nested-reduce-of-a-result.th")
def _(path):
    scalar = Writer().emit(Call(Global("numpy", "dtype"), ("f8",)))
    program = b"\x80\x02" + scalar + Writer().emit((PAYLOAD,)) + b"R."
    write_archive(path, program, [])


@hostile("nested-reduce-in-tensor-arguments.th")
def _(path):
    trap = Call(Global("os", "system"), (PAYLOAD,))
    state = {"w": Call(Global("torch._utils", "_rebuild_tensor_v2"), (trap, 0, (2, 3), (3, 1)))}
    write_torch(path, {"state": state})


@hostile("harmonix-calls-eval.pth")
def _(path):
    write_torch(path, {"state_dict": STATE, "config": Call(Global("builtins", "eval"), ("1",))})


# --- instructions that no checkpoint needs ---------------------------------------------------

PROGRAMS = {
    "inst": b"(S'touch pwned'\nios\nsystem\n.",
    "obj": b"(cos\nsystem\nS'touch pwned'\no.",
    "newobj": b"cos\nsystem\n(X\x0b\x00\x00\x00touch pwnedt\x81.",
    "stack-global": b"\x8c\x02os\x8c\x06system\x93\x8c\x0btouch pwned\x85R.",
    "extension": b"\x82\x01.",
    "text-reference": b"Pos.system\n.",
    "build-on-a-name": b"ccollections\nOrderedDict\n}b.",
    "next-buffer": b"\x97.",
    "bytearray-of-100-gb": b"\x96" + struct.pack("<Q", 10**11) + b"x.",
    "text-of-4-gb": b"X\xff\xff\xff\xff" + b"x" * 10 + b".",
    "without-an-end": b"}(",
    "empty": b"",
    "only-an-end": b".",
    "mark-as-value": b"(.",
    "unknown-memo": b"h\x07.",
    "random-bytes": bytes(range(255, 127, -1)),
    "a-million-steps": b"N0" * 500_000 + b".",
    "exponential-key": b")" + b"q\x00h\x00\x86" * 200 + b"}h\x00Ns.",
    "number-without-end": b"\x8b" + struct.pack("<i", 2**31 - 1) + b"\x01.",
}


def case_program(program):
    return lambda path: write_archive(path, b"\x80\x02" + program, [])


for key, program in PROGRAMS.items():
    hostile(f"program-{key}.th")(case_program(program))


@hostile("pickle-of-10-mb.th")
def _(path):
    write_archive(path, b"\x80\x02" + b"}0" * 5_000_000 + b"}.", [])


# --- tensors that claim what they do not hold ------------------------------------------------


def case_tensor(kind="FloatStorage", size=6, offset=0, shape=(2, 3), strides=(3, 1), **other):
    """A tensor over a storage of 24 bytes with one wrong property."""
    key, tag = other.get("key", "0"), other.get("tag", "storage")

    def write(path):
        writer = Writer()
        record = writer.emit((tag, Global("torch", kind), key, "cpu", 0))
        record = record.replace(b"J\x00\x00\x00\x00t", b"\x8a\x08" + struct.pack("<q", size) + b"t")
        rebuild = writer.emit(Global("torch._utils", "_rebuild_tensor_v2"))
        rest = b"".join(writer.emit(value) for value in (offset, shape, strides, False))
        tensor = rebuild + b"(" + record + b"Q" + rest + b"tR"
        program = b"\x80\x02}" + writer.emit("state") + b"}" + writer.emit("w") + tensor + b"ss."
        write_archive(path, program, [NUMBERS])

    return write


TENSORS = {
    "integers": case_tensor(kind="LongStorage"),
    "of-an-unknown-kind": case_tensor(kind="QInt8Storage"),
    "of-100-gb": case_tensor(size=25 * 10**9, shape=(10**5, 250000), strides=(250000, 1)),
    "storage-larger-than-file": case_tensor(size=7),
    "storage-smaller-than-file": case_tensor(size=5, shape=(5,), strides=(1,)),
    "storage-of-nothing": case_tensor(size=0),
    "negative-storage": case_tensor(size=-6),
    "beyond-its-storage": case_tensor(shape=(3, 3)),
    "offset-beyond": case_tensor(offset=1),
    "negative-offset": case_tensor(offset=-1),
    "repeated-a-million-times": case_tensor(shape=(1000, 1000), strides=(0, 0)),
    "negative-strides": case_tensor(strides=(-3, -1)),
    "overlapping-itself": case_tensor(shape=(4, 3), strides=(1, 1)),
    "of-negative-shape": case_tensor(shape=(-2, -3)),
    "of-no-shape": case_tensor(shape=[2, 3]),
    "missing-storage": case_tensor(key="17"),
    "storage-outside": case_tensor(key="../../0"),
    "of-another-reference": case_tensor(tag="module"),
}

for key, write in TENSORS.items():
    hostile(f"tensor-{key}.th")(write)


@hostile("one-storage-read-ten-thousand-times.th")
def _(path):
    big = np.zeros(3_000_000, np.float32)
    writer = Writer()
    tensor = writer.emit(big) + b"q\x00"
    names = b"".join(writer.emit(f"w{i}") + b"h\x00" for i in range(10_000))
    body = b"}(" + writer.emit("w") + tensor + names + b"u"
    program = b"\x80\x02}" + writer.emit("state") + body + b"s."
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", program)
        archive.writestr("archive/data/0", writer.storages[0])


@hostile("state-of-text.th")
def _(path):
    write_torch(path, {"state": {"w": "text"}})


@hostile("no-state.th")
def _(path):
    write_torch(path, {"weights": STATE})


@hostile("not-even-a-dict.th")
def _(path):
    write_torch(path, [1, 2, Fraction(1, 2)])


@hostile("fraction-without-end.th")
def _(path):
    long = Call(Global("fractions", "Fraction"), ("1e999999999",))
    write_torch(path, {"state": STATE, "kwargs": {"segment": long}})


@hostile("nan-weights.th")
def _(path):
    write_torch(path, {"state": {"w": np.full((2, 3), np.nan, np.float32)}})


@hostile("infinite-half-weights.th")
def _(path):
    write_torch(path, {"state": {"w": np.full((2, 3), np.inf, np.float16)}})


# --- archives --------------------------------------------------------------------------------


def npy(array, **options):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array), **options)
    return stream.getvalue()


def npy_header(text, data=NUMBERS):
    """A .npy file whose header is `text`."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


def case_members(*members, method=zipfile.ZIP_STORED):
    def write(path):
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, data in members:
                archive.writestr(name, data)

    return write


def case_patched(write, old, new):
    """A file with bytes exchanged after it was written."""

    def patched(path):
        write(path)
        data = path.read_bytes()
        assert old in data
        path.write_bytes(data.replace(old, new))

    return patched


WHOLE = case_members(("w.npy", npy(WEIGHTS)))
SIZE = struct.pack("<I", len(npy(WEIGHTS)))
CENTRAL = b"PK\x01\x02\x14\x03\x14\x00"  # an entry of the directory, up to its flags
ZEROS_64_MB = bytes(64 << 20)


def case_truncated(share):
    def write(path):
        WHOLE(path)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])

    return write


def header_of(shape, descr="'<f4'", order="False"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}"


ARCHIVES = {
    "claims-4-gb": case_patched(WHOLE, SIZE * 2, SIZE + b"\xfe\xff\xff\xff"),
    "claims-less-than-it-holds": case_patched(WHOLE, SIZE * 2, struct.pack("<II", 100, 100)),
    "bomb": case_members(("w.npy", ZEROS_64_MB), method=zipfile.ZIP_DEFLATED),
    "bombs": case_members(
        *((f"{i}.npy", ZEROS_64_MB[: 8 << 20]) for i in range(8)), method=zipfile.ZIP_DEFLATED
    ),
    "bzip2": case_members(("w.npy", npy(WEIGHTS)), method=zipfile.ZIP_BZIP2),
    "lzma": case_members(("w.npy", npy(WEIGHTS)), method=zipfile.ZIP_LZMA),
    "truncated-by-half": case_truncated(0.5),
    "truncated-by-a-byte": case_truncated(0.999),
    "cut-to-its-first-bytes": case_truncated(0.1),
    "climbs-out": case_members(("../../pwned.npy", npy(WEIGHTS))),
    "absolute-name": case_members(("/tmp/pwned.npy", npy(WEIGHTS))),
    "drive-name": case_members(("C:\\pwned.npy", npy(WEIGHTS))),
    "wrong-checksum": case_patched(WHOLE, NUMBERS, bytes(24)),
    "encrypted": case_patched(WHOLE, CENTRAL + bytes(2), CENTRAL + b"\x01\x00"),
    "without-arrays": case_members(("readme.txt", b"hello")),
    "not-an-array": case_members(("w.npy", b"hello")),
    "empty-member": case_members(("w.npy", b"")),
    "pickled-objects": case_members(("w.npy", npy(np.array([{}], object), allow_pickle=True))),
    "header-is-code": case_members(("w.npy", npy_header("__import__('os').system('touch pwned')"))),
    "header-nested": case_members(("w.npy", npy_header("(" * 9000))),
    "header-of-60-kb": case_members(("w.npy", npy_header(" " * 60_000))),
    "header-claims-too-much": case_members(("w.npy", npy_header(header_of("(2, 4)")))),
    "header-claims-100-gb": case_members(("w.npy", npy_header(header_of(f"({10**11},)")))),
    "header-overflows": case_members(("w.npy", npy_header(header_of(f"({2**62}, 4)")))),
    "header-negative": case_members(("w.npy", npy_header(header_of("(-2, -3)")))),
    "header-with-many-axes": case_members(("w.npy", npy_header(header_of(f"({'1,' * 70})")))),
    "header-with-nothing": case_members(("w.npy", npy_header(header_of("(0, 3)"), b""))),
    "header-of-later-format": case_members(("w.npy", b"\x93NUMPY\x09\x00\x00\x00")),
    "integers": case_members(("w.npy", npy(np.ones((2, 3), np.int64)))),
    "complex": case_members(("w.npy", npy(np.ones((2, 3), np.complex64)))),
    "text": case_members(("w.npy", npy(np.full((2, 3), "x")))),
    "records": case_members(("w.npy", npy(np.zeros((2, 3), "f4,f4")))),
    "nan": case_members(("w.npy", npy(WEIGHTS * np.nan))),
    "wrong-shape": case_members(("w.npy", npy(WEIGHTS.T))),
    "wrong-name": case_members(("v.npy", npy(WEIGHTS))),
    "one-too-many": case_members(("w.npy", npy(WEIGHTS)), ("x.npy", npy(WEIGHTS))),
}

for key, write in ARCHIVES.items():
    hostile(f"archive-{key}.npz")(write)


@hostile("archive-two-members-of-one-name.npz")
def _(path):
    with pytest.warns(UserWarning, match="Duplicate"):
        case_members(("w.npy", npy(WEIGHTS)), ("w.npy", npy(WEIGHTS)))(path)


@hostile("archive-claims-100-gb.npz")
def _(path):
    """A few hundred bytes whose directory claims 100 GB, in the 64-bit form."""
    data = npy(WEIGHTS)
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 45, 0, 0, 0, 0, 0, len(data), len(data), 5, 0)
    extra = struct.pack("<HHQ", 1, 8, 10**11)
    fields = (45, 45, 0, 0, 0, 0, 0, len(data), 0xFFFFFFFF, 5, len(extra), 0, 0, 0, 0, 0)
    directory = struct.pack("<4s6H3I5H2I", b"PK\1\2", *fields) + b"w.npy" + extra
    at = len(local) + 5 + len(data)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(directory), at, 0)
    path.write_bytes(local + b"w.npy" + data + directory + end)


@hostile("archive-one-member-listed-a-thousand-times.npz")
def _(path):
    """Entries that all point at the same megabyte."""
    data = bytes(1 << 20)
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, len(data), len(data), 8, 0)
    directory = b""
    for i in range(1000):
        fields = (20, 20, 0, 0, 0, 0, 0, len(data), len(data), 8, 0, 0, 0, 0, 0, 0)
        directory += struct.pack("<4s6H3I5H2I", b"PK\1\2", *fields) + b"%04d.npy" % i
    at = len(local) + 8 + len(data)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1000, 1000, len(directory), at, 0)
    path.write_bytes(local + b"0000.npy" + data + directory + end)


@hostile("archive-with-a-directory-of-2-mb.npz")
def _(path):
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", *([20, 20] + [0] * 14)) + b""
    directory = entry * ((2 << 20) // len(entry))
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(directory), 0, 0)
    path.write_bytes(directory + end)


@hostile("archive-with-a-name-of-4000-characters.npz")
def _(path):
    case_members(("w" * 4000 + ".npy", NUMBERS))(path)


@hostile("archive-of-no-checkpoint.th")
def _(path):
    case_members(("a/data.pkl", b"N."), ("b/data.pkl", b"N."))(path)


@hostile("archive-big-endian.th")
def _(path):
    program = b"\x80\x02" + Writer().emit({"state": STATE}) + b"."
    case_members(("a/data.pkl", program), ("a/byteorder", b"big"), ("a/data/0", NUMBERS))(path)


@hostile("no-archive-at-all.th")
def _(path):
    path.write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")


# --- safetensors -----------------------------------------------------------------------------


def case_safetensors(header, body=NUMBERS, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()

    def write(path):
        path.write_bytes(struct.pack("<Q", length or len(text)) + text + body)

    return write


def entry(dtype="F32", shape=(2, 3), offsets=(0, 24)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


SAFETENSORS = {
    "header-of-8-exabytes": case_safetensors({"w": entry()}, length=2**63),
    "header-beyond-file": case_safetensors({"w": entry()}, length=500),
    "header-of-nothing": case_safetensors(b"", length=1),
    "header-nested": case_safetensors(b"[" * 100_000),
    "header-no-json": case_safetensors(b"{'w': 1}"),
    "header-no-text": case_safetensors(b"\xff\xfe\xfd"),
    "header-a-list": case_safetensors([1]),
    "header-long-number": case_safetensors(b'{"w": ' + b"9" * 50_000 + b"}"),
    "key-twice": case_safetensors(b'{"w": %s, "w": %s}' % ((json.dumps(entry()).encode(),) * 2)),
    "integers": case_safetensors({"w": entry(dtype="I32")}),
    "unknown-kind": case_safetensors({"w": entry(dtype="Q4")}),
    "kind-of-no-text": case_safetensors({"w": entry(dtype=["F32"])}),
    "beyond-file": case_safetensors({"w": entry(shape=(3, 3), offsets=(0, 36))}),
    "offsets-backwards": case_safetensors({"w": entry(offsets=(24, 0))}),
    "offsets-negative": case_safetensors({"w": entry(offsets=(-24, 0))}),
    "offsets-wrong-size": case_safetensors({"w": entry(offsets=(0, 20))}),
    "offsets-three": case_safetensors({"w": entry(offsets=(0, 12, 24))}),
    "overlap": case_safetensors({"v": entry(), "w": entry()}),
    "hole": case_safetensors({"w": entry()}, body=bytes(48)),
    "shape-overflows": case_safetensors({"w": entry(shape=(2**40, 2**40))}),
    "shape-of-truths": case_safetensors({"w": entry(shape=(True, 6))}),
    "shape-of-fractions": case_safetensors({"w": entry(shape=(2.0, 3))}),
    "key-of-many-lines": case_safetensors({"w\n\x1b[2J" * 99: entry()}),
    "extra-field": case_safetensors({"w": {**entry(), "code": "x"}}),
    "nan": case_safetensors({"w": entry()}, body=(WEIGHTS * np.nan).tobytes()),
    "empty-file": lambda path: path.write_bytes(b""),
    "few-bytes": lambda path: path.write_bytes(b"\x01\x02"),
}

for key, write in SAFETENSORS.items():
    hostile(f"plain-{key}.safetensors")(write)


@hostile("plain-sparse-100-gb.safetensors")
def _(path):
    with path.open("wb") as stream:
        stream.truncate(10**11)


# --- the reading process ---------------------------------------------------------------------

READER = """
import json, resource, sys
from pathlib import Path
from allin1_mlx.checkpoint import check_arrays, read_arrays, read_checkpoint, read_config
from allin1_mlx.errors import CheckpointError

def load(path):
    arrays = read_checkpoint(path).arrays if path.suffix == ".th" else read_arrays(path)
    check_arrays(arrays, {"w": (2, 3)}, name=path.name)

for path in Path(sys.argv[1]).glob("good*"):
    load(path)  # whatever is imported late is imported now

events, files = [], sorted(Path(sys.argv[1]).glob("case*/*"))
HARMLESS = {"open", "compile", "marshal.loads", "object.__getattr__", "object.__setattr__"}

def hook(event, arguments):
    writes = event == "open" and str(arguments[1] or "r") not in ("r", "rb")
    if writes or event not in HARMLESS:
        events.append(event)

sys.addaudithook(hook)
results = {}
for path in files:
    events.clear()
    error = None
    try:
        load(path)
    except CheckpointError as e:
        error = str(e)
    except Exception as e:
        error = f"unexpected {type(e).__name__}: {e}"
    seen = [e for e in events if e not in ("time.sleep",)]
    results[path.name] = [error, seen]
status = Path("/proc/self/status")
if status.exists():  # getrusage would tell the peak of the process that started this one
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    results["peak bytes"] = int(line.split()[1]) * 1024
else:
    results["peak bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """The effect of reading each file: file name -> (error, events), and the peak memory."""
    folder = tmp_path_factory.mktemp("hostile")
    for number, (name, write) in enumerate(CASES.items()):
        (folder / f"case{number}").mkdir()
        write(folder / f"case{number}" / name)
    write_torch(folder / "good.th", {"state": STATE})
    write_torch(folder / "good.pth", {"state_dict": STATE, "config": {}})
    np.savez_compressed(folder / "good.npz", w=WEIGHTS)
    case_safetensors({"w": entry()})(folder / "good.safetensors")
    before = sorted(folder.rglob("*"))
    run = subprocess.run(
        [sys.executable, "-c", READER, str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(allin1_mlx.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=300,  # only what hangs takes so long
    )
    assert run.returncode == 0, run.stderr
    assert sorted(folder.rglob("*")) == before, "reading wrote files"
    for path in folder.glob("case*/*"):
        path.unlink()  # one of them looks large
    return json.loads(run.stdout)


def test_there_are_at_least_sixty_hostile_files():
    assert len(CASES) >= 60


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_file_is_refused_with_one_clear_error(outcome, name):
    error, events = outcome[name]
    assert error is not None, "the file was accepted"
    assert error.startswith(f"{name}: "), error
    assert "\n" not in error
    assert len(error) < 600
    assert events == []


def test_hostile_files_take_little_memory(outcome):
    assert outcome["peak bytes"] < 500e6
