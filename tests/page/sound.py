"""Scripts for the page that render what its player would play, without a loudspeaker."""

# Renders three minutes faster than they last: the page's own player on an OfflineAudioContext,
# stopped every tenth of a second to do what the page's timer does, and what a user might do.
# Gives the frames at which the song's and the click's impulses leave their buses.
RENDER = """
async ({ seconds, plan, speed, period, bars = 0 }) => {
  const load = (name) => import(new URL(`allin1/static/${name}`, document.baseURI));
  const { Player } = await load("player.js");
  const { makeCountIn } = await load("practice/count_in.js");
  const rate = 44100;
  const frames = 240 * rate;
  const beats = [];
  for (let t = 0.5; t < 239; t += period) beats.push(Math.round(t * rate));
  const tape = {
    has: () => true,
    load: async () => {},
    read(from, count, left, right) {
      left.fill(0, 0, count);
      right.fill(0, 0, count);
      for (const beat of beats) {
        for (let k = 0; k < 200; k += 1) {
          const i = beat + k - from;
          if (i >= 0 && i < count) left[i] = right[i] = (k % 2 ? -0.9 : 0.9) * 0.97 ** k;
        }
      }
    },
  };
  const context = new OfflineAudioContext(2, seconds * rate, rate);
  Object.defineProperty(context, "state", { value: "running" });
  const player = new Player(() => context);
  const sound = Float32Array.from({ length: 200 }, (_, k) => (k % 2 ? -0.9 : 0.9) * 0.97 ** k);
  const clicks = beats.map((frame) => ({ frame, sound }));
  const inBar = beats.map((_, i) => (i % 4) + 1);
  const planCountIn = makeCountIn({ beats, positions: inBar, sounds: () => sound, bars });
  player.load({ tape, clicks, beats, planCountIn, rate, duration: 240 });
  player.connect();
  clearInterval(player.timer);
  player.output.master.disconnect();
  const merger = context.createChannelMerger(2);
  const mono = context.createChannelSplitter(2);
  player.output.buses.song.connect(mono);
  mono.connect(merger, 0, 0);
  player.output.buses.click.connect(merger, 0, 1);
  merger.connect(context.destination);
  player.setLevel("click", { volume: 1 });
  player.setSpeed(speed);
  await player.play();
  const positions = [];
  for (let tenth = 1; tenth < seconds * 10; tenth += 1) {
    context.suspend(tenth / 10).then(() => {
      for (const [when, action, value] of plan) {
        if (when === tenth / 10) player[action](value);
      }
      player.pump();
      positions.push([context.currentTime, player.position]);
      context.resume();
    });
  }
  const buffer = await context.startRendering();
  const impulses = [0, 1].map((channel) => {
    const data = buffer.getChannelData(channel);
    const found = [];
    for (let i = 1; i < data.length; i += 1) {
      if (Math.abs(data[i]) > 0.45 && (!found.length || i - found[found.length - 1] > 2000)) {
        found.push(i);
      }
    }
    return found;
  });
  return { song: impulses[0], click: impulses[1], positions };
}
"""

# Where the clicks begin in the first seconds of what the player would play.
HEAR = """(seconds) => {
  const { stretcher, rate } = allin1.player;
  const count = seconds * rate;
  stretcher.seek(0);
  const { clicks } = stretcher.render(new Float32Array(count), new Float32Array(count));
  return clicks.map((click) => click.at / rate);
}"""
