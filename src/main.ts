// SPDX-License-Identifier: Apache-2.0
/**
 * The engine: one executable, the front's name says which tool it is. Each is imported when it is
 * the one, because reading what is not used is most of what a start costs.
 */
export {};

const words = process.argv.slice(2);
const tool = process.argv0.slice(process.argv0.lastIndexOf("/") + 1);

if (tool === "rune") {
  const { main } = await import("./cli/main.ts");
  await main(words);
} else {
  const { linux } = await import("./kernel/linux.ts");
  const text = `${tool}: not a tool of inclavare-containers; known: rune\n`;
  linux.write(2 as import("./kernel/kernel.ts").Fd, new TextEncoder().encode(text)); // standard error
  process.exitCode = 1;
}
