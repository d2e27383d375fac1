// The connection that brings the list of songs.

import { address } from "./bus.js";

const PATIENCE = 2000; // milliseconds between two attempts to get the session

export class Stream {
  // hear: called with each news. enter: asks the server for this page's session.
  constructor(hear, enter) {
    this.hear = hear;
    this.enter = enter;
    this.session = "";
    this.source = null;
    // A browser opens few connections to one server, so tabs out of sight have none.
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.close();
      else if (this.session) this.open();
      else this.start();
    });
  }

  follow(session) {
    if (session === this.session && this.source) return;
    this.session = session;
    this.open();
  }

  open() {
    this.close();
    const source = new EventSource(address(`sessions/${this.session}/songs`));
    this.source = source;
    source.onmessage = (event) => this.hear(JSON.parse(event.data));
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) this.start();
    };
  }

  close() {
    clearTimeout(this.waiting);
    if (this.source) this.source.close();
    this.source = null;
  }

  // Ask for the session until it comes: Gradio may not be ready yet, and a server that was started
  // anew does not know the session of the one before.
  start() {
    this.close();
    this.enter();
    this.waiting = setTimeout(() => this.start(), PATIENCE);
  }
}
