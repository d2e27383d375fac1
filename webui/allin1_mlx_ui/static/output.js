// The audio graph: a bus for the song, one for the click, and the chunks that were given to them.

const FADE = 0.005; // seconds from one take to the next
const HEADROOM = 0.8; // for song and click together

export class Output {
  constructor(context) {
    this.context = context;
    this.master = context.createGain();
    this.master.gain.value = HEADROOM;
    this.master.connect(context.destination);
    this.buses = { song: context.createGain(), click: context.createGain() };
    Object.values(this.buses).forEach((bus) => bus.connect(this.master));
    this.take = null; // what was given since the last jump: { faders, nodes }
  }

  // Have the audio clock running. iOS and others stop it on their own. Returns whether it runs.
  async wake() {
    const { context } = this;
    if (!context.resume || context.state === "running") return true;
    // On iOS, sound is meant to be heard although the mute switch is on.
    if (navigator.audioSession) navigator.audioSession.type = "playback";
    try {
      await context.resume();
    } catch {
      // refused: the state shows it
    }
    return context.state === "running";
  }

  // levels: { song: { volume, on }, click: ... }
  applyLevels(levels) {
    for (const [which, { volume, on }] of Object.entries(levels)) {
      const gain = on ? volume ** 2 : 0; // ears hear in proportions
      this.buses[which].gain.setTargetAtTime(gain, this.context.currentTime, 0.01);
    }
  }

  // Begin a take at a time of the context's clock. The one before ends there, and they cross-fade;
  // with cutNow it ends at once, and the new take begins with its full attack.
  begin(when, { cutNow }) {
    this.cut(cutNow ? this.context.currentTime : when);
    const faders = ["song", "click"].map((which) => {
      const fader = this.context.createGain();
      fader.connect(this.buses[which]);
      if (!cutNow) {
        fader.gain.setValueAtTime(0, when);
        fader.gain.linearRampToValueAtTime(1, when + FADE);
      }
      return fader;
    });
    this.take = { faders, nodes: new Set() };
  }

  // Stop what was given, at a time of the context's clock.
  cut(when = this.context.currentTime) {
    if (!this.take) return;
    const { nodes, faders } = this.take;
    for (const fader of faders) {
      fader.gain.setValueAtTime(1, when);
      fader.gain.linearRampToValueAtTime(0, when + FADE);
    }
    for (const node of nodes) node.stop(when + FADE);
    this.take = null;
  }

  // Empty buffers for song and click, and their channels: left, right, click.
  makeBuffers(frames, rate) {
    const song = this.context.createBuffer(2, frames, rate);
    const click = this.context.createBuffer(1, frames, rate);
    const channels = [song.getChannelData(0), song.getChannelData(1), click.getChannelData(0)];
    return { buffers: [song, click], channels };
  }

  // Start the buffers of song and click together.
  put(buffers, when) {
    const { take } = this;
    buffers.forEach((buffer, index) => {
      const node = this.context.createBufferSource();
      node.buffer = buffer;
      node.connect(take.faders[index]);
      node.start(when);
      node.onended = () => take.nodes.delete(node);
      take.nodes.add(node);
    });
  }
}
