"""A song of ten minutes: small to send, right after it moved. Speed: benchmarks/page.py."""

from collections.abc import Callable, Iterator

import pytest

from .visits import Known, Visit

MOVE = """async (kind) => {
  const { view } = allin1;
  for (let i = 0; i < 90; i += 1) {
    if (kind === "zoom") view.zoom(i < 45 ? 0.93 : 1 / 0.93, 300);
    else view.setRange(200 + i, 260 + i);
    await new Promise(requestAnimationFrame);
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
  while (view.pending) await new Promise(requestAnimationFrame);
  const { covers, stretch } = view.drawing;
  return covers && stretch < 1.001;
}"""


@pytest.fixture(scope="module")
def long_song(make_song: Callable[..., Known]) -> Known:
    return make_song(600.0, name="ten minutes.wav", sections=15)


@pytest.fixture(scope="module")
def long_visit(open_page: Callable[..., Visit], long_song: Known) -> Iterator[Visit]:
    seen = open_page()
    seen.upload(long_song.result, long_song.sound)
    seen.wait_for("done")
    seen.page.wait_for_function("allin1.sheet?.frames > 0 && !allin1.view.pending")
    yield seen
    seen.page.context.close()


def test_what_is_sent_besides_the_sound_is_under_a_megabyte(long_visit: Visit) -> None:
    sheet = long_visit.run("""async () => {
      const link = `allin1/songs/${allin1.song.id}/sheet`;
      return (await (await fetch(link)).text()).length;
    }""")
    assert sheet < 1_000_000


@pytest.mark.parametrize("kind", ["zoom", "scroll"])
def test_what_is_drawn_after_moving_is_right(long_visit: Visit, kind: str) -> None:
    assert long_visit.run(MOVE, kind)


def test_the_sound_is_fetched_in_pieces(long_visit: Visit) -> None:
    sounds = [url for url in long_visit.requests if url.endswith("/sound")]
    long_visit.run("allin1.player.seek(500)")
    long_visit.page.wait_for_function("allin1.player.supply.tape.blocks.size > 0")
    held = long_visit.run(
        """[...allin1.player.supply.tape.blocks.values()]
          .reduce((sum, block) => sum + block.byteLength, 0)"""
    )
    assert held < 20_000_000  # of 106
    assert len(sounds) < 30
