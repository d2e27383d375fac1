// Sends a file to the server, and returns the identifier by which the page takes it.

import { address } from "./bus.js";

export async function send(file) {
  const answer = await fetch(address("uploads"), { method: "POST", body: file });
  if (answer.ok) return (await answer.json()).id;
  const { detail } = await answer.json().catch(() => ({ detail: `error ${answer.status}` }));
  throw new Error(detail);
}
