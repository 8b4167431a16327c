// SPDX-License-Identifier: Apache-2.0
/** The real kernel's answers against node:fs, and what only shows on the real one. Needs no root. */
import { afterAll, expect, test } from "bun:test";
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RuneError } from "../errors/error.ts";
import * as c from "./constants.ts";
import { errnoText } from "./errno.ts";
import { type Fd, readFile, readText, unlessErrno, writeFile } from "./kernel.ts";
import { linux } from "./linux.ts";

const scratch = mkdtempSync(join(tmpdir(), "rune-linux-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const at = (name: string) => join(scratch, name);
const bytes = (text: string) => new TextEncoder().encode(text);

function errnoOf(attempt: () => unknown): number | undefined {
  try {
    attempt();
    return 0;
  } catch (error) {
    return RuneError.from(error, "").errno;
  }
}

test("stat, lstat and fstat agree with node:fs", () => {
  writeFileSync(at("file"), "content", { mode: 0o640 });
  symlinkSync("file", at("link"));
  mkdirSync(at("dir"));
  for (const path of [at("file"), at("link"), at("dir"), "/dev/null", "/dev/full", "/proc/self"]) {
    for (const [ours, theirs] of [
      [linux.stat(path), statSync(path, { bigint: true })],
      [linux.lstat(path), lstatSync(path, { bigint: true })],
    ] as const) {
      expect(ours).toEqual({
        device: theirs.dev,
        inode: theirs.ino,
        links: Number(theirs.nlink),
        modified:
          Number(theirs.mtimeNs / 1_000_000_000n) + Number(theirs.mtimeNs % 1_000_000_000n) / 1e9,
        mode: Number(theirs.mode),
        uid: Number(theirs.uid),
        gid: Number(theirs.gid),
        sizeBytes: Number(theirs.size),
        major: Number((theirs.rdev >> 8n) & 0xfffn),
        minor: Number(theirs.rdev & 0xffn),
      });
    }
  }
  expect(linux.stat("/dev/null")).toMatchObject({ major: 1, minor: 3 });
  const fd = openSync(at("file"), "r");
  expect(linux.fstat(fd as Fd)).toEqual(linux.stat(at("file"))); // node opened it
  closeSync(fd);
});

test("list gives every entry, over several reads", () => {
  mkdirSync(at("many"));
  const names = Array.from({ length: 1500 }, (_, i) => `entry-${i}-${"x".repeat(i % 100)}`);
  for (const name of names) writeFileSync(at(`many/${name}`), "");
  mkdirSync(at("many/directory"));
  const found = linux.list(at("many"));
  expect(found.map(({ name }) => name).sort()).toEqual([...names, "directory"].sort());
  expect(found.filter(({ isDirectory }) => isDirectory).map(({ name }) => name)).toEqual([
    "directory",
  ]);
  expect(errnoOf(() => linux.list(at("file")))).toBe(c.ENOTDIR);
});

test("names that are not ASCII", () => {
  const name = `ü-${"長".repeat(60)}`;
  mkdirSync(at("names"));
  linux.close(linux.open(at(`names/${name}`), c.O_WRONLY | c.O_CREAT));
  expect(linux.list(at("names"))).toEqual([{ name, isDirectory: false }]);
  expect(existsSync(at(`names/${name}`))).toBe(true);
});

test("files are written whole and read to their end", () => {
  const content = new Uint8Array(300_001).map((_, i) => i);
  const fd = linux.open(at("large"), c.O_WRONLY | c.O_CREAT, 0o600);
  linux.write(fd, content);
  linux.write(fd, new Uint8Array());
  linux.close(fd);
  expect(readFileSync(at("large")).equals(content)).toBe(true);
  expect(Buffer.from(readFile(linux, at("large"), 300_001)).equals(content)).toBe(true);
  expect(() => readFile(linux, at("large"), 300_000)).toThrow("larger than 300000 bytes");
  expect(statSync(at("large")).mode & 0o777).toBe(0o600);
});

test("directories, links, fifos, modes", () => {
  linux.mkdir(at("made"), 0o700);
  linux.chmod(at("made"), 0o711);
  expect(statSync(at("made")).mode & 0o7777).toBe(0o711);
  linux.mkfifo(at("made/fifo"), 0o600);
  expect(lstatSync(at("made/fifo")).isFIFO()).toBe(true);
  expect(errnoOf(() => linux.open(at("made/fifo"), c.O_WRONLY | c.O_NONBLOCK))).toBe(c.ENXIO);
  linux.rename(at("made/fifo"), at("made/other"));
  expect(errnoOf(() => linux.rmdir(at("made")))).toBe(c.ENOTEMPTY);
  linux.unlink(at("made/other"));
  linux.rmdir(at("made"));
  symlinkSync("a/target/ü", at("somewhere"));
  expect(linux.readlink(at("somewhere"))).toBe("a/target/ü");
  const directory = linux.open(scratch, c.O_RDONLY | c.O_DIRECTORY);
  const fd = linux.openAt(directory, "large", c.O_RDONLY);
  expect(linux.fstat(fd).sizeBytes).toBe(300_001);
  linux.close(fd);
  linux.close(directory);
  expect(linux.umask(linux.umask(0o27))).toBe(0o27);
});

test("an error says what was done, to what, and why", () => {
  const cases: [() => unknown, string, number][] = [
    [() => linux.open("/none", 0), "open `/none`: no such file or directory", c.ENOENT],
    [
      () => linux.mkdir("/proc/x/y", 0o700),
      "mkdir `/proc/x/y`: no such file or directory",
      c.ENOENT,
    ],
    [() => linux.mkdir("/tmp", 0o700), "mkdir `/tmp`: file exists", c.EEXIST],
    [() => linux.stat("/dev/null/x"), "stat `/dev/null/x`: not a directory", c.ENOTDIR],
    [() => linux.readlink("/dev/null"), "readlink `/dev/null`: invalid argument", c.EINVAL],
    [
      () => linux.kill(0x3fffffff as never, 0),
      "signal process 1073741823: no such process",
      c.ESRCH,
    ],
    [() => linux.read(-1 as Fd, 1), "read: bad file descriptor", 9],
    [
      () => linux.spawn({ path: "/none", argv: ["x"], env: [] }),
      "start `x`: no such file or directory",
      c.ENOENT,
    ],
    [() => linux.connectUnix("/none"), "connect to `/none`: no such file or directory", c.ENOENT],
  ];
  for (const [attempt, message, errno] of cases) {
    expect(attempt).toThrow(expect.objectContaining({ message, errno, code: "SYSCALL" }));
  }
});

test("texts of error numbers are the C library's, in lower case", () => {
  const perl = Bun.spawnSync(["perl", "-e", 'for (1..133) { $! = $_; print "$!\\n" }']); // essential in Debian
  const texts = perl.stdout.toString().split("\n");
  expect(texts[0]).toBe("Operation not permitted");
  const shorter: Record<number, string> = { 12: "out of memory", 18: "cross-device link" };
  for (let errno = 1; errno < 134; errno++) {
    if (errnoText(errno) === shorter[errno]) continue;
    const theirs = texts[errno - 1]?.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
    expect([theirs, `error ${errno}`]).toContain(errnoText(errno));
  }
  expect(errnoText(4000)).toBe("error 4000");
});

test("NUL in a path, an argument or the environment is refused", () => {
  expect(() => linux.open("/tmp\0/x", 0)).toThrow("contains NUL");
  expect(() => linux.mkdir("a\0", 0)).toThrow("contains NUL");
  expect(() => linux.spawn({ path: "/bin/true", argv: ["a\0b"], env: [] })).toThrow("contains NUL");
  expect(() => linux.spawn({ path: "/bin/true", argv: [], env: ["A=\0"] })).toThrow("contains NUL");
  expect(errnoOf(() => linux.connectUnix("/a\0b"))).toBe(c.ENAMETOOLONG);
});

test("a path that is too long is refused, by the kernel or before", () => {
  expect(errnoOf(() => linux.open("/".padEnd(5000, "x"), 0))).toBe(c.ENAMETOOLONG);
  expect(() => linux.open("/".padEnd(100_000, "x"), 0)).toThrow("too long");
  expect(errnoOf(() => linux.connectUnix("/".padEnd(108, "x")))).toBe(c.ENAMETOOLONG);
});

test("a sealed memfd can be read but not changed", () => {
  const fd = linux.memfd("test");
  linux.write(fd, bytes("content"));
  linux.seal(fd);
  expect(errnoOf(() => linux.write(fd, bytes("x")))).toBe(c.EPERM);
  const path = `/proc/self/fd/${fd}`;
  expect(errnoOf(() => linux.close(linux.open(path, c.O_RDWR | c.O_TRUNC)))).toBe(c.EPERM);
  const again = linux.open(path, c.O_WRONLY);
  expect(errnoOf(() => linux.write(again, bytes("x")))).toBe(c.EPERM);
  linux.close(again);
  expect(readText(linux, path)).toBe("content");
  expect(errnoOf(() => linux.seal(fd))).toBe(c.EPERM);
  linux.close(fd);
});

test("a sealed copy is the file, and runs", async () => {
  const fd = linux.sealedCopy("/bin/true", "true");
  const path = `/proc/self/fd/${fd}`;
  expect(Buffer.from(readFile(linux, path, 16 << 20)).equals(readFileSync("/bin/true"))).toBe(true);
  const again = linux.open(path, c.O_WRONLY);
  expect(errnoOf(() => linux.write(again, bytes("x")))).toBe(c.EPERM);
  linux.close(again);
  linux.spawn({ path, argv: ["true"], env: [] });
  linux.close(fd);
  expect(errnoOf(() => linux.sealedCopy("/none", "x"))).toBe(c.ENOENT);
});

test("descriptors are close-on-exec until told otherwise", () => {
  const flags = (fd: number) =>
    /^flags:\s+0*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1];
  const isCloseOnExec = (fd: number) => (Number.parseInt(flags(fd) ?? "0", 8) & c.O_CLOEXEC) !== 0;
  const opened = [
    linux.open("/dev/null", c.O_RDONLY),
    linux.memfd("x"),
    linux.sealedCopy("/bin/true", "x"),
    ...linux.packetPair(),
    ...linux.streamPair(),
    linux.pidfd(linux.pid()),
  ];
  expect(opened.map(isCloseOnExec)).toEqual(opened.map(() => true));
  for (const fd of opened) linux.setInherited(fd, true);
  expect(opened.map(isCloseOnExec)).toEqual(opened.map(() => false));
  for (const fd of opened) linux.close(fd);
});

test("packets keep their borders; the end is an empty read", () => {
  const [one, other] = linux.packetPair();
  linux.write(one, bytes("first"));
  linux.write(one, bytes("second"));
  expect(linux.read(other, 100)).toEqual(bytes("first"));
  expect(linux.read(other, 3)).toEqual(bytes("sec"));
  expect(linux.waitReadable(other, 0)).toBe(false);
  linux.close(one);
  expect(linux.waitReadable(other, -1)).toBe(true);
  expect(linux.read(other, 100)).toHaveLength(0);
  expect(errnoOf(() => linux.write(other, bytes("x")))).toBe(c.EPIPE);
  linux.close(other);
});

test("waiting for a descriptor takes as long as it was told", () => {
  const [one, other] = linux.streamPair();
  const before = linux.nowMs();
  expect(linux.waitReadable(one, 30)).toBe(false);
  expect(linux.nowMs() - before).toBeGreaterThanOrEqual(29);
  linux.write(other, bytes("x"));
  expect(linux.waitReadable(one, 10_000)).toBe(true);
  linux.close(one);
  linux.close(other);
});

test("sockets with a path", () => {
  const path = at("socket");
  const server = linux.listenUnix(path, 4);
  const client = linux.connectUnix(path);
  expect(linux.waitReadable(server, 1000)).toBe(true);
  expect(errnoOf(() => linux.listenUnix(path, 4))).toBe(98);
  linux.close(client);
  linux.close(server);
  expect(errnoOf(() => linux.connectUnix(path))).toBe(111);
});

test("a lock is exclusive among open files", () => {
  mkdirSync(at("locked"));
  const fd = linux.open(at("locked"), c.O_RDONLY | c.O_DIRECTORY);
  linux.lock(fd);
  const attempt = () => Bun.spawnSync(["flock", "--nonblock", at("locked"), "true"]).exitCode;
  expect(attempt()).toBe(1);
  linux.close(fd);
  expect(attempt()).toBe(0);
});

/** Runs a program through the seam with its standard output in a file. */
async function output(argv: string[], env: string[]): Promise<string> {
  const path = at(`output-${Math.random()}`);
  linux.spawn({
    path: "/bin/sh",
    argv: ["sh", "-c", `exec >'${path}.new'; "$@"; mv '${path}.new' '${path}'`, "sh", ...argv],
    env,
  });
  for (const until = Date.now() + 20_000; !existsSync(path) && Date.now() < until; )
    await Bun.sleep(2);
  return readFileSync(path, "utf8");
}

test("a program gets its arguments and its environment, and nothing else", async () => {
  expect(await output(["/usr/bin/printf", "%s|", "a b", "", "ü", "'"], ["X=1"])).toBe("a b||ü|'|");
  expect(await output(["/usr/bin/env"], ["A=1", "PATH=/bin", "B=ü="])).toContain("A=1\n");
  expect(await output(["/usr/bin/env"], ["PATH=/bin"])).not.toContain("HOME=");
});

test("argument lists larger than what was ever laid out before", async () => {
  const many = Array.from({ length: 5000 }, (_, i) => `argument-${i}-${"é".repeat(20)}`);
  expect(await output(["/usr/bin/printf", "%s\n", ...many], ["PATH=/bin"])).toBe(
    `${many.join("\n")}\n`,
  );
  const large = "x".repeat(120_000); // MAX_ARG_STRLEN is 128 KiB
  expect(await output(["/usr/bin/printf", "%s", large], ["PATH=/bin"])).toBe(large);
  expect(
    errnoOf(() => linux.spawn({ path: "/bin/true", argv: ["x".repeat(200_000)], env: [] })),
  ).toBe(7);
  expect(linux.stat("/dev/null")).toMatchObject({ major: 1, minor: 3 }); // other calls still work
});

test("signals through a pidfd, and to nobody", async () => {
  const child = Bun.spawn(["sleep", "60"]);
  const pidfd = linux.pidfd(child.pid as never);
  linux.pidfdSignal(pidfd, 0);
  linux.pidfdSignal(pidfd, c.SIGTERM);
  await child.exited;
  expect(child.signalCode).toBe("SIGTERM");
  expect(errnoOf(() => linux.pidfdSignal(pidfd, c.SIGTERM))).toBe(c.ESRCH);
  linux.close(pidfd);
});

test("who and where this process is", () => {
  expect<number>(linux.pid()).toBe(process.pid);
  expect([linux.euid(), linux.egid()]).toEqual([
    process.geteuid?.() ?? -1,
    process.getegid?.() ?? -1,
  ]);
  const before = readlinkSync("/proc/self/cwd");
  linux.chdir(scratch);
  expect(readlinkSync("/proc/self/cwd")).toBe(scratch);
  linux.chdir(before);
});

test("helpers: writing in place, and forgiving some failures", () => {
  writeFile(linux, at("file"), "CON");
  expect(readText(linux, at("file"))).toBe("CONtent");
  expect(() => writeFile(linux, "/dev/full", "x")).toThrow("write `x` to `/dev/full`");
  expect(unlessErrno(() => linux.stat("/none"), c.ENOENT)).toBeUndefined();
  expect(errnoOf(() => unlessErrno(() => linux.stat("/none"), c.EPERM))).toBe(c.ENOENT);
});

test("waiting for one of several", async () => {
  const event = linux.eventFd();
  const [one, other] = linux.streamPair();
  const awaited = [event, one].map((fd) => ({ fd, change: false }));
  expect(linux.waitAny(awaited, 0)).toEqual([]);
  const before = performance.now();
  expect(linux.waitAny(awaited, 30)).toEqual([]);
  expect(performance.now() - before).toBeGreaterThan(25);
  linux.write(other, bytes("x"));
  expect(linux.waitAny(awaited, -1)).toEqual([one]);
  linux.write(event, new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]));
  expect(linux.waitAny(awaited, -1)).toEqual([event, one]);
  expect(linux.read(event, 8)).toEqual(new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]));
  expect(linux.waitAny(awaited, 0)).toEqual([one]);
  for (const fd of [event, one, other]) linux.close(fd);
});

test("an abstract socket, whose name begins with NUL", () => {
  const path = `\0rune-linux-test-${process.pid}`;
  const server = linux.listenUnix(path, 1);
  const client = linux.connectUnix(path);
  expect(linux.waitReadable(server, 1000)).toBe(true);
  expect(errnoOf(() => linux.connectUnix("a\0b"))).toBe(c.ENAMETOOLONG);
  for (const fd of [client, server]) linux.close(fd);
});

test("descriptors travel with their message, close-on-exec", () => {
  const [one, other] = linux.packetPair();
  const file = linux.open("/dev/null", c.O_RDONLY);
  linux.sendDescriptor(one, bytes("with"), file);
  linux.write(one, bytes("without"));
  const received = linux.receiveDescriptors(other, 100);
  expect(received.bytes).toEqual(bytes("with"));
  const [copy = -1 as Fd] = received.descriptors;
  expect(readlinkSync(`/proc/self/fd/${copy}`)).toBe("/dev/null");
  expect(readFileSync(`/proc/self/fdinfo/${copy}`, "utf8")).toMatch(/^flags:\s+02100000$/m);
  expect(linux.receiveDescriptors(other, 7)).toEqual({ bytes: bytes("without"), descriptors: [] });
  linux.sendDescriptor(one, bytes("too long"), file);
  const open = () => readdirSync("/proc/self/fd").length;
  const before = open();
  expect(errnoOf(() => linux.receiveDescriptors(other, 7))).toBe(c.EMSGSIZE);
  expect(open()).toBe(before);
  linux.close(one);
  expect(linux.receiveDescriptors(other, 7).bytes).toHaveLength(0);
  for (const fd of [other, file, copy]) linux.close(fd);
});
