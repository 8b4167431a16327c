// SPDX-License-Identifier: Apache-2.0
/** Terminals: sent over a console socket, or the caller's own in the foreground. */
import { expect } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type JsonObject, shell } from "../support/bundle.ts";
import { eventually, Running } from "../support/command.ts";
import { probe } from "../support/probe.ts";
import { except, only, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const terminal: JsonObject = { process: { terminal: true } };

/** A program under test on a terminal of 24 rows and 80 columns, and somebody who types. */
class Typist {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  #shown = "";

  private constructor(child: Bun.Subprocess<"pipe", "pipe", "pipe">) {
    this.#child = child;
    void this.#read();
  }

  static async start(argv: readonly string[], cwd: string): Promise<Typist> {
    const stdio = { stdin: "pipe", stdout: "pipe", stderr: "pipe" } as const;
    return new Typist(Bun.spawn([await probe(), "pty", "24", "80", ...argv], { cwd, ...stdio }));
  }

  type(text: string): void {
    this.#child.stdin.write(text);
    this.#child.stdin.flush();
  }

  resize(rows: number, columns: number): void {
    this.type(`\x1d${rows}x${columns}\n`);
  }

  async sees(text: string): Promise<void> {
    await eventually(`terminal shows ${JSON.stringify(text)} in ${this.#shown}`, () =>
      this.#shown.includes(text),
    ).catch(() => expect(this.#shown).toContain(text));
  }

  async status(): Promise<number> {
    return await this.#child.exited;
  }

  get shown(): string {
    return this.#shown;
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stdout) this.#shown += decoder.decode(chunk);
  }
}

// covers: create --console-socket, process.terminal, process.consoleSize.*
test("create sends the terminal over the console socket", async () => {
  await using sandbox = new Sandbox();
  const socket = join(sandbox.path, "console");
  using master = new Running([await probe(), "console", socket]);
  await eventually("the socket is there", () => hasSocket(socket));
  const id = sandbox.id();
  sandbox.configure(
    terminal,
    { process: { consoleSize: { height: 33, width: 77 } } },
    shell(
      "tty; stty size; stat -c '%F %t' /dev/console; [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo all",
    ),
  );
  await sandbox.must(["create", "--console-socket", socket, id]);
  await sandbox.must(["start", id]);
  expect(await master.exited()).toBe(0);
  expect(master.stdout().replaceAll("\r", "").split("\n")).toEqual([
    "/dev/pts/0",
    "33 77",
    "character special file 88",
    "all",
    "",
  ]);
});

// covers: run --console-socket
test("a detached run sends it too", async () => {
  await using sandbox = new Sandbox();
  const socket = join(sandbox.path, "console");
  using master = new Running([await probe(), "console", socket]);
  await eventually("the socket is there", () => hasSocket(socket));
  sandbox.configure(terminal, shell("echo hello"));
  await sandbox.must(["run", "--detach", "--console-socket", socket, sandbox.id()]);
  expect(await master.exited()).toBe(0);
  expect(master.stdout()).toBe("hello\r\n");
});

test("a terminal without a console socket is refused where nobody would hold it", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure(terminal);
  expect((await sandbox.call(["create", sandbox.id()])).status).toBe(1);
  await sandbox.expectNothingLeft();
});

except("crun", "1.8.1 ignores it")("a console socket without a terminal is refused", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure();
  const socket = join(sandbox.path, "console");
  using master = new Running([await probe(), "console", socket]);
  await eventually("the socket is there", () => hasSocket(socket));
  const create = ["create", "--console-socket", socket, sandbox.id()];
  expect((await sandbox.call(create)).status).toBe(1);
  master.kill("SIGKILL");
  await master.exited();
});

test("a console socket where nobody listens is refused", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure(terminal);
  const create = ["create", "--console-socket", join(sandbox.path, "nobody"), sandbox.id()];
  expect((await sandbox.call(create)).status).toBe(1);
  await sandbox.expectNothingLeft();
});

// covers: process.terminal
test("a foreground run relays the caller's terminal", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure(terminal, shell('tty; read line; echo "got <$line>"; exit 7'));
  const typist = await Typist.start(sandbox.argv("run", sandbox.id()), sandbox.bundle.path);
  await typist.sees("/dev/pts/0");
  typist.type("some text\n");
  await typist.sees("got <some text>");
  expect(await typist.status()).toBe(7);
});

only("rune", "1.1.5 sets the size while the program runs already")(
  "a foreground run gives the terminal the caller's size",
  async () => {
    await using sandbox = new Sandbox();
    sandbox.configure(terminal, shell("stty size"));
    const typist = await Typist.start(sandbox.argv("run", sandbox.id()), sandbox.bundle.path);
    await typist.sees("24 80");
    expect(await typist.status()).toBe(0);
  },
);

// covers: run
except("crun", "1.8.1 passes on that there was one, not the size")(
  "a foreground run passes on a change of size",
  async () => {
    await using sandbox = new Sandbox();
    sandbox.configure(
      terminal,
      shell("trap 'stty size' WINCH; echo ready; while ! [ -e /end ]; do sleep 0.1; done"),
    );
    const typist = await Typist.start(sandbox.argv("run", sandbox.id()), sandbox.bundle.path);
    await typist.sees("ready");
    typist.resize(50, 132);
    await typist.sees("50 132");
    await Bun.write(join(sandbox.bundle.rootfs, "end"), "");
    expect(await typist.status()).toBe(0);
  },
);

test("keys reach the container as signals of its own terminal", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure(
    terminal,
    shell("trap 'echo interrupted; exit 3' INT; echo ready; while :; do sleep 0.1; done"),
  );
  const typist = await Typist.start(sandbox.argv("run", sandbox.id()), sandbox.bundle.path);
  await typist.sees("ready");
  typist.type("\x03");
  await typist.sees("interrupted");
  expect(await typist.status()).toBe(3);
});

test("end of file reaches the container", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure(terminal, shell("echo ready; cat; echo end"));
  const typist = await Typist.start(sandbox.argv("run", sandbox.id()), sandbox.bundle.path);
  await typist.sees("ready");
  typist.type("\x04");
  await typist.sees("end");
  expect(await typist.status()).toBe(0);
});

test("all of a terminal's output arrives before the end", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure(terminal, shell("seq 1 20000"));
  const typist = await Typist.start(sandbox.argv("run", sandbox.id()), sandbox.bundle.path);
  expect(await typist.status()).toBe(0);
  await typist.sees("\r\n20000\r\n");
  expect(typist.shown.split("\r\n").length).toBe(20001);
});

except("crun", "1.8.1 leaves it with other settings")(
  "the caller's terminal has its settings and flags back afterwards",
  async () => {
    await using sandbox = new Sandbox();
    sandbox.configure(terminal, shell("stty -echo raw; echo inside"));
    const flags = `${await probe()} flags`;
    const run = sandbox
      .argv("run", sandbox.id())
      .map((word) => `'${word}'`)
      .join(" ");
    const script = `stty intr ^K -ixon; ${flags}; echo ==; ${run}; echo ==; ${flags}`;
    const typist = await Typist.start(["sh", "-c", script], sandbox.bundle.path);
    expect(await typist.status()).toBe(0);
    const [before, inside, after] = typist.shown.replaceAll("\r", "").split("==\n");
    expect(inside?.trim()).toBe("inside");
    expect(before).toContain("termios");
    expect(after).toBe(before ?? "");
  },
);

// covers: exec --tty
test("exec on a terminal", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  const argv = sandbox.argv("exec", "--tty", id, "sh", "-c", "tty; read line; echo $line; exit 9");
  const typist = await Typist.start(argv, sandbox.bundle.path);
  await typist.sees("/dev/pts/0");
  typist.type("typed\n");
  await typist.sees("typed\r\ntyped");
  expect(await typist.status()).toBe(9);
});

// covers: exec --console-socket
test("exec detached, its terminal over the console socket", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  const socket = join(sandbox.path, "console");
  using master = new Running([await probe(), "console", socket]);
  await eventually("the socket is there", () => hasSocket(socket));
  await sandbox.must(["exec", "--tty", "--detach", "--console-socket", socket, id, "tty"]);
  expect(await master.exited()).toBe(0);
  expect(master.stdout()).toBe("/dev/pts/0\r\n");
});

only("rune", "1.1.5 opens what the image has there")(
  "a /dev/ptmx that is not the terminal multiplexer is refused",
  async () => {
    await using sandbox = new Sandbox();
    const socket = join(sandbox.path, "console");
    using master = new Running([await probe(), "console", socket]);
    await eventually("the socket is there", () => hasSocket(socket));
    sandbox.configure(terminal, {
      linux: {
        devices: [{ path: "/dev/ptmx", type: "c", major: 1, minor: 3, fileMode: 0o666 }],
      },
    });
    const create = ["create", "--console-socket", socket, sandbox.id()];
    expect((await sandbox.call(create)).status).toBe(1);
    master.kill("SIGKILL");
    await master.exited();
    await sandbox.expectNothingLeft();
  },
);

function hasSocket(path: string): boolean {
  return existsSync(path);
}
