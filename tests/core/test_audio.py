"""Decoding: the right sound at the right time, or one clear error."""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from allin1_mlx.audio import (
    Audio,
    check_length,
    file_digest,
    load_audio,
    stream_audio,
    write_audio,
)
from allin1_mlx.audio.blocks import stereo_weights
from allin1_mlx.audio.decoders import BLOCK, SEGMENT
from allin1_mlx.audio.ffmpeg import FfmpegDecoder, has_ffmpeg
from allin1_mlx.errors import AudioError
from allin1_mlx.types import SAMPLE_RATE

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="needs ffmpeg, which CI installs"
)


def tone(seconds: float, *, rate: int = SAMPLE_RATE, hz: float = 440.0) -> np.ndarray:
    """A tone with a soft start and end, (S,) float64, peak 0.5."""
    t = np.arange(round(seconds * rate)) / rate
    fade = np.minimum(1, np.minimum(t, seconds - t) / 0.05)
    return 0.5 * fade * np.sin(2 * np.pi * hz * t)


def noise(seconds: float, *, seed: int = 0) -> np.ndarray:
    """Noise that survives lossy codecs, (S, 2): bursts of band-limited noise."""
    rng = np.random.default_rng(seed)
    samples = rng.normal(0, 0.1, (round(seconds * SAMPLE_RATE), 2))
    smooth = np.ones(8) / 8
    return np.stack([np.convolve(channel, smooth, "same") for channel in samples.T], axis=1)


def lag(reference: np.ndarray, decoded: np.ndarray) -> int:
    """Samples by which `decoded` is later than `reference`, both (S,), by cross-correlation."""
    size = 2 * max(len(reference), len(decoded))
    spectrum = np.fft.rfft(reference, size).conj() * np.fft.rfft(decoded, size)
    shift = int(np.fft.irfft(spectrum, size).argmax())
    return shift if shift < size // 2 else shift - size


def ffmpeg(*arguments: str | Path) -> None:
    """Run ffmpeg, to make files that soundfile cannot write."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    subprocess.run(command, check=True)


def run_apart(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a separate process that must not print warnings."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment,
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Four seconds of stereo noise as 16-bit WAV."""
    path = tmp_path / "song.wav"
    soundfile.write(path, noise(4.0), SAMPLE_RATE)
    return path


def test_wav_is_decoded_bit_for_bit(tmp_path: Path) -> None:
    samples = noise(1.0).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, SAMPLE_RATE, subtype="FLOAT")
    audio = load_audio(tmp_path / "a.wav")
    assert isinstance(audio, Audio)
    assert audio.samples.shape == (2, SAMPLE_RATE)
    assert audio.samples.dtype == np.float32
    np.testing.assert_array_equal(audio.samples, samples.T)
    assert audio.warnings == ()
    assert (audio.duration, audio.source_rate, audio.source_frames) == (1.0, 44100, 44100)


def test_the_digest_is_that_of_the_files_bytes(song: Path) -> None:
    expected = hashlib.sha256(song.read_bytes()).hexdigest()
    assert load_audio(song).sha256 == file_digest(song) == expected
    assert load_audio(song, sha256="0" * 64).sha256 == "0" * 64  # known, and not read again


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_every_sample_format_means_the_same_sound(tmp_path: Path, subtype: str) -> None:
    soundfile.write(tmp_path / "a.wav", tone(0.5), SAMPLE_RATE, subtype=subtype)
    samples = load_audio(tmp_path / "a.wav").samples
    step = 2**-7 if subtype == "PCM_U8" else 2**-15
    np.testing.assert_allclose(samples[0], tone(0.5), atol=step)


def test_mono_becomes_two_equal_channels(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", tone(0.5), SAMPLE_RATE)
    samples = load_audio(tmp_path / "a.flac").samples
    assert samples.shape == (2, SAMPLE_RATE // 2)
    np.testing.assert_array_equal(samples[0], samples[1])


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 32_000, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("seconds", [0.25, 1.0, 1.75])
def test_resampling_moves_nothing_in_time(tmp_path: Path, rate: int, seconds: float) -> None:
    samples = np.zeros(2 * rate)
    samples[round(seconds * rate)] = 0.9
    soundfile.write(tmp_path / "a.wav", samples, rate, subtype="FLOAT")
    audio = load_audio(tmp_path / "a.wav")
    assert audio.samples.shape == (2, 2 * SAMPLE_RATE)
    assert abs(int(np.abs(audio.samples[0]).argmax()) - seconds * SAMPLE_RATE) <= 1
    assert (audio.source_rate, audio.source_frames) == (rate, 2 * rate)


def test_resampling_keeps_a_tone_through_block_borders(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(8.0, rate=48_000), 48_000, subtype="FLOAT")
    samples = load_audio(tmp_path / "a.wav").samples
    np.testing.assert_allclose(samples[0], tone(8.0), atol=1e-4)


def test_telephone_and_studio_formats_give_a_song(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "old.wav", tone(1.0, rate=8_000), 8_000, subtype="PCM_U8")
    six = np.stack([tone(1.0, rate=96_000, hz=200.0 * k) for k in range(1, 7)], axis=1)
    soundfile.write(tmp_path / "new.wav", six, 96_000, subtype="PCM_24")
    for name in ("old.wav", "new.wav"):
        audio = load_audio(tmp_path / name)
        assert audio.samples.shape == (2, SAMPLE_RATE)
        assert 0.2 < np.abs(audio.samples).max() < 1


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
def test_surround_keeps_left_left_and_centre_in_the_middle(tmp_path: Path, suffix: str) -> None:
    hz = {"L": 200, "R": 400, "C": 600, "x": 60, "l": 1000, "r": 1200}
    order = "LCRlrx" if suffix == "ogg" else "LRCxlr"
    sound = np.stack([0.5 * tone(1.0, hz=hz[letter]) for letter in order], axis=1)
    soundfile.write(tmp_path / f"a.{suffix}", sound, SAMPLE_RATE)
    spectrum = np.abs(np.fft.rfft(load_audio(tmp_path / f"a.{suffix}").samples))
    power = {letter: spectrum[:, f - 3 : f + 4].max(axis=1) for letter, f in hz.items()}
    assert power["L"][0] > 100 * power["L"][1]
    assert power["R"][1] > 100 * power["R"][0]
    assert power["C"][0] == pytest.approx(power["C"][1], rel=0.05)
    assert power["l"][0] > 100 * power["l"][1]
    assert power["x"].max() < 0.01 * power["C"].max()


@pytest.mark.parametrize("channels", [3, 4, 5, 6, 7, 8, 12])
def test_folding_cannot_clip(channels: int) -> None:
    for vorbis_order in (False, True):
        weights = stereo_weights(channels, vorbis_order=vorbis_order)
        np.testing.assert_allclose(weights.sum(axis=0), 1, atol=1e-6)


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3"])
def test_written_sound_is_decoded_at_the_same_time(tmp_path: Path, suffix: str) -> None:
    samples = noise(3.0).T.astype(np.float32)
    write_audio(tmp_path / f"a.{suffix}", samples)
    audio = load_audio(tmp_path / f"a.{suffix}")
    assert audio.samples.shape == samples.shape
    assert lag(samples[0], audio.samples[0]) == 0
    assert audio.warnings == ()


@needs_ffmpeg
def test_mp3_without_its_tag_is_25_ms_late_and_gives_a_warning(song: Path, tmp_path: Path) -> None:
    ffmpeg("-i", song, tmp_path / "tagged.mp3")
    ffmpeg("-i", song, "-write_xing", "0", tmp_path / "bare.mp3")
    reference = load_audio(song).samples[0]
    tagged, bare = (load_audio(tmp_path / name) for name in ("tagged.mp3", "bare.mp3"))
    assert tagged.warnings == ()
    assert tagged.samples.shape == (2, len(reference))
    assert lag(reference, tagged.samples[0]) == 0
    assert lag(reference, bare.samples[0]) == 1105  # 25 ms: the decoder's and encoder's delay
    assert len(bare.warnings) == 1
    assert bare.warnings[0].startswith("bare.mp3: the mp3 has no LAME/Info tag")


@needs_ffmpeg
def test_mp3_after_a_large_cover_picture_is_decoded_from_its_start(
    song: Path, tmp_path: Path
) -> None:
    ffmpeg("-i", song, "-id3v2_version", "0", tmp_path / "a.mp3")
    size = 900_000
    tag = b"ID3\4\0\0" + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + bytes(size)
    (tmp_path / "b.mp3").write_bytes(tag + (tmp_path / "a.mp3").read_bytes())
    a, b = load_audio(tmp_path / "a.mp3"), load_audio(tmp_path / "b.mp3")
    np.testing.assert_array_equal(a.samples, b.samples)
    assert b.warnings == ()


@needs_ffmpeg
def test_mp3_that_begins_within_a_frame_is_decoded_from_the_next_frame(
    song: Path, tmp_path: Path
) -> None:
    ffmpeg("-i", song, "-id3v2_version", "0", "-write_xing", "0", tmp_path / "a.mp3")
    (tmp_path / "radio.mp3").write_bytes((tmp_path / "a.mp3").read_bytes()[100:])
    audio = load_audio(tmp_path / "radio.mp3")
    assert audio.duration == pytest.approx(4.0, abs=0.1)


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "late", "options"),
    [
        ("a.m4a", 0, ()),
        ("a.mp4", 0, ("-c:a", "libopus", "-ar", "48000")),
        ("a.mka", 0, ("-c:a", "pcm_s16le")),
        ("a.aac", 1024, ()),
        ("a.m4b", 0, ("-ar", "22050", "-ac", "1", "-f", "mp4")),
    ],
)
def test_ffmpeg_reads_formats_that_soundfile_cannot_read(
    song: Path, tmp_path: Path, name: str, late: int, options: tuple[str, ...]
) -> None:
    ffmpeg("-i", song, *options, tmp_path / name)
    audio = load_audio(tmp_path / name)
    reference = load_audio(song).samples.mean(axis=0)
    assert abs(lag(reference, audio.samples.mean(axis=0)) - late) <= 1
    assert audio.duration == pytest.approx(4.0, abs=0.06)
    assert len(audio.warnings) == (late > 0)


@needs_ffmpeg
def test_sound_of_a_video_is_read(song: Path, tmp_path: Path) -> None:
    picture = ("-f", "lavfi", "-i", "color=red:size=64x64:rate=10:duration=4")
    ffmpeg(*picture, "-i", song, "-c:v", "mpeg4", "-c:a", "aac", tmp_path / "clip.mp4")
    assert load_audio(tmp_path / "clip.mp4").duration == pytest.approx(4.0, abs=0.06)


@needs_ffmpeg
def test_surround_m4a_is_folded(tmp_path: Path) -> None:
    six = np.stack([tone(1.0, hz=200.0 * k) for k in range(1, 7)], axis=1)
    soundfile.write(tmp_path / "six.wav", six, SAMPLE_RATE)
    ffmpeg("-channel_layout", "5.1", "-i", tmp_path / "six.wav", tmp_path / "six.m4a")
    samples = load_audio(tmp_path / "six.m4a").samples
    spectrum = np.abs(np.fft.rfft(samples[:, :SAMPLE_RATE]))
    assert spectrum[0, 200] > 20 * spectrum[1, 200]
    assert spectrum[1, 400] > 20 * spectrum[0, 400]


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:4,\n{}\n#EXT-X-ENDLIST\n"),
        ("a.m3u", "#EXTM3U\n#EXTINF:4,\nfile://{}\n#EXT-X-ENDLIST\n"),
        ("a.ffconcat", "ffconcat version 1.0\nfile '{}'\n"),
        ("a.mp3", "ffconcat version 1.0\nfile '{}'\n"),
        ("a.mpd", '<?xml version="1.0"?><MPD><Period><BaseURL>{}</BaseURL></Period></MPD>'),
        ("a.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\na={}\n"),
    ],
)
def test_a_playlist_cannot_read_another_file(tmp_path: Path, name: str, content: str) -> None:
    secret = tmp_path / "secret.ts"
    soundfile.write(tmp_path / "secret.wav", tone(4.0), SAMPLE_RATE)
    ffmpeg("-i", tmp_path / "secret.wav", "-c:a", "aac", secret)
    playlist = tmp_path / name
    playlist.write_text(content.format(secret))
    if name == "a.ffconcat":  # the file is one that ffmpeg itself follows
        ffmpeg("-safe", "0", "-i", playlist, tmp_path / "followed.wav")
    with pytest.raises(AudioError, match="no sound was found"):
        FfmpegDecoder(playlist)
    with pytest.raises(AudioError):
        load_audio(playlist)


@needs_ffmpeg
@pytest.mark.parametrize(
    "suffix",
    [
        "aac",
        "ac3",
        "aiff",
        "avi",
        "caf",
        "flv",
        "m4a",
        "mka",
        "mpg",
        "ts",
        "wma",
        "webm",
        "tta",
        "wv",
    ],
)
def test_formats_that_only_ffmpeg_reads_are_still_read(
    song: Path, tmp_path: Path, suffix: str
) -> None:
    ffmpeg("-i", song, "-ar", "48000", tmp_path / f"a.{suffix}")
    assert FfmpegDecoder(tmp_path / f"a.{suffix}").hint > 0


def test_a_small_file_that_decodes_to_hours_is_refused(tmp_path: Path) -> None:
    with soundfile.SoundFile(tmp_path / "a.flac", "w", 8000, 1) as file:
        for _ in range(15):
            file.write(np.zeros(8000 * 60))
    with pytest.raises(AudioError, match=r"a\.flac: has \d+ bytes, too few for .* 10:00"):
        load_audio(tmp_path / "a.flac")


def test_ten_minutes_of_silence_are_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", np.zeros(8000 * 600), 8000)
    assert load_audio(tmp_path / "a.flac").duration == 600.0


def write_header(path: Path, *, rate: int, claimed: int, held: int) -> None:
    """Write an 8-bit mono WAV file whose header claims more or fewer bytes than it holds."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate, 1, 8)
    head = struct.pack("<4sI4s", b"RIFF", claimed + 36, b"WAVE")
    path.write_bytes(head + form + struct.pack("<4sI", b"data", claimed))
    os.truncate(path, path.stat().st_size + held)


def never(blocks: Iterator[object], hint: int) -> None:
    raise AssertionError("the song was decoded")


def test_more_than_half_a_day_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    write_header(tmp_path / "a.wav", rate=1000, claimed=43_201_000, held=43_201_000)
    message = r"^a\.wav: is longer than the limit of 12:00:00\.0; cut it into parts$"
    with pytest.raises(AudioError, match=message):
        stream_audio(tmp_path / "a.wav", never)


def test_a_whole_day_is_refused_before_the_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_header(tmp_path / "day.wav", rate=8000, claimed=691_200_000, held=691_200_000)
    read: list[object] = []
    monkeypatch.setattr("allin1_mlx.audio.song.file_digest", read.append)
    with pytest.raises(AudioError, match=r"^day\.wav: is longer than the limit of 12:00:00\.0; "):
        stream_audio(tmp_path / "day.wav", never)
    with pytest.raises(AudioError, match=r"^day\.wav: is longer than the limit of 12:00:00\.0; "):
        check_length(tmp_path / "day.wav")
    assert read == []


def test_the_limit_of_the_page_is_checked_before_the_song_is_decoded(tmp_path: Path) -> None:
    write_header(tmp_path / "a.wav", rate=1000, claimed=5_000_000, held=5_000_000)
    with pytest.raises(AudioError, match=r"limit of 1:00:00\.0; .* or raise the limit$"):
        stream_audio(tmp_path / "a.wav", never, max_seconds=3600)


def test_a_header_that_claims_days_does_not_stop_a_short_song(tmp_path: Path) -> None:
    write_header(tmp_path / "a.wav", rate=8000, claimed=2**32 - 100, held=24_000)
    assert load_audio(tmp_path / "a.wav").duration == 3.0


@pytest.mark.parametrize("replaced", [True, False])
def test_a_file_that_changes_while_it_is_read_is_an_error(
    song: Path, tmp_path: Path, replaced: bool
) -> None:
    path = tmp_path / "a.wav"
    shutil.copyfile(song, path)

    def disturb(blocks: Iterator[Any], hint: int) -> int:
        if replaced:
            shutil.copyfile(song, tmp_path / "other.wav")
            (tmp_path / "other.wav").replace(path)
        else:
            with path.open("ab") as file:
                file.write(bytes(1000))
        return sum(map(len, blocks))

    with pytest.raises(AudioError, match=r"^a\.wav: changed while it was read; run again"):
        stream_audio(path, disturb)


def test_without_ffmpeg_the_message_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0\x20ftypM4A " + bytes(1000))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not has_ffmpeg()
    with pytest.raises(AudioError, match=r"a\.m4a: is MP4 or M4A, .* install ffmpeg .*brew .*apt"):
        load_audio(tmp_path / "a.m4a")


def test_without_ffmpeg_pydub_shows_no_warning(song: Path, tmp_path: Path) -> None:
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0\x20ftypM4A " + bytes(1000))
    code = (
        "from allin1_mlx.audio import load_audio\n"
        "from allin1_mlx.errors import AudioError\n"
        f"load_audio({str(song)!r})\n"
        f"try: load_audio({str(tmp_path / 'a.m4a')!r})\n"
        "except AudioError as e: print(e)\n"
    )
    run = run_apart(code, PATH="")
    assert "install ffmpeg" in run.stdout
    assert run.stderr == ""


@needs_ffmpeg
def test_protected_m4p_is_refused_as_such(song: Path, tmp_path: Path) -> None:
    ffmpeg("-i", song, tmp_path / "a.m4a")
    data = (tmp_path / "a.m4a").read_bytes()
    at = data.index(b"mp4a", data.index(b"stsd"))
    (tmp_path / "a.m4p").write_bytes(data[:at] + b"drms" + data[at + 4 :])
    with pytest.raises(AudioError, match=r"a\.m4p: is copy-protected \(DRM\)"):
        load_audio(tmp_path / "a.m4p")


@pytest.mark.parametrize(
    "name",
    [
        "two words.wav",
        "-dash.wav",
        "☕️ Café 👩‍🎤.wav",
        "أغنية.wav",
        "cafe\u0301.wav",
        "100% #1?*.wav",
        "file:a.wav",
        "x" * 251 + ".wav",
    ],
)
def test_names_of_all_kinds_are_read(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    song.rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert load_audio(name).duration == 4.0


@needs_ffmpeg
@pytest.mark.parametrize("name", ["-dash.m4a", "concat:a b.m4a", "é'\"👩‍🎤.m4a"])
def test_names_of_all_kinds_reach_ffmpeg(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    ffmpeg("-i", song, tmp_path / "a.m4a")
    (tmp_path / "a.m4a").rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert load_audio(name).duration == pytest.approx(4.0, abs=0.06)


def test_a_line_break_in_a_name_does_not_break_the_message(tmp_path: Path) -> None:
    with pytest.raises(AudioError) as error:
        load_audio(tmp_path / "a\nb\x1b[31m.wav")
    assert str(error.value).startswith("a?b?[31m.wav: there is no such file")


def test_missing_folder_and_empty_have_different_errors(tmp_path: Path) -> None:
    (tmp_path / "empty.mp3").touch()
    with pytest.raises(AudioError, match=r"^gone\.wav: there is no such file; check"):
        load_audio(tmp_path / "gone.wav")
    with pytest.raises(AudioError, match=r": is a folder; name the sound files"):
        load_audio(tmp_path)
    with pytest.raises(AudioError, match=r"^empty\.mp3: is empty \(0 bytes\); "):
        load_audio(tmp_path / "empty.mp3")
    with pytest.raises(AudioError, match="is not a possible file name"):
        load_audio("a\0b.wav")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(AudioError, match=r"pipe\.wav: is not a regular file"):
        load_audio(tmp_path / "pipe.wav")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs the rights of POSIX")
def test_file_without_permission_is_refused_as_such(song: Path) -> None:
    song.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # nobody: root may read everything
    try:
        with pytest.raises(AudioError, match=r"^song\.wav: cannot be read without permission; "):
            load_audio(song)
    finally:
        os.seteuid(user)


@pytest.mark.parametrize(
    "text", ["hello\n", "<html><body>Please log in</body></html>\n" * 200, "ноты " * 999]
)
def test_text_named_mp3_is_reported_as_text(
    tmp_path: Path, text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.mp3").write_text(text, encoding="utf-8")
    with pytest.raises(AudioError, match=r"^a\.mp3: is text, not audio; fetch the song itself$"):
        load_audio(tmp_path / "a.mp3")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", ["a.mp3", "a.wav", "a.m4a"])
def test_random_bytes_are_no_audio(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(np.random.default_rng(0).bytes(200_000))
    with pytest.raises(AudioError, match=rf"^{name}: "):
        load_audio(tmp_path / name)
    assert capfd.readouterr().err == ""


@needs_ffmpeg
def test_programs_and_pictures_are_no_audio(tmp_path: Path) -> None:
    shutil.copy(sys.executable, tmp_path / "program.mp3")
    ffmpeg("-f", "lavfi", "-i", "color=red:size=64x64", "-frames:v", "1", tmp_path / "a.png")
    for name in ("program.mp3", "a.png"):
        with pytest.raises(AudioError, match=rf"^{name}: no sound was found in it"):
            load_audio(tmp_path / name)


@pytest.mark.parametrize("suffix", ["wav", "aiff"])
def test_no_samples_are_an_error_and_few_samples_are_not(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    for frames in (1, 44, 8820):
        soundfile.write(path, np.zeros((frames, 2)), SAMPLE_RATE)
        assert load_audio(path).samples.shape == (2, frames)
    soundfile.write(path, np.zeros((0, 2)), SAMPLE_RATE)
    with pytest.raises(AudioError, match=rf"^a\.{suffix}: holds no sound \(0 samples\)"):
        load_audio(path)
    with pytest.raises(AudioError, match="holds no sound"):
        stream_audio(path, lambda blocks, hint: next(blocks))  # it is not called without sound


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_reported_with_their_time(tmp_path: Path, value: float) -> None:
    samples = np.zeros((5 * SAMPLE_RATE, 2))
    samples[round(3.5 * SAMPLE_RATE), 1] = value
    soundfile.write(tmp_path / "a.wav", samples, SAMPLE_RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"that are NaN or infinite, first at 0:03\.5;"):
        load_audio(tmp_path / "a.wav")


def test_float_samples_in_integer_scale_are_scaled_down_with_a_warning(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1.0) * 65536, SAMPLE_RATE, subtype="FLOAT")
    audio = load_audio(tmp_path / "a.wav")
    assert np.abs(audio.samples).max() == pytest.approx(1)
    assert "scaled down" in audio.warnings[0]


def test_song_beyond_full_scale_stays_as_it_is(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1.0) * 4, SAMPLE_RATE, subtype="FLOAT")
    audio = load_audio(tmp_path / "a.wav")
    assert np.abs(audio.samples).max() == pytest.approx(2, rel=1e-3)
    assert audio.warnings == ()


def write_wav_header(path: Path, *, data_bytes: int, rate: int = SAMPLE_RATE) -> None:
    """A 16-bit mono WAV with one second of tone and a data chunk that claims `data_bytes`."""
    pcm = (tone(1.0) * 32767).astype("<i2").tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    riff = struct.pack("<4sI4s", b"RIFF", min(data_bytes + 36, 0xFFFFFFFF), b"WAVE")
    path.write_bytes(riff + form + struct.pack("<4sI", b"data", data_bytes) + pcm)


def test_a_header_that_claims_too_much_gives_the_existing_sound(tmp_path: Path) -> None:
    write_wav_header(tmp_path / "a.wav", data_bytes=10 * 88200)
    audio = load_audio(tmp_path / "a.wav")
    assert audio.samples.shape == (2, SAMPLE_RATE)
    assert audio.warnings == (
        "a.wav: only 0:01.0 of 0:10.0 can be decoded; the file is cut off or damaged",
    )


@pytest.mark.parametrize("data_bytes", [0xFFFFFFFF, 0x7FFFFFFF])
def test_wav_from_a_pipe_gives_no_warning(tmp_path: Path, data_bytes: int) -> None:
    write_wav_header(tmp_path / "a.wav", data_bytes=data_bytes)
    audio = load_audio(tmp_path / "a.wav")
    assert audio.samples.shape == (2, SAMPLE_RATE)
    assert audio.warnings == ()


@pytest.mark.parametrize("rate", [1, 100, 2_000_000])
def test_an_absurd_sample_rate_is_refused_before_memory_is_allocated(
    tmp_path: Path, rate: int
) -> None:
    write_wav_header(tmp_path / "a.wav", data_bytes=88200, rate=rate)
    with pytest.raises(AudioError, match=rf"a\.wav: has a sample rate of {rate} Hz"):
        load_audio(tmp_path / "a.wav")


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_cut_off_file_gives_its_part_and_a_warning(
    tmp_path: Path, suffix: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, noise(6.0), SAMPLE_RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    audio = load_audio(path)
    assert 2.0 < audio.duration < 4.0
    assert len(audio.warnings) == 1
    assert audio.warnings[0].startswith(f"a.{suffix}: ")
    assert audio.warnings[0].endswith("the file is cut off or damaged")
    assert capfd.readouterr().err == ""


@needs_ffmpeg
def test_cut_off_m4a_gives_its_part_or_a_reason(song: Path, tmp_path: Path) -> None:
    for name, options in (("front.m4a", ("-movflags", "+faststart")), ("back.m4a", ())):
        ffmpeg("-i", song, *options, tmp_path / name)
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) * 7 // 10])
    audio = load_audio(tmp_path / "front.m4a")
    assert 2.0 < audio.duration < 3.5
    assert "of 0:04.0 can be decoded" in audio.warnings[0]
    with pytest.raises(AudioError, match=r"back\.m4a: no sound was found in it; it is damaged"):
        load_audio(tmp_path / "back.m4a")


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3"])
def test_damage_within_a_song_is_reported_and_the_rest_is_decoded(
    tmp_path: Path, suffix: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, noise(20.0), SAMPLE_RATE)
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(1)
    for at in rng.integers(len(data) // 4, len(data) * 3 // 4, 12):
        data[at : at + 200] = rng.bytes(200)
    path.write_bytes(data)
    audio = load_audio(path)
    assert audio.duration > 1
    assert len(audio.warnings) == 1
    assert "damaged" in audio.warnings[0]
    assert capfd.readouterr().err == ""


def in_one_pass(path: Path) -> np.ndarray:
    """The frames that libsndfile decodes in one pass, (2, S)."""
    blocks = []
    with soundfile.SoundFile(path) as sound:
        try:
            while len(block := sound.read(BLOCK, dtype="float32", always_2d=True)):
                blocks.append(block)
        except soundfile.LibsndfileError:
            pass
    return np.concatenate(blocks).T


@pytest.mark.parametrize("seconds", [2 * SEGMENT / SAMPLE_RATE, 20.0])
def test_flac_in_segments_equals_one_pass(tmp_path: Path, seconds: float) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, noise(seconds), SAMPLE_RATE)
    audio = load_audio(path)
    assert audio.warnings == ()
    assert np.array_equal(audio.samples, in_one_pass(path))


@pytest.mark.parametrize("where", [0.1, 0.4, 0.6, 0.99])
def test_damaged_flac_gives_as_much_in_segments_as_in_one_pass(
    tmp_path: Path, where: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")  # ffmpeg would get further
    path = tmp_path / "a.flac"
    soundfile.write(path, noise(20.0), SAMPLE_RATE)
    whole = path.read_bytes()
    at = round(len(whole) * where)
    junk = np.random.default_rng(0).bytes(300)
    for damaged in (
        whole[:at],
        whole[:at] + junk + whole[at + 300 :],
        whole[:at] + whole[at + 5000 :],
    ):
        path.write_bytes(damaged)
        audio = load_audio(path)
        assert "damaged" in audio.warnings[0]
        assert np.array_equal(audio.samples, in_one_pass(path))


@pytest.mark.parametrize("suffix", ["wav", "aiff", "flac", "ogg", "mp3", "w64", "caf"])
def test_no_damage_crashes_the_program(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, noise(0.5), SAMPLE_RATE)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(12):
        data = bytearray(whole)
        for at in rng.integers(0, min(len(data), int(rng.choice([64, 2000, 10**9]))), 8):
            data[at] = rng.integers(256)
        path.write_bytes(data[: int(rng.integers(len(data) // 2, len(data)))])
        try:
            audio = load_audio(path, max_seconds=60)
        except AudioError as error:
            message = str(error)
        else:
            message = f"a.{suffix}: decoded"
            assert np.isfinite(audio.samples).all()
        assert message.startswith(f"a.{suffix}: ")
        assert "\n" not in message


@needs_ffmpeg
def test_a_negative_length_in_a_header_is_ignored(song: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.wma"
    ffmpeg("-i", song, path)
    data = path.read_bytes()
    properties = data.index(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365"))
    preroll = struct.pack("<Q", 99_000)  # ms, taken off the length that the header gives
    path.write_bytes(data[: properties + 80] + preroll + data[properties + 88 :])
    assert load_audio(path).duration == pytest.approx(4.0, abs=0.2)


def test_other_messages_on_stderr_survive_a_damaged_mp3(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.mp3"
    soundfile.write(path, noise(6.0), SAMPLE_RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    load_audio(path)
    os.write(2, b"still here\n")
    assert capfd.readouterr().err == "still here\n"


def test_song_longer_than_the_limit_is_refused(song: Path) -> None:
    assert load_audio(song, max_seconds=4.0).duration == 4.0
    with pytest.raises(AudioError, match=r"song\.wav: is longer than the limit of 0:03\.0; cut"):
        load_audio(song, max_seconds=3.0)


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="measures memory as Linux reports it"
)
def test_long_song_needs_little_more_memory_than_its_samples(tmp_path: Path) -> None:
    seconds = 600
    with soundfile.SoundFile(tmp_path / "a.flac", "w", 48_000, 2, "PCM_16") as file:
        for _ in range(seconds // 10):
            file.write(np.stack([tone(10.0, rate=48_000)] * 2, axis=1))
    code = (
        "import resource\n"
        "from allin1_mlx.audio import load_audio\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
        "before = peak()\n"
        f"audio = load_audio({str(tmp_path / 'a.flac')!r})\n"
        "print(audio.samples.nbytes, peak() - before)\n"
    )
    run = run_apart(code)
    size, grown = map(int, run.stdout.split())
    assert size == 2 * 4 * seconds * SAMPLE_RATE
    assert grown < 1.15 * size


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_writing_is_exact_to_16_bits_and_clips_instead_of_wrapping(
    tmp_path: Path, suffix: str
) -> None:
    samples = np.stack([tone(1.0), 3 * tone(1.0)]).astype(np.float32)
    path = tmp_path / "new folder" / f"a.{suffix}"
    write_audio(path, samples)
    np.testing.assert_allclose(load_audio(path).samples, samples.clip(-1, 1), atol=2**-15)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_float_wav_keeps_every_bit(tmp_path: Path) -> None:
    samples = (2 * noise(1.0)).T.astype(np.float32)
    write_audio(tmp_path / "a.wav", samples, subtype="FLOAT")
    np.testing.assert_array_equal(load_audio(tmp_path / "a.wav").samples, samples)


def test_writing_to_a_name_of_255_bytes_works(tmp_path: Path) -> None:
    path = tmp_path / ("y" * 251 + ".wav")
    write_audio(path, np.zeros((2, 100), dtype=np.float32))
    assert load_audio(path).samples.shape == (2, 100)


def test_unknown_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"a\.xyz: sound is written as wav, flac, ogg, mp3"):
        write_audio(tmp_path / "a.xyz", np.zeros((2, 100), dtype=np.float32))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs limits on file size")
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_a_full_disk_leaves_no_incomplete_file(tmp_path: Path, suffix: str) -> None:
    code = (
        "import resource, numpy as np\n"
        "from allin1_mlx.audio import write_audio\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "samples = np.random.default_rng(0).normal(0, 0.1, (2, 441000)).astype(np.float32)\n"
        f"try: write_audio({str(tmp_path / f'a.{suffix}')!r}, samples)\n"
        "except OSError as e: print('refused')\n"
    )
    run = run_apart(code)
    assert (run.stdout, run.stderr) == ("refused\n", "")
    assert list(tmp_path.iterdir()) == []


def test_all_evaluation_songs_decode_without_a_warning(shared: Path) -> None:
    for path in sorted((shared / "eval").glob("*/*/mix.ogg")):
        audio = load_audio(path)
        assert audio.warnings == ()
        assert audio.duration > 3
