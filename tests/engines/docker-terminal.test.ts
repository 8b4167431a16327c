// SPDX-License-Identifier: Apache-2.0
/** Terminals through dockerd: their size, keys that are signals, attach and detach, exec -it. */
import { expect } from "bun:test";
import { Docker, image } from "../support/engines/docker.ts";
import { dockerObstacle, shared } from "../support/engines/shared.ts";
import { type Size, TerminalSession } from "../support/engines/terminal.ts";
import { needs } from "../support/runtime.ts";

const test = needs(dockerObstacle);
const engine = shared(() => Docker.start());

async function session(words: readonly string[], size?: Size) {
  const docker = await engine();
  return new TerminalSession(docker.argv(...words), docker.env, size);
}

const run = ["run", "--rm", "--network=none", "-it", image];

/** A script that goes on once its terminal has a size, which the client sends after the start. */
const awaitSize = ({ rows, cols }: Size) =>
  `while ! stty size 2>/dev/null | grep '^${rows} ${cols}$'; do sleep 0.05; done`;

test("run -it: a terminal of the caller's size, which follows it", async () => {
  const [small, large] = [
    { rows: 31, cols: 101 },
    { rows: 40, cols: 132 },
  ];
  const script = `tty; ${awaitSize(small)}; ${awaitSize(large)}; read x; echo "<$x>"; exit 7`;
  using shell = await session([...run, "sh", "-c", script], small);
  await shell.shows("/dev/pts/0\r\n31 101\r\n");
  shell.resize(large);
  await shell.shows("40 132\r\n");
  shell.type("typed\r");
  await shell.shows("typed\r\n<typed>\r\n"); // the echo, and what the program made of it
  expect(await shell.exited()).toBe(7);
});

test("Ctrl-C is a signal for the program, Ctrl-P Ctrl-Q leaves it alone", async () => {
  const docker = await engine();
  const script = 'trap "echo caught; exit 5" INT; while :; do echo tick; sleep 0.1; done';
  const named = [...run.slice(0, 1), "--name", "keys", ...run.slice(1)];
  {
    using first = await session([...named, "sh", "-c", script]);
    await first.shows("tick");
    first.type("\x10\x11");
    expect(await first.exited()).toBe(0);
  }
  expect(await docker.inspect("keys", "{{.State.Running}}")).toBe("true");
  using again = await session(["attach", "keys"]);
  await again.shows("tick"); // attach says nothing itself
  again.type("\x03");
  await again.shows("caught");
  expect(await again.exited()).toBe(5);
});

test("exec -it: a terminal of its own, its size and its keys", async () => {
  const docker = await engine();
  const id = await docker.background([]);
  using shell = await session(["exec", "-it", id, "sh", "-c", "tty; echo up; exec cat"]);
  await shell.shows("up");
  expect(shell.shown).toContain("/dev/pts/");
  shell.type("typed\r");
  await shell.shows("typed\r\ntyped\r\n"); // the echo, and what cat read
  shell.type("\x03");
  expect(await shell.exited()).toBe(130);
  const size = { rows: 33, cols: 99 };
  using sized = await session(["exec", "-it", id, "sh", "-c", awaitSize(size)], size);
  expect(await sized.exited()).toBe(0);
});

test("-t without -i: what the program writes, with a terminal's ends of line", async () => {
  const docker = await engine();
  const id = await docker.background(["-t"], "tty; echo err >&2");
  await docker.must(["wait", id]);
  expect(await docker.call(["logs", id])).toMatchObject({
    stdout: "/dev/pts/0\r\nerr\r\n",
    stderr: "",
  });
});
