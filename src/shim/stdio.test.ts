// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { ENXIO, S_IFIFO } from "../kernel/constants.ts";
import type { Fd } from "../kernel/kernel.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import type { MonitorLink } from "./monitor-link.ts";
import { holdInput, openStreams, type Streams, type Surroundings } from "./stdio.ts";

const none: Streams = { stdin: "", stdout: "", stderr: "", terminal: false };
const fifos: Streams = { stdin: "/f/in", stdout: "/f/out", stderr: "/f/err", terminal: false };

type Fixture = Surroundings & { kernel: RecordingKernel; waiting: string[] };

/** With fifos in /f, and a file that is none. */
function surroundings(owner = { uid: 0, gid: 0 }, hasHungUp = false): Fixture {
  const kernel = new RecordingKernel().file("/dev/null", "").file("/f/file", "");
  for (const name of ["in", "out", "err"]) kernel.file(`/f/${name}`, "");
  const fstat = kernel.fstat.bind(kernel);
  const isFifo = (fd: Fd) => /^\/f\/(in|out|err)$/.test(kernel.nameOf(fd));
  Object.assign(kernel, {
    fstat: (fd: Fd) => ({ ...fstat(fd), ...(isFifo(fd) ? { mode: S_IFIFO } : {}) }),
  });
  const waiting: string[] = [];
  const calls = {
    setWaiting: (fd: Fd) => void waiting.push(kernel.nameOf(fd)),
    hasHungUp: () => hasHungUp,
    pipe: () => {
      throw new Error("no logger is asked for");
    },
  };
  const link = {} as MonitorLink;
  return { kernel, calls, link, container: "web", namespace: "test", owner, waiting };
}

test("fifos are the process's own, with an end of each for the monitor", async () => {
  const around = surroundings();
  const opened: Fd[] = [];
  const { stdio, held, input, console } = await openStreams(around, fifos, opened);
  const name = (fd: Fd | undefined) => around.kernel.nameOf(fd ?? (-1 as Fd));
  expect(stdio.map(name)).toEqual(["/f/in", "/f/out", "/f/err"]);
  expect(Object.keys(held).sort()).toEqual(["errorReader", "outputReader"]);
  expect([name(held.outputReader), name(held.errorReader), name(input)]).toEqual([
    ...["/f/out", "/f/err", "/f/in"],
  ]);
  expect(console).toBeUndefined();
  // Those of the process wait; those of the monitor do not.
  expect(around.waiting).toEqual(["/f/out", "/f/err", "/f/in"]);
  expect(opened.length).toBe(5);
  expect(around.kernel.calls.some((call) => call.startsWith("chown"))).toBe(false);
});

test("fifos are given to the owner that the client names", async () => {
  const around = surroundings({ uid: 100000, gid: 200000 });
  await openStreams(around, fifos, []);
  const given = around.kernel.calls.filter((call) => call.startsWith("chown"));
  expect(given).toHaveLength(3);
  for (const call of given) expect(call).toMatch(/^chown \/proc\/self\/fd\/\d+ 100000:200000$/);
});

test("without addresses there is /dev/null; a terminal is neither", async () => {
  const around = surroundings();
  const { stdio } = await openStreams(around, none, []);
  expect(stdio.map((fd) => around.kernel.nameOf(fd))).toEqual(Array(3).fill("/dev/null"));
  const terminal = await openStreams(around, { ...fifos, terminal: true }, []);
  expect(terminal.stdio.map((fd) => around.kernel.nameOf(fd))).toEqual(Array(3).fill("/dev/null"));
  expect(Object.keys(terminal.held).sort()).toEqual([
    ...["outputReader", "terminalInput", "terminalOutput"],
  ]);
  expect(terminal.console).toBeDefined();
});

test("an input whose client has come and gone is not held open", async () => {
  for (const hasHungUp of [false, true]) {
    const around = surroundings(undefined, hasHungUp);
    const ready = await openStreams(around, fifos, []);
    expect("inputWriter" in holdInput(around, fifos, ready)).toBe(!hasHungUp);
  }
  const around = surroundings();
  expect(holdInput(around, none, await openStreams(around, none, []))).toEqual({});
});

test("a file is made with its folders, and is both streams", async () => {
  const around = surroundings();
  const stdout = "file:///logs/a%20b/out.log";
  const { stdio } = await openStreams(around, { ...none, stdout }, []);
  expect(stdio.slice(1).map((fd) => around.kernel.nameOf(fd))).toEqual(
    Array(2).fill("/logs/a b/out.log"),
  );
  expect(around.kernel.calls).toContain("mkdir /logs/a b 755");
});

test("what is no fifo, what nobody reads, and unknown schemes are refused; all is closed by the caller", async () => {
  const around = surroundings();
  const opened: Fd[] = [];
  const refused = (streams: Partial<Streams>) =>
    openStreams(around, { ...none, ...streams }, opened).then(
      () => "accepted",
      ({ message }: Error) => message,
    );
  expect(await refused({ stdin: "/f/file" })).toContain("open `/f/file`: it is no fifo");
  expect(await refused({ stdout: "http://x/" })).toContain("no way to log to `http`");
  let nowMs = 0;
  const now = () => {
    nowMs += 6000;
    around.kernel.fail("open /f/out", ENXIO); // again
    return nowMs;
  };
  Object.assign(around.kernel, { nowMs: now });
  expect(await refused({ stdout: "/f/out" })).toContain("nobody opens it to read");
  for (const fd of opened) around.kernel.close(fd);
  expect(around.kernel.openNames()).toEqual([]);
});
