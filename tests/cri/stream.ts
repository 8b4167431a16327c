// SPDX-License-Identifier: Apache-2.0
/**
 * Runs where the engine is, whose streaming server listens there alone: `stream.ts URL` speaks WebSocket with it.
 * A line in is a message to send, a line out one that came: the channel's number, a blank, and base64. `open`
 * and `closed` are lines of their own.
 */
const [url = ""] = Bun.argv.slice(2);
const socket = new WebSocket(url.replace(/^http/, "ws"), "v4.channel.k8s.io");
socket.binaryType = "arraybuffer";
socket.onopen = () => console.log("open");
socket.onclose = () => {
  console.log("closed");
  process.exit(0);
};
socket.onmessage = ({ data }) => {
  const [channel = 0, ...bytes] = new Uint8Array(data as ArrayBuffer); // as binaryType says
  console.log(`${channel} ${Buffer.from(bytes).toString("base64")}`);
};
for await (const line of console) {
  const [channel, text = ""] = line.split(" ");
  socket.send(Uint8Array.of(Number(channel), ...Buffer.from(text, "base64")));
}

export {};
