"""Names of models become files, or an error that says where they were searched."""

import http.server
import shutil
import threading
from functools import partial

import numpy as np
import pytest

from allin1_mlx.checkpoint import read_arrays, read_config
from allin1_mlx.cli.weights import main
from allin1_mlx.errors import DownloadError, UsageError, WeightsError
from allin1_mlx.weights import (
    MODELS,
    WEIGHTS_DIR,
    Access,
    bundled_files,
    cache_dir,
    find_htdemucs,
    find_missing,
    find_model,
)
from allin1_mlx.weights.registry import FOLDS, PUBLISHED


@pytest.fixture(autouse=True)
def closed_machine(tmp_path, monkeypatch):
    """No network, an empty cache, and a current folder of its own."""
    monkeypatch.setenv("ALLIN1_MLX_OFFLINE", "1")
    monkeypatch.setenv("ALLIN1_MLX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("ALLIN1_MLX_WEIGHTS_URL", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture
def mirror(shared, monkeypatch):
    """A mirror of the published harmonix weights on this machine; lists the requested names."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_request(self, *_):
            asked.append(self.path)

    handler = partial(Handler, directory=shared / "weights")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    monkeypatch.setenv("ALLIN1_MLX_OFFLINE", "0")
    monkeypatch.setenv("ALLIN1_MLX_WEIGHTS_URL", f"http://127.0.0.1:{server.server_port}/")
    yield asked
    server.shutdown()
    server.server_close()


def put_fold(folder, fold, *, weights=".npz", config=".yaml"):
    folder.mkdir(parents=True, exist_ok=True)
    pair = tuple(folder / f"harmonix-fold{fold}_mlx{suffix}" for suffix in (weights, config))
    np.savez(pair[0].with_suffix(".npz"), w=np.ones(1, np.float32))
    pair[0].with_suffix(".npz").rename(pair[0])
    pair[1].write_text("{}")
    return pair


def has_bundled():
    try:
        return bundled_files()[0].is_file()
    except WeightsError:
        return False


needs_bundled = pytest.mark.skipif(not has_bundled(), reason="needs the bundled checkpoint")


def test_a_fold_is_found_in_the_named_folder(tmp_path):
    pair = put_fold(tmp_path / "mine", 3)
    found = find_model("harmonix-fold3", Access(tmp_path / "mine"))
    assert (found.name, found.files, found.reason) == ("harmonix-fold3", (pair,), "")


@pytest.mark.parametrize(("weights", "config"), [(".npz", ".json"), (".safetensors", ".yaml")])
def test_other_kinds_of_files_are_found(tmp_path, weights, config):
    pair = put_fold(tmp_path / "mine", 0, weights=weights, config=config)
    assert find_model("harmonix-fold0", Access(tmp_path / "mine")).files == (pair,)


def test_an_original_file_is_its_own_configuration(tmp_path):
    original = tmp_path / "harmonix-fold2-gmgo0nsy.pth"
    original.write_bytes(b"")
    assert find_model("harmonix-fold2", Access(tmp_path)).files == ((original, original),)


def test_folders_are_searched_in_order(tmp_path):
    cached = put_fold(cache_dir(), 1)
    assert find_model("harmonix-fold1").files == (cached,)
    put_fold(tmp_path / "work" / "mlx-weights", 1)
    assert find_model("harmonix-fold1").files[0][0].parent.name == "mlx-weights"
    named = put_fold(tmp_path / "mine", 1)
    assert find_model("harmonix-fold1", Access(tmp_path / "mine")).files == (named,)


def test_the_ensemble_may_be_spread_over_folders(tmp_path):
    for fold in range(FOLDS):
        put_fold(cache_dir() if fold % 2 else tmp_path / "mine", fold)
    found = find_model("harmonix-all", Access(tmp_path / "mine"))
    assert found.name == "harmonix-all"
    assert [weights.name[13] for weights, _ in found.files] == list("01234567")
    assert find_model("auto", Access(tmp_path / "mine")).name == "bundled"


@pytest.mark.parametrize("folder", ["mlx-weights", "mine"])
def test_auto_is_the_ensemble_if_all_its_folds_are_in_the_weights_folder(tmp_path, folder):
    for fold in range(FOLDS):
        put_fold(tmp_path / "work" / folder, fold)
    access = Access() if folder == "mlx-weights" else Access(tmp_path / "work" / folder)
    found = find_model("auto", access)
    assert found.name == "harmonix-all"
    assert [weights.name[13] for weights, _ in found.files] == list("01234567")
    assert found.reason == f"its weights are in {access.folders[0]}"


def test_the_error_for_a_missing_model_says_where_it_was_searched(tmp_path):
    put_fold(cache_dir(), 0)
    with pytest.raises(WeightsError) as caught:
        find_model("harmonix-all")
    message = str(caught.value)
    assert "harmonix-fold1_mlx.yaml" in message
    assert "harmonix-fold0" not in message
    assert str(tmp_path / "work" / "mlx-weights") in message
    assert str(cache_dir()) in message
    assert caught.value.about == "download harmonix-all"
    assert "--" not in message  # the page has other options than the command line


def test_weights_without_configuration_are_an_error(tmp_path):
    put_fold(tmp_path, 0)[1].unlink()
    with pytest.raises(WeightsError, match=r"^harmonix-fold0_mlx\.npz: no configuration"):
        find_model("harmonix-fold0", Access(tmp_path))


def test_a_named_file_is_taken_with_the_configuration_beside_it(tmp_path):
    weights, config = put_fold(tmp_path, 5)
    found = find_model("auto", Access(weights_path=weights))
    assert found.name == "harmonix-fold5"
    assert found.files == ((weights, config),)
    assert "was named" in found.reason
    other = tmp_path / "other.json"
    other.write_text("{}")
    found = find_model("harmonix-fold0", Access(weights_path=weights, config_path=other))
    assert found.files == ((weights, other),)


@pytest.mark.parametrize("missing", ["weights_path", "config_path", "weights_dir"])
def test_a_named_file_that_is_missing_is_an_error(tmp_path, missing):
    weights, config = put_fold(tmp_path, 5)
    named = {"weights_path": weights, "config_path": config, "weights_dir": tmp_path}
    if missing == "weights_dir":
        named = {}
    named[missing] = tmp_path / "none"
    with pytest.raises(WeightsError, match="none: no such f"):
        find_model("harmonix-fold5", Access(**named))


def test_contradictions_are_usage_errors(tmp_path):
    weights, config = put_fold(tmp_path, 5)
    with pytest.raises(UsageError, match="no model is called 'x'"):
        find_model("x")
    with pytest.raises(UsageError, match="names one file"):
        find_model("harmonix-all", Access(weights_path=weights))
    with pytest.raises(UsageError, match="needs the weights path"):
        find_model("auto", Access(config_path=config))


@needs_bundled
def test_auto_is_the_bundled_checkpoint_even_if_the_ensemble_is_in_the_cache():
    for fold in range(FOLDS):
        put_fold(cache_dir(), fold)
    found = find_model("auto")
    assert (found.name, found.files, found.reason) == ("bundled", (bundled_files(),), "")


@needs_bundled
def test_auto_reports_that_the_ensemble_in_the_weights_folder_is_incomplete():
    put_fold(WEIGHTS_DIR, 0)
    found = find_model("auto")
    assert (found.name, found.files) == ("bundled", (bundled_files(),))
    assert found.reason == "only 1 of the 8 folds of harmonix-all are in mlx-weights"


@needs_bundled
def test_auto_never_sends_a_request(mirror):
    assert find_model("auto").name == "bundled"
    assert mirror == []


def test_every_model_but_auto_and_bundled_is_published():
    assert set(MODELS) - {"auto", "bundled"} == set(PUBLISHED) - {"htdemucs"}


def test_the_registry_knows_the_published_files(shared):
    lines = (shared / "weights" / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split() for line in lines)}
    assert {file.name: file.sha256 for file in PUBLISHED["harmonix-all"]} == sums
    for file in PUBLISHED["harmonix-all"]:
        assert (shared / "weights" / file.name).stat().st_size == file.size
    assert PUBLISHED["htdemucs"][0].name == "955717e8-8726e21a.th"
    assert PUBLISHED["htdemucs"][0].sha256.startswith("8726e21a")


def test_a_missing_ensemble_is_downloaded_after_its_terms_were_shown(mirror):
    notices, progress = [], []
    access = Access(on_notice=notices.append, on_progress=lambda *step: progress.append(step))
    found = find_model("harmonix-all", access)
    assert (found.name, found.reason) == ("harmonix-all", "")
    assert all(weights.parent == cache_dir() for weights, _ in found.files)
    assert len(mirror) == 2 * FOLDS
    assert len(notices) == 1
    assert "MIT License, Copyright (c) 2023 Taejun Kim" in notices[0]
    shares = [share for stage, share in progress if stage == "download"]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    again = find_model("harmonix-all", Access(on_notice=notices.append))
    assert again.files == found.files
    assert (len(mirror), len(notices)) == (2 * FOLDS, 1)


def test_only_missing_folds_are_downloaded(mirror, shared):
    for name in ("harmonix-fold0_mlx.npz", "harmonix-fold0_mlx.yaml"):
        cache_dir().mkdir(parents=True, exist_ok=True)
        shutil.copy(shared / "weights" / name, cache_dir())
    find_model("harmonix-all")
    assert not any("fold0" in path for path in mirror)


def test_a_named_model_that_cannot_be_downloaded_is_an_error(mirror, monkeypatch):
    monkeypatch.setenv("ALLIN1_MLX_WEIGHTS_URL", "http://127.0.0.1:9/")
    with pytest.raises(DownloadError, match=r"download failed: 127\.0\.0\.1:9 cannot be reached"):
        find_model("harmonix-fold0", Access(on_notice=lambda text: None))


def test_terms_are_logged_without_a_callback(mirror, caplog):
    find_model("harmonix-fold7")
    assert "terms: MIT License" in caplog.text


def test_offline_never_sends_a_request(mirror):
    with pytest.raises(WeightsError, match="downloads are switched off"):
        find_model("harmonix-fold0", Access(offline=True))
    assert mirror == []


def test_htdemucs_is_found_where_pytorch_keeps_it(tmp_path):
    with pytest.raises(WeightsError, match=r"htdemucs: 955717e8-8726e21a\.th not found"):
        find_htdemucs()
    there = tmp_path / "torch" / "hub" / "checkpoints" / "955717e8-8726e21a.th"
    there.parent.mkdir(parents=True)
    there.write_bytes(b"")
    assert find_htdemucs() == there
    mine = tmp_path / "955717e8-8726e21a.th"
    mine.write_bytes(b"")
    assert find_htdemucs(Access(tmp_path)) == mine


def test_missing_files_are_known_before_the_download(tmp_path):
    assert sum(file.size for file in find_missing("htdemucs", Access())) == 84_141_911
    assert len(find_missing("harmonix-all", Access())) == 2 * FOLDS
    put_fold(tmp_path / "mine", 3)
    access = Access(tmp_path / "mine")
    assert find_missing("harmonix-fold3", access) == []
    assert len(find_missing("harmonix-all", access)) == 2 * (FOLDS - 1)
    put_fold(tmp_path / "mine", 3)[1].unlink()
    with pytest.raises(WeightsError, match="no configuration beside it"):
        find_missing("harmonix-all", access)


def test_htdemucs_shows_its_terms_before_the_download(monkeypatch):
    monkeypatch.setenv("ALLIN1_MLX_OFFLINE", "")
    notices = []
    with pytest.raises(DownloadError):
        find_htdemucs(Access(url="http://127.0.0.1:9/", on_notice=notices.append))
    assert "personal and research use only" in notices[0]
    assert "84.1 MB" in notices[0]


def test_weights_list_names_sets_states_and_terms(capsys):
    put_fold(cache_dir(), 4)
    put_fold(cache_dir(), 5)[1].unlink()
    assert main(["list"]) == 0
    text = capsys.readouterr().out
    rows = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    assert rows["harmonix-fold3"].endswith("not here")
    assert rows["harmonix-fold4"].endswith("in the cache")
    assert rows["harmonix-fold5"].endswith("partly in the cache")
    assert "84.1 MB" in rows["htdemucs"]
    assert "personal and research use only" in text
    assert "MIT License" in text
    assert str(cache_dir()) in text


def test_weights_are_downloaded_verified_shown_and_removed(mirror, capsys):
    assert main(["download", "harmonix-fold0", "harmonix-fold1"]) == 0
    output = capsys.readouterr()
    assert "terms: MIT" in output.err
    paths = output.out.split()
    assert [path.rsplit("/", 1)[1] for path in paths] == [
        "harmonix-fold0_mlx.yaml",
        "harmonix-fold0_mlx.npz",
        "harmonix-fold1_mlx.yaml",
        "harmonix-fold1_mlx.npz",
    ]
    assert main(["verify"]) == 0
    assert capsys.readouterr().out.count("ok ") == 4
    assert main(["path", "harmonix-fold1"]) == 0
    assert capsys.readouterr().out.split() == paths[2:]

    (cache_dir() / "harmonix-fold1_mlx.npz").write_bytes(b"PK")
    assert main(["verify"]) == 1
    assert "2 bytes instead of 1263604" in capsys.readouterr().out
    assert main(["remove", "harmonix-fold0"]) == 0
    assert capsys.readouterr().out.count("removed") == 2
    assert main(["verify", "harmonix-fold0"]) == 1
    assert capsys.readouterr().out.count("missing") == 2
    assert main(["path", "harmonix-fold0"]) == 1


@needs_bundled
def test_weights_list_shows_the_terms_of_all_sets(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    titles = [line for line in lines if line.startswith(("harmonix, ", "htdemucs, ", "bundled, "))]
    terms = [line for line in lines if line.startswith("  terms: ")]
    assert len(titles) == len(terms) == 3
    assert terms[-1] == "  terms: MIT License, like the program"


def test_weights_path_alone_is_the_cache(capsys):
    assert main(["path"]) == 0
    assert capsys.readouterr().out.strip() == str(cache_dir())


def test_weights_download_offline_is_an_error(capsys):
    assert main(["download", "htdemucs"]) == 1
    assert "downloads are switched off" in capsys.readouterr().err


def test_weights_of_an_unknown_name_are_wrong_usage(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["download", "nonsense"])
    assert caught.value.code == 2
    assert "'nonsense' is none of harmonix-fold0" in capsys.readouterr().err


def test_the_published_configuration_is_what_the_mirror_sent(mirror):
    ((weights, config),) = find_model("harmonix-fold6").files
    assert sum(array.size for array in read_arrays(weights).values()) == 300_631
    assert read_config(config)["data"]["num_labels"] == 10
