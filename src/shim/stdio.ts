// SPDX-License-Identifier: Apache-2.0
/** A process's standard streams: fifos of the client's, handed on as they are; files; loggers; a terminal. */
import { RuneError } from "../errors/error.ts";
import {
  EEXIST,
  ENXIO,
  O_APPEND,
  O_CREAT,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  S_IFIFO,
  S_IFMT,
} from "../kernel/constants.ts";
import { type Fd, type Kernel, unlessErrno } from "../kernel/kernel.ts";
import type { ShimCalls } from "../kernel/shim-calls.ts";
import { startLogger } from "./logger.ts";
import type { Stdio } from "./monitor-kernel.ts";
import type { Held, MonitorLink } from "./monitor-link.ts";

export type Streams = {
  /** Paths of fifos, `file://` or `binary://` addresses, or empty. */
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
};

export type Opened = {
  /** Of the process; closed here once it is started. */
  readonly stdio: Stdio;
  /** For the monitor. */
  readonly held: Held;
  /** The reading end of its input. */
  readonly input?: Fd;
  /** With a terminal: where its master will come from, and what the process gets. */
  readonly console?: { readonly ours: Fd; readonly theirs: Fd };
};

export type Surroundings = {
  readonly kernel: Kernel;
  readonly calls: Pick<ShimCalls, "setWaiting" | "hasHungUp" | "pipe">;
  readonly link: MonitorLink;
  readonly container: string;
  readonly namespace: string;
  /** Of the fifos and pipes; root: they stay whose they are. */
  readonly owner: Owner;
};

/** As the host has them: of a container's root, where that is another than the host's. */
export type Owner = { readonly uid: number; readonly gid: number };

/** What a client that opens its end in the background takes at most. */
const readerPatienceMs = 10_000;

export async function openStreams(
  surroundings: Surroundings,
  streams: Streams,
  opened: Fd[],
): Promise<Opened> {
  const { kernel } = surroundings;
  const keep = (fd: Fd) => {
    opened.push(fd);
    return fd;
  };
  const input = openInput(surroundings, streams.stdin, keep);
  const output = await openOutputs(surroundings, streams, keep);
  if (!streams.terminal) {
    const { outputReader, errorReader } = output;
    if (input !== undefined) surroundings.calls.setWaiting(input, true);
    return {
      stdio: [input ?? keep(kernel.open("/dev/null", O_RDONLY)), output.stdout, output.stderr],
      held: pruned({ outputReader, errorReader }),
      ...(input === undefined ? {} : { input }),
    };
  }
  const nothing = keep(kernel.open("/dev/null", O_RDWR));
  const [ours, theirs] = kernel.streamPair();
  keep(ours);
  keep(theirs);
  return {
    stdio: [nothing, nothing, nothing],
    held: pruned({
      outputReader: output.outputReader,
      terminalInput: input,
      terminalOutput: output.stdout,
    }),
    console: { ours, theirs },
    ...(input === undefined ? {} : { input }),
  };
}

/**
 * The writing end that keeps the process from seeing an end of its input before CloseIO, whoever comes and
 * goes. Not where the client has written and gone before it could know of the process: it cannot close what
 * it has closed already.
 */
export function holdInput(
  { kernel, calls }: Pick<Surroundings, "kernel" | "calls">,
  { stdin }: Streams,
  { input }: Opened,
): Pick<Held, "inputWriter"> {
  if (input === undefined || calls.hasHungUp(input)) return {};
  return { inputWriter: kernel.open(stdin, O_WRONLY | O_NONBLOCK) };
}

type Keep = (fd: Fd) => Fd;

function pruned(held: { [Role in keyof Held]: Fd | undefined }): Held {
  return Object.fromEntries(Object.entries(held).filter(([, fd]) => fd !== undefined));
}

function openInput({ kernel, owner }: Surroundings, path: string, keep: Keep): Fd | undefined {
  if (path === "") return undefined;
  const fd = keep(openFifo(kernel, path, O_RDONLY | O_NONBLOCK));
  giveTo(kernel, owner, fd);
  return fd;
}

/** So that the container's root, which is another's than the host's, may open /dev/stdout. */
export function giveTo(kernel: Kernel, { uid, gid }: Owner, fd: Fd): void {
  if (uid !== 0 || gid !== 0) kernel.chown(`/proc/self/fd/${fd}`, uid, gid);
}

type Outputs = { stdout: Fd; stderr: Fd; outputReader?: Fd; errorReader?: Fd };

async function openOutputs(
  surroundings: Surroundings,
  { stdout, stderr, terminal }: Streams,
  keep: Keep,
): Promise<Outputs> {
  const { kernel } = surroundings;
  const scheme = /^([a-z]+):\/\//.exec(stdout)?.[1] ?? "fifo";
  if (scheme === "binary") {
    const [out, error] = await startLogger(surroundings, stdout, keep);
    return { stdout: out, stderr: error };
  }
  if (scheme === "file") {
    const file = keep(openFile(kernel, decodeURIComponent(new URL(stdout).pathname)));
    return { stdout: file, stderr: file };
  }
  if (scheme !== "fifo") {
    const reason = `there is no way to log to \`${scheme}\``;
    throw new RuneError({ code: "USAGE", doing: `open \`${stdout}\``, reason });
  }
  const out = await openOutput(surroundings, stdout, keep);
  if (terminal) return { stdout: out.writer, stderr: out.writer, ...reader("outputReader", out) };
  const error = await openOutput(surroundings, stderr, keep);
  return {
    stdout: out.writer,
    stderr: error.writer,
    ...reader("outputReader", out),
    ...reader("errorReader", error),
  };
}

type Output = { writer: Fd; reader?: Fd };

function reader(name: "outputReader" | "errorReader", { reader: fd }: Output) {
  return fd === undefined ? {} : { [name]: fd };
}

/** Waits for somebody who reads, as data that nobody will read would be lost. */
async function openOutput(
  { kernel, calls, owner }: Surroundings,
  path: string,
  keep: Keep,
): Promise<Output> {
  if (path === "") return { writer: keep(kernel.open("/dev/null", O_WRONLY)) };
  const deadlineMs = kernel.nowMs() + readerPatienceMs;
  for (;;) {
    const writer = unlessErrno(() => openFifo(kernel, path, O_WRONLY | O_NONBLOCK), ENXIO);
    if (writer !== undefined) {
      keep(writer);
      giveTo(kernel, owner, writer);
      const own = keep(kernel.open(path, O_RDONLY | O_NONBLOCK));
      calls.setWaiting(writer, true);
      return { writer, reader: own };
    }
    if (kernel.nowMs() > deadlineMs) {
      const reason = "nobody opens it to read";
      throw new RuneError({ code: "USAGE", doing: `open \`${path}\``, reason });
    }
    await Bun.sleep(1);
  }
}

function openFifo(kernel: Kernel, path: string, flags: number): Fd {
  const fd = kernel.open(path, flags);
  if ((kernel.fstat(fd).mode & S_IFMT) === S_IFIFO) return fd;
  kernel.close(fd);
  throw new RuneError({ code: "USAGE", doing: `open \`${path}\``, reason: "it is no fifo" });
}

function openFile(kernel: Kernel, path: string): Fd {
  const parts = path.split("/").slice(1, -1);
  parts.forEach((_, index) => {
    const parent = `/${parts.slice(0, index + 1).join("/")}`;
    unlessErrno(() => kernel.mkdir(parent, 0o755), EEXIST);
  });
  return kernel.open(path, O_WRONLY | O_APPEND | O_CREAT, 0o644);
}
