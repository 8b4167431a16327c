// SPDX-License-Identifier: Apache-2.0
/** Containers on the simulated platform reach the service and AESM, and cannot stand in for them. */
import { afterAll, beforeAll, expect } from "bun:test";
import { chmodSync, copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { aesmClient } from "../../src/aesm/client.ts";
import { unixExchange } from "../../src/aesm/exchange.ts";
import { launchToken } from "../../src/aesm/quoting.ts";
import { askControl, type Status } from "../../src/platform/control.ts";
import { controlSocket } from "../../src/platform/folders.ts";
import { toHex } from "../../src/sgx/bytes.ts";
import { parseEinitToken } from "../../src/sgx/einittoken.ts";
import { Workshop } from "../sgxsim/platform.ts";
import { defaultNamespaces, type JsonObject, shell } from "../support/bundle.ts";
import { eventually } from "../support/command.ts";
import { foldersBelow } from "../support/platform.ts";
import { needs, runtimeName } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";
import { obstacle } from "./service.ts";

const test = needs(
  obstacle ?? (runtimeName === "rune" ? undefined : `${runtimeName} knows no enclaves`),
);

let workshop: Workshop;
let mrenclave = "";
beforeAll(() => {
  workshop = new Workshop();
  mrenclave = toHex(workshop.buildEnclave());
  workshop.compile("identity", "static");
  workshop.compile("steady", "static");
});
afterAll(() => workshop[Symbol.dispose]());

const onPlatform: JsonObject = { annotations: { "enclave.platform": "simulation" } };

/** A sandbox whose root file system has the programs and the enclave. */
function machine(): Sandbox {
  const sandbox = new Sandbox("rune");
  for (const name of ["identity-static", "steady-static", "enclave.bin", "enclave.ss"]) {
    const copy = join(sandbox.bundle.rootfs, name);
    copyFileSync(workshop.path(name), copy);
    chmodSync(copy, 0o755);
  }
  return sandbox;
}

const identity = () => `/identity-static /enclave.bin /enclave.ss ${mrenclave}`;

function seals(text: string): string[] {
  return text.split("\n").filter((line) => line.startsWith("seal-"));
}

test("every container of a machine gets the same seal keys for the same enclave, in a user namespace too", async () => {
  await using sandbox = machine();
  const first = await sandbox.run(onPlatform, shell(identity()));
  expect(first.status).toBe(0);
  expect(seals(first.stdout)).toHaveLength(2);
  const second = await sandbox.run(onPlatform, shell(`cd / && exec ${identity()}`));
  expect(seals(second.stdout)).toEqual(seals(first.stdout));
  const mapping = [{ containerID: 0, hostID: 100_000, size: 65536 }];
  const mapped = await sandbox.run(onPlatform, shell(identity()), {
    linux: {
      namespaces: [...defaultNamespaces, "user"].map((type) => ({ type })),
      uidMappings: mapping,
      gidMappings: mapping,
    },
  });
  expect([mapped.status, seals(mapped.stdout)]).toEqual([0, seals(first.stdout)]);
  await sandbox.expectNothingLeft();
});

test("an unprivileged user of a container without capabilities is served as well", async () => {
  await using sandbox = machine();
  const { status, stdout } = await sandbox.run(onPlatform, shell(identity()), {
    process: {
      user: { uid: 1000, gid: 1000 },
      noNewPrivileges: true,
      capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
    },
    root: { readonly: true },
  });
  expect([status, seals(stdout).length]).toEqual([0, 2]);
});

test("the sockets are there, read-only: a container's root cannot take their place", async () => {
  await using sandbox = machine();
  const { runtime } = foldersBelow(sandbox.path);
  const script = [
    `test -S ${runtime}/platform.sock && echo service`,
    "test -S /var/run/aesmd/aesm.socket && echo aesm",
    `rm ${runtime}/platform.sock; mv /var/run/aesmd/aesm.socket /var/run/aesmd/x`,
    `(: > ${runtime}/new) || (: > /var/run/aesmd/new) || echo refused`,
    `test -S ${runtime}/platform.sock && test -S /var/run/aesmd/aesm.socket && echo there`,
  ];
  const { stdout, stderr } = await sandbox.run(onPlatform, shell(script.join("\n")));
  expect(stdout).toBe("service\naesm\nrefused\nthere\n");
  expect(stderr).toContain("Read-only file system");
});

test("the owner's socket is in no container: its root could replace the machine's secret", async () => {
  await using sandbox = machine();
  const { runtime } = foldersBelow(sandbox.path);
  const script = `find ${runtime} -type s | sort; find / -xdev -name control.sock`;
  const { stdout } = await sandbox.run(onPlatform, shell(script));
  expect(stdout.split("\n")).toEqual(
    ["aesmd/aesm.socket", "evidence.sock", "platform.sock"]
      .map((name) => `${runtime}/${name}`)
      .concat(""),
  );
});

test("the service's AESM makes launch tokens for a container's enclave", async () => {
  await using sandbox = machine();
  const id = await sandbox.started(onPlatform);
  const { pid } = await sandbox.state(id);
  // As the container sees it.
  const socket = `/proc/${pid}/root/var/run/aesmd/aesm.socket`;
  const token = await launchToken(
    aesmClient({ exchange: unixExchange({ socket }), timeoutMs: 10_000 }),
    {
      mrEnclave: new Uint8Array(32).fill(1),
      modulus: new Uint8Array(384).fill(2),
      attributes: new Uint8Array(16).fill(3),
    },
  );
  expect(parseEinitToken(token)).toMatchObject({
    valid: true,
    mrenclave: new Uint8Array(32).fill(1),
    launchIsvProdId: 32,
  });
});

test("an enclave is listed with the container it runs in, until it ends", async () => {
  await using sandbox = machine();
  const folders = foldersBelow(sandbox.path);
  const listed = () => askControl(controlSocket(folders), { verb: "enclaves" });
  const id = await sandbox.started(
    onPlatform,
    shell("/bin/sleep 1000 | /steady-static /enclave.bin /enclave.ss"),
  );
  await eventually("it is listed", async () => JSON.stringify(await listed()).includes(mrenclave));
  expect(await listed()).toMatchObject({
    enclaves: [{ mrenclave, process: "steady-static", container: id, threads: 2 }],
  });
  await sandbox.must(["delete", "--force", id]);
  expect(await listed()).toEqual({ enclaves: [] });
});

test("a program that is exec'ed finds the platform too, and gets the same keys, also when the service was killed", async () => {
  await using sandbox = machine();
  const first = await sandbox.run(onPlatform, shell(identity()));
  const id = await sandbox.started(onPlatform);
  const inside = () => sandbox.call(["exec", id, "/bin/sh", "-c", identity()]);
  const { status, stdout } = await inside();
  expect([status, seals(stdout)]).toEqual([0, seals(first.stdout)]);
  const before = await askControl(controlSocket(foldersBelow(sandbox.path)), { verb: "status" });
  process.kill(Number((before as Status).pid), "SIGKILL");
  expect(seals((await inside()).stdout)).toEqual(seals(first.stdout));
  const failed = await sandbox.call(["exec", id, "/bin/sh", "-c", "exit 9"]);
  expect(failed.status).toBe(9);
});

test("a container starts that was created before the service ended, and finds another", async () => {
  await using sandbox = machine();
  const id = await sandbox.created(
    onPlatform,
    shell("/bin/sleep 1000 | /steady-static /enclave.bin /enclave.ss"),
  );
  const control = controlSocket(foldersBelow(sandbox.path));
  await askControl(control, { verb: "stop" });
  await eventually("the service has ended", () => !existsSync(control));
  await sandbox.must(["start", id]);
  await eventually("its enclave is listed", async () => {
    return JSON.stringify(await askControl(control, { verb: "enclaves" })).includes(mrenclave);
  });
});

test("INCLAVARE_PLATFORM=off: the constant, and nothing mounted", async () => {
  await using sandbox = machine();
  const script = `test -e /var/run/aesmd && echo aesm; ${identity()}`;
  sandbox.configure(onPlatform, shell(script));
  const env = { PATH: "/usr/bin:/bin", INCLAVARE_PLATFORM: "off" };
  const { status, stdout } = await sandbox.call(["run", sandbox.id()], { env });
  expect([status, seals(stdout).length]).toEqual([0, 2]);
  expect(stdout).not.toContain("aesm");
});

test("a service that cannot start is a clear error, and leaves no container", async () => {
  await using sandbox = machine();
  const { state } = foldersBelow(sandbox.path);
  sandbox.configure(onPlatform, shell("true"));
  await Bun.write(join(state, "root-secret"), "damaged");
  chmodSync(state, 0o700);
  chmodSync(join(state, "root-secret"), 0o600);
  const { status, stderr } = await sandbox.call(["run", sandbox.id()]);
  expect(status).toBe(1);
  expect(stderr).toContain("PLATFORM_SERVICE");
  expect(stderr).toContain("root-secret");
  await sandbox.expectNothingLeft();
});
