// SPDX-License-Identifier: Apache-2.0
/** Who starts the service with which sockets, how many it holds, and what it counts. */
import { expect } from "bun:test";
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { platformFolders } from "../../src/platform/folders.ts";
import { encodeRequest, HEADER_BYTES } from "../../src/platform/frame.ts";
import { einitRequest, keyRequest } from "../../src/platform/testing.ts";
import { command, eventually, Running } from "../support/command.ts";
import { needs, repository } from "../support/runtime.ts";
import { obstacle, TestService, tool } from "./service.ts";
import { exchange, hello, idler } from "./sockets.ts";

const test = needs(obstacle);
const rootTest = needs(obstacle ?? (process.getuid?.() === 0 ? undefined : "needs root"));

/** As systemd does it: sockets that are open already, and who listens on them named by LISTEN_PID. */
const activator = `
import os, socket, sys
fds = []
for path in sys.argv[1:3]:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    s = socket.socket(socket.AF_UNIX)
    try:
        s.bind(path)
    except OSError:
        os.unlink(path)
        s.bind(path)
    s.listen(16)
    fds.append(s)
for i, s in enumerate(fds):
    os.dup2(s.fileno(), 30 + i, inheritable=False)
for i in range(len(fds)):
    os.dup2(30 + i, 3 + i, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)))
os.execv(sys.argv[3], sys.argv[3:])
`;

test("clients that say nothing silence no socket, however few descriptors there are", async () => {
  await using service = new TestService();
  // In the foreground: one that is started on demand gets, as root, the limits of process 1.
  mkdirSync(service.folders.state, { mode: 0o700 });
  const words = ["prlimit", "--nofile=600:600", tool, "platform", "serve"];
  const running = new Running(words, { env: service.variables });
  await eventually("it listens", () => existsSync(service.socket));
  const evidence = join(service.folders.runtime, "evidence.sock");
  const aesm = join(service.folders.runtime, "aesmd/aesm.socket");
  const sockets = [evidence, aesm, service.socket];
  const idle = (
    await Promise.all(sockets.flatMap((path) => Array.from({ length: 750 }, () => idler(path))))
  ).filter((one) => one !== undefined);
  try {
    const url = "http://localhost/simulation/sgx-root.pem";
    const answered = await fetch(url, { unix: evidence, signal: AbortSignal.timeout(4000) });
    expect(answered.status).toBe(200);
    const keys = await exchange(aesm, Uint8Array.of(3, 0, 0, 0, 0xaa, 1, 0));
    expect(keys).toHaveLength(11);
    expect(await exchange(service.socket, hello)).toHaveLength(HEADER_BYTES + 32);
    // Of the three, the service keeps what it has descriptors for.
    const metrics = await service.must("platform", "metrics");
    for (const name of ["evidence", "aesm", "platform"]) {
      expect(metrics).toMatch(new RegExp(`connections_refused_total{socket="${name}"} [1-9]`));
    }
  } finally {
    for (const one of idle) one.destroy();
  }
  await service.must("platform", "stop");
  expect(await running.exited()).toBe(0);
});

test("it tells what it has counted, to its owner", async () => {
  await using service = new TestService();
  await service.start();
  await exchange(service.socket, encodeRequest(einitRequest()));
  const broken = einitRequest();
  const payload = Uint8Array.from(broken.payload);
  payload[600] = (payload[600] ?? 0) ^ 1;
  await exchange(service.socket, encodeRequest({ ...broken, payload }));
  await exchange(
    join(service.folders.runtime, "aesmd/aesm.socket"),
    Uint8Array.of(3, 0, 0, 0, 0xaa, 1, 0),
  );
  const evidence = join(service.folders.runtime, "evidence.sock");
  await fetch("http://localhost/nothing", { unix: evidence });
  const lines = (await service.must("platform", "metrics")).split("\n");
  const { version } = await service.status();
  for (const line of [
    `inclavare_platform_info{version="${version}"} 1`,
    "inclavare_platform_enclaves 1",
    'inclavare_platform_einit_total{result="accepted"} 1',
    'inclavare_platform_einit_total{result="INVALID_SIGNATURE"} 1',
    'inclavare_platform_aesm_requests_total{request="getSupportedAttKeyIdNum",error="0"} 1',
    'inclavare_platform_http_responses_total{status="404"} 1',
    'inclavare_platform_request_seconds_count{socket="platform"} 2',
    'inclavare_platform_connections{socket="metrics"} 1',
  ]) {
    expect(lines).toContain(line);
  }
  const socket = join(service.folders.state, "metrics.sock");
  expect(statSync(socket).mode & 0o777).toBe(0o600);
  const elsewhere = await fetch("http://localhost/", { unix: socket });
  expect(elsewhere.status).toBe(404);
});

/** The unit has the same user. */
function asOwner({ folders }: TestService): string[] {
  if (process.getuid?.() !== 0) return [];
  const { uid, gid } = statSync(folders.state);
  return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
}

test("one that rune has started gives up its place for systemd's, with what it knows", async () => {
  await using service = new TestService();
  await service.start();
  const { pid } = await service.status();
  // This process has an enclave, and lives on.
  const reply = await exchange(service.socket, encodeRequest(einitRequest()));
  const aesm = join(service.folders.runtime, "aesmd/aesm.socket");
  const words = ["platform", "serve", "--idle-timeout", "60"];
  const running = new Running(
    [...asOwner(service), "python3", "-c", activator, service.socket, aesm, tool, ...words],
    { env: service.variables },
  );
  await eventually("another process answers", async () => {
    const status = await service.status().catch(() => undefined);
    return status !== undefined && status.pid !== pid;
  });
  expect(running.stderr()).toBe("");
  // systemd's sockets are where they were, and lead to the new service; the enclave is known, its key too.
  const request = encodeRequest(keyRequest(reply.subarray(HEADER_BYTES)));
  expect(await exchange(service.socket, request)).toHaveLength(HEADER_BYTES + 16);
  expect(await exchange(aesm, Uint8Array.of(3, 0, 0, 0, 0xaa, 1, 0))).toHaveLength(11);
  const { enclaves, leases } = await service.status();
  expect([enclaves, leases]).toEqual([1, 1]);
  await service.must("platform", "stop");
  expect(await running.exited()).toBe(0);
});

test("systemd's says what is in its way where that cannot be asked", async () => {
  await using service = new TestService();
  await service.start();
  rmSync(join(service.folders.state, "control.sock"));
  const { runtime, state } = service.folders;
  const aesm = join(runtime, "aesmd/aesm.socket");
  const words = ["platform", "serve"];
  const running = new Running(
    [...asOwner(service), "python3", "-c", activator, service.socket, aesm, tool, ...words],
    { env: service.variables },
  );
  expect(await running.exited()).toBe(1);
  expect(running.stderr()).toContain(
    `lock \`${state}/lock\`: another service uses this folder, and does not give up its place: none runs`,
  );
  expect(running.stderr()).toContain("hint: `sgx-tools platform stop`");
  const [holder = ""] = (
    await command(["pgrep", "-f", `serve --runtime ${runtime} `])
  ).stdout.split("\n");
  process.kill(Number(holder));
});

test("it takes systemd's sockets, in whatever order, and leaves them where they are", async () => {
  await using service = new TestService();
  const { runtime, state } = service.folders;
  mkdirSync(state, { mode: 0o700 });
  const aesm = join(runtime, "aesmd/aesm.socket");
  const words = ["platform", "serve", "--idle-timeout", "60"];
  const running = new Running(["python3", "-c", activator, aesm, service.socket, tool, ...words], {
    env: service.variables,
  });
  await eventually("the sockets are bound", () => existsSync(service.socket));
  expect(await exchange(service.socket, hello)).toHaveLength(HEADER_BYTES + 32);
  // How many attestation keys there are: request 21, without fields. The answer: no error, one.
  const reply = await exchange(aesm, Uint8Array.of(3, 0, 0, 0, 0xaa, 1, 0));
  expect(reply.toString("hex")).toBe("07000000aa010408001001");
  expect(running.stderr()).toBe("");
  await service.must("platform", "stop");
  expect(await running.exited()).toBe(0);
  expect(existsSync(service.socket) && existsSync(aesm)).toBe(true);
});

rootTest("a user's unit has its state where rune starts the service with it", async () => {
  await using service = new TestService();
  const variables = { HOME: join(service.folder, "home"), XDG_RUNTIME_DIR: service.folder };
  mkdirSync(variables.HOME);
  const user = 61_999;
  for (const folder of [service.folder, variables.HOME]) chownSync(folder, user, user);
  const unit = readFileSync(join(repository, "packaging/systemd/user/inclavare-platform.service"));
  const start = /^ExecStart=(.*)$/m.exec(unit.toString())?.[1] ?? "";
  // As systemd 252 does, and 254 does not.
  const words = start
    .replace("@prefix@/bin/sgx-tools", tool)
    .replaceAll("%t", variables.XDG_RUNTIME_DIR)
    .replaceAll("%S", join(variables.HOME, ".config"))
    .split(" ");
  const own = ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups"];
  const running = new Running([...own, ...words], { env: { PATH: "/usr/bin:/bin", ...variables } });
  const folders = platformFolders({
    isRoot: false,
    variable: (name) => (variables as Record<string, string>)[name],
  });
  const socket = join(variables.XDG_RUNTIME_DIR, "inclavare-platform/platform.sock");
  await eventually("it listens", () => existsSync(socket));
  running.kill("SIGTERM");
  await running.exited();
  expect(running.stderr()).toBe("");
  expect(existsSync(join(folders?.state ?? "", "root-secret"))).toBe(true);
  expect(statSync(folders?.state ?? "").mode & 0o777).toBe(0o700);
});
