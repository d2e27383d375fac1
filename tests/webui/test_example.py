"""The example song is found, or its absence has a reason."""

from allin1_mlx_ui.example import find_example


def test_the_example_can_be_read_as_music() -> None:
    from allin1_mlx.audio import load_audio

    example = find_example()
    assert example is not None
    assert 20 < load_audio(example).duration < 300
