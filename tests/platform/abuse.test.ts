// SPDX-License-Identifier: Apache-2.0
/** The service under load and attack: those who keep to the protocol are served, keys are never lost. */
import { expect } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { encodeRequest, HEADER_BYTES, LONGEST_REQUEST_BYTES } from "../../src/platform/frame.ts";
import { openRootSecret } from "../../src/platform/root-secret.ts";
import { einitRequest, keyRequest } from "../../src/platform/testing.ts";
import { command, eventually, Running } from "../support/command.ts";
import { needs } from "../support/runtime.ts";
import { obstacle, TestService, tool } from "./service.ts";
import { exchange, exchangeOnce, hello } from "./sockets.ts";

const test = needs(obstacle);
const rootTest = needs(obstacle ?? (process.getuid?.() === 0 ? undefined : "needs root"));

function open(path: string, bytes: Uint8Array): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path }, () => {
      socket.write(bytes);
      resolve(socket);
    });
    socket.on("error", reject);
  });
}

test("a thousand clients at once get their keys, and all the same", async () => {
  await using service = new TestService();
  await service.start();
  const launched = await exchange(service.socket, encodeRequest(einitRequest()));
  const request = encodeRequest(keyRequest(launched.subarray(HEADER_BYTES)));
  const replies = await Promise.all(
    Array.from({ length: 1000 }, () => exchange(service.socket, request)),
  );
  expect(new Set(replies.map((reply) => reply.toString("hex"))).size).toBe(1);
  expect(replies[0]).toHaveLength(HEADER_BYTES + 16);
  expect((await service.status()).requests).toBe(1001);
});

test("an enclave larger than 4 GiB is listed with its size", async () => {
  await using service = new TestService();
  await service.start();
  const { code, payload } = einitRequest();
  const large = Buffer.from(payload);
  large.writeBigUInt64LE(1n << 33n, 1808 + 304 + 120);
  expect(await exchange(service.socket, encodeRequest({ code, payload: large }))).toHaveLength(
    HEADER_BYTES + 208,
  );
  expect(await service.must("platform", "enclaves")).toContain(" 8388608K ");
});

test("malformed frames get no answer, those that stop in the middle are let go, others are served", async () => {
  await using service = new TestService();
  await service.start();
  const noise = Array.from({ length: 200 }, (_, i) =>
    crypto.getRandomValues(new Uint8Array(1 + ((i * 37) % (2 * LONGEST_REQUEST_BYTES)))),
  );
  const slow = await Promise.all(
    Array.from({ length: 100 }, () => open(service.socket, hello.subarray(0, 5))),
  );
  const answers = await Promise.all(
    // Of one byte nobody knows yet whether it is a frame.
    noise
      .filter(({ length }) => length >= HEADER_BYTES)
      .map((one) => exchangeOnce(service.socket, one)),
  );
  expect(answers.every((reply) => reply === undefined || reply.length === 0)).toBe(true);
  expect(await exchange(service.socket, hello)).toHaveLength(HEADER_BYTES + 32);
  await Promise.all(slow.map((socket) => new Promise((resolve) => socket.on("close", resolve))));
  expect(await exchange(service.socket, hello)).toHaveLength(HEADER_BYTES + 32);
});

test("clients that die in the middle of request or reply leave nothing behind", async () => {
  await using service = new TestService();
  await service.start();
  const { pid } = await service.status();
  const descriptors = () => readdirSync(`/proc/${pid}/fd`).length;
  await exchange(service.socket, hello);
  const before = descriptors();
  const einit = encodeRequest(einitRequest());
  for (let round = 0; round < 300; round++) {
    const socket = await open(service.socket, einit.subarray(0, (round * 61) % (einit.length + 1)));
    socket.destroy();
  }
  await eventually("their connections are closed", () => descriptors() <= before);
  expect(await exchange(service.socket, hello)).toHaveLength(HEADER_BYTES + 32);
});

test("kill -9 at any moment of the first start leaves a whole secret or none, and the next start works", async () => {
  await using service = new TestService();
  const { runtime, state } = service.folders;
  let [whole, none] = [0, 0];
  for (let round = 0; round < 24; round++) {
    rmSync(state, { recursive: true, force: true });
    mkdirSync(state, { mode: 0o700 });
    const words = ["platform", "serve", "--runtime", runtime, "--state", state];
    const running = new Running([tool, ...words], { env: service.variables });
    // Until it has its lock nothing is written; from there on every moment counts.
    const locked = () => existsSync(join(state, "lock"));
    const began = performance.now();
    while (!locked() && performance.now() - began < 10_000) await Bun.sleep(1);
    const until = performance.now() + (round % 12) * 0.3;
    while (performance.now() < until);
    running.kill("SIGKILL");
    await running.exited();
    const kept = existsSync(join(state, "root-secret"));
    if (kept) whole++;
    else none++;
    const secret = kept ? readFileSync(join(state, "root-secret")) : undefined;
    // Not damaged, or this would throw; and what was there is there still.
    openRootSecret(state);
    if (secret !== undefined) expect(readFileSync(join(state, "root-secret"))).toEqual(secret);
    // A socket may be left; the next service replaces it.
    const files = readdirSync(state).filter((name) => name !== "control.sock");
    expect(files.sort()).toEqual(["lock", "root-secret"]);
  }
  expect(whole + none).toBe(24);
});

test("two that start it at once get one service", async () => {
  await using service = new TestService();
  const starts = Array.from({ length: 6 }, () => service.call("platform", "start"));
  const results = await Promise.all(starts);
  expect(results.map(({ status, stderr }) => ({ status, stderr }))).toEqual(
    results.map(() => ({ status: 0, stderr: "" })),
  );
  const processes = await command(["pgrep", "-fc", `serve --runtime ${service.folders.runtime} `]);
  expect(processes.stdout).toBe("1\n");
});

test("a damaged TCB state is told to the owner, and clients go on when it is mended", async () => {
  await using service = new TestService();
  await service.start();
  const path = join(service.folders.state, "tcb.json");
  writeFileSync(path, "{");
  const url = "http://localhost/sgx/certification/v4/qe/identity";
  const ask = async () =>
    (await fetch(url, { unix: join(service.folders.runtime, "evidence.sock") })).status;
  expect((await service.status()).fault).toBeUndefined();
  expect(await ask()).toBe(500);
  expect((await service.status()).fault).toStartWith(`read \`${path}\`: `);
  rmSync(path);
  expect(await ask()).toBe(200);
});

test("who has found the service running finds it running for the idle time", async () => {
  await using service = new TestService();
  await service.start(1);
  // As rune looks for it before it makes a container, whose first process is to say HELLO.
  for (let round = 0; round < 12; round++) {
    (await open(service.socket, new Uint8Array())).destroy();
    await Bun.sleep(200);
  }
  expect(await exchange(service.socket, hello)).toHaveLength(HEADER_BYTES + 32);
});

test("a damaged secret is an error that names the file, and stays as it is", async () => {
  await using service = new TestService();
  await service.start();
  await service.stop();
  const path = join(service.folders.state, "root-secret");
  const bytes = readFileSync(path);
  bytes[50] = (bytes[50] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const { status, stderr } = await service.call("platform", "start");
  expect(status).toBe(1);
  expect(stderr).toContain(`read \`${path}\`: its hash is wrong`);
  expect(readFileSync(path)).toEqual(bytes);
  expect(stderr).toContain("hint: nothing that was sealed can be unsealed without it; restore it");
  // What the hint says works.
  rmSync(path);
  await service.start();
});

rootTest("on a full disk it says so, and works when there is room again", async () => {
  await using service = new TestService();
  const { state } = service.folders;
  mkdirSync(state, { mode: 0o700 });
  await command(["mount", "-t", "tmpfs", "-o", "size=4k,mode=700", "none", state]);
  try {
    writeFileSync(join(state, "filler"), new Uint8Array(4096));
    const { status, stderr } = await service.call("platform", "start");
    expect(status).toBe(1);
    expect(stderr).toContain("no space left on device");
    rmSync(join(state, "filler"));
    await service.start();
    expect(await exchange(service.socket, hello)).toHaveLength(HEADER_BYTES + 32);
    await service.stop();
  } finally {
    await command(["umount", state]);
  }
});

rootTest("a folder that its user has no way to is named", async () => {
  await using service = new TestService();
  const { runtime, state } = service.folders;
  const above = join(runtime, "private");
  mkdirSync(above, { recursive: true, mode: 0o700 });
  const variables = { ...service.variables, INCLAVARE_PLATFORM_STATE: join(above, "state") };
  const { status, stderr } = await command([tool, "platform", "start"], { env: variables });
  expect(status).toBe(1);
  expect(stderr).toMatch(/open `.*\/private\/state\/lock`: .*permission denied/);
  expect(stderr).toMatch(/hint: user \d+ has to be able to enter/);
  expect(existsSync(state)).toBe(false);
});

rootTest("as root it runs as nobody in particular, with nothing of its caller's", async () => {
  await using service = new TestService();
  await service.start();
  const { pid } = await service.status();
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(status)?.[1];
  expect(field("Uid")).toMatch(/^(\d+)\t\1\t\1\t\1$/);
  expect(field("Uid")).not.toStartWith("0\t");
  expect([field("Groups")?.trim(), field("CapEff"), field("CapPrm"), field("NoNewPrivs")]).toEqual([
    "",
    "0000000000000000",
    "0000000000000000",
    "1",
  ]);
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ");
  expect(stat?.[1]).not.toBe(String(process.pid));
  // Its session is the one that platform-launch has made, not the caller's.
  const own = readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ");
  expect(stat?.[3]).not.toBe(own?.[3]);
  expect(readFileSync(`/proc/${pid}/environ`, "latin1")).not.toContain("INCLAVARE_PLATFORM");
});

rootTest(
  "no limit, priority or OOM score of its caller's is the service's, and it dumps no core",
  async () => {
    await using service = new TestService();
    const start = `echo 500 >/proc/self/oom_score_adj; ulimit -c unlimited
    exec nice -n 5 prlimit --cpu=1000: --fsize=1000000: "$0" platform start`;
    const { status: ended, stderr } = await command(["sh", "-c", start, tool], {
      env: service.variables,
    });
    expect([ended, stderr]).toEqual([0, ""]);
    const { pid } = await service.status();
    const limits = (of: number | string) => {
      const lines = readFileSync(`/proc/${of}/limits`, "utf8").split("\n");
      return lines.filter((line) => /^Max (cpu time|file size|core)/.test(line));
    };
    expect(limits(pid).slice(0, 2)).toEqual(limits(1).slice(0, 2));
    expect(limits(pid)[2]).toMatch(/^Max core file size +0 +0 /);
    expect(readFileSync(`/proc/${pid}/oom_score_adj`, "utf8")).toBe("0\n");
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ");
    expect(stat?.[16]).toBe("0");
  },
);
