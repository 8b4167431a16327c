// SPDX-License-Identifier: Apache-2.0
/** Network devices that a container gets from the host; the host is a network namespace of the test's. */
import { expect } from "bun:test";
import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { type JsonObject, namespaces, shell } from "../support/bundle.ts";
import { type CommandResult, command, eventually, mustRun, Running } from "../support/command.ts";
import { CriuSandbox, test as criuTest, environment } from "../support/criu.ts";
import { only, runtimeName } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const onlyCriu =
  runtimeName === "rune"
    ? criuTest
    : only("rune", "Debian's runc 1.1.5 and crun 1.8.1 ignore them");
const test = only("rune", "Debian's runc 1.1.5 and crun 1.8.1 ignore linux.netDevices");

/** A network namespace, its processes started with `ip`'s and the runtime's words. */
class Network implements AsyncDisposable {
  readonly #holder = new Running(["unshare", "--net", "sleep", "1000"]);

  static async with(...devices: readonly string[]): Promise<Network> {
    const network = new Network();
    const own = readlinkSync("/proc/self/ns/net");
    await eventually("a network namespace", () => readlinkSync(network.path) !== own);
    for (const device of devices) await network.ip("link", "add", device, "type", "veth");
    return network;
  }

  get path(): string {
    return `/proc/${this.#holder.pid}/ns/net`;
  }

  argv(...words: readonly string[]): string[] {
    return ["nsenter", `--net=${this.path}`, ...words];
  }

  async ip(...words: readonly string[]): Promise<string> {
    return await mustRun(this.argv("ip", ...words));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#holder.kill("SIGKILL");
    await this.#holder.exited();
    this.#holder[Symbol.dispose]();
  }
}

function devices(netDevices: JsonObject): JsonObject {
  return { linux: { netDevices } };
}

function run(sandbox: Sandbox, network: Network, ...changes: JsonObject[]): Promise<CommandResult> {
  sandbox.configure(...changes);
  return command(network.argv(...sandbox.argv("run", sandbox.id())), { cwd: sandbox.bundle.path });
}

/** What busybox's `ip` says of a device, in one line. */
function show(...names: readonly string[]): JsonObject {
  return shell(
    names.map((name) => `ip -o address show dev ${name}; ip link show ${name}`).join(";"),
  );
}

// covers: linux.netDevices
test("a device moves with its permanent addresses, under its name or another, and is up", async () => {
  await using network = await Network.with("one", "two");
  await using sandbox = new Sandbox();
  await network.ip("link", "set", "one", "address", "02:00:00:00:00:07", "mtu", "1400");
  await network.ip("address", "add", "10.1.2.3/24", "dev", "one");
  await network.ip("address", "add", "fd00::7/64", "dev", "one", "nodad");
  await network.ip("address", "add", "169.254.7.7/16", "scope", "link", "dev", "one");
  await network.ip(
    "address",
    "add",
    "10.9.9.9/24",
    "valid_lft",
    "900",
    "preferred_lft",
    "900",
    "dev",
    "one",
  );
  await network.ip("address", "add", "10.4.5.6/16", "dev", "two");
  await network.ip("link", "set", "two", "up");
  const moved = devices({ one: { name: "eth0" }, two: {} });
  const { stdout, stderr, status } = await run(sandbox, network, moved, show("eth0", "two"));
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/inet 10\.1\.2\.3\/24/);
  expect(stdout).toMatch(/inet6 fd00::7\/64/);
  expect(stdout).toMatch(/inet 10\.4\.5\.6\/16/);
  expect(stdout).not.toMatch(/169\.254\.7\.7|10\.9\.9\.9/);
  expect(stdout).toMatch(/eth0.*<[^>]*\bUP\b[^>]*> mtu 1400/);
  expect(stdout).toMatch(/two.*<[^>]*\bUP\b/);
  expect(stdout).toContain("02:00:00:00:00:07");
});

test("hooks of the runtime find it configured in the container's namespace", async () => {
  await using network = await Network.with("one");
  await using sandbox = new Sandbox();
  const script = `pid=$(sed 's/.*"pid":\\([0-9]*\\).*/\\1/'); exec nsenter -t "$pid" -n ip link show dev eth0 up | grep -q eth0`;
  const hook = {
    path: "/bin/sh",
    args: ["sh", "-c", script],
    env: [`PATH=${process.env["PATH"]}`],
  };
  const { status, stderr } = await run(
    sandbox,
    network,
    devices({ one: { name: "eth0" } }),
    { hooks: { createRuntime: [hook] } },
    shell("true"),
  );
  expect([status, stderr]).toEqual([0, ""]);
});

test("it moves into a container with a user namespace", async () => {
  await using network = await Network.with("one");
  await using sandbox = new Sandbox();
  await mustRun(["chown", "-R", "100000:100000", sandbox.bundle.rootfs]);
  await network.ip("address", "add", "10.1.2.3/24", "dev", "one");
  const mapping = [{ containerID: 0, hostID: 100000, size: 65536 }];
  const { stdout, stderr } = await run(
    sandbox,
    network,
    devices({ one: {} }),
    namespaces([], { type: "user" }),
    { linux: { uidMappings: mapping, gidMappings: mapping } },
    show("one"),
  );
  expect(stderr).toBe("");
  expect(stdout).toContain("inet 10.1.2.3/24");
});

test("it moves into a namespace that is given by its path", async () => {
  await using network = await Network.with("one");
  await using other = await Network.with();
  await using sandbox = new Sandbox();
  await network.ip("address", "add", "10.1.2.3/24", "dev", "one");
  const { stdout, stderr } = await run(
    sandbox,
    network,
    devices({ one: { name: "eth0" } }),
    namespaces(["network"], { type: "network", path: other.path }),
    show("eth0"),
  );
  expect(stderr).toBe("");
  expect(stdout).toContain("inet 10.1.2.3/24");
  // A namespace that stays keeps what it got.
  expect(await other.ip("-o", "address", "show", "dev", "eth0")).toContain("10.1.2.3/24");
});

for (const [what, wanted, reason, name] of [
  ["missing", devices({ one: {}, none: {} }), "no such device", "`none`"],
  [
    "one that the kernel does not move",
    devices({ lo: { name: "lo7" } }),
    "invalid argument",
    "`lo`",
  ],
] as const)
  test(`a device that is ${what} is refused, and the others stay`, async () => {
    await using network = await Network.with("one");
    await using sandbox = new Sandbox();
    const { status, stderr } = await run(sandbox, network, wanted, shell("true"));
    expect(status).toBe(1);
    expect(stderr).toContain(`move network device ${name} into the container: ${reason}`);
    expect(stderr).toContain("hint");
    expect(await network.ip("-o", "link")).toContain("one@");
    await sandbox.expectNothingLeft();
  });

test("a name that is taken in the namespace is refused", async () => {
  await using network = await Network.with("one");
  await using other = await Network.with("eth0");
  await using sandbox = new Sandbox();
  const { status, stderr } = await run(
    sandbox,
    network,
    devices({ one: { name: "eth0" } }),
    namespaces(["network"], { type: "network", path: other.path }),
    shell("true"),
  );
  expect(status).toBe(1);
  expect(stderr).toContain(
    "move network device `one` into the container: the namespace has a device `eth0`",
  );
  expect(await network.ip("-o", "link")).toContain("one@");
});

for (const place of ["a new namespace", "one that stays"]) {
  test(`a start that fails brings the devices back from ${place}`, async () => {
    await using network = await Network.with("one");
    await using other = await Network.with();
    await using sandbox = new Sandbox();
    await network.ip("address", "add", "10.1.2.3/24", "dev", "one");
    await network.ip("link", "set", "one", "up");
    const { status } = await run(
      sandbox,
      network,
      devices({ one: { name: "eth0" } }),
      place === "one that stays"
        ? namespaces(["network"], { type: "network", path: other.path })
        : {},
      { process: { args: ["/no/such/program"] } },
    );
    expect(status).toBe(1);
    expect(await network.ip("-o", "address", "show", "dev", "one")).toContain("10.1.2.3/24");
    expect(await network.ip("link", "show", "dev", "one", "up")).toContain("one@");
    await sandbox.expectNothingLeft();
  });
}

for (const [netDevices, reason] of [
  [{ "a/b": {} }, "name of a network interface"],
  [{ one: { name: "much-too-long-a-name" } }, "name of a network interface"],
  [{ one: { name: "x" }, two: { name: "x" } }, "another device is to be `x` too"],
] as const)
  test(`${JSON.stringify(netDevices)} is no configuration`, async () => {
    await using sandbox = new Sandbox();
    const { status, stderr } = await sandbox.run(devices(netDevices));
    expect([status, stderr]).toEqual([1, expect.stringContaining(reason)]);
  });

test("without a network namespace of its own a container gets none", async () => {
  await using sandbox = new Sandbox();
  const { status, stderr } = await sandbox.run(devices({ one: {} }), namespaces(["network"]));
  expect([status, stderr]).toEqual([
    1,
    expect.stringContaining("needs a namespace of type `network`"),
  ]);
});

// covers: linux.netDevices, restore
onlyCriu(
  "a restored container gets them again, and a restore that fails gives them back",
  async () => {
    await using network = await Network.with("one");
    await using sandbox = new CriuSandbox();
    const log = join(sandbox.path, "log");
    await network.ip("link", "set", "lo", "up"); // criu tries there what the kernel can
    const silently = async (...words: readonly string[]) => {
      const nothing = { stdin: "ignore", stdout: "ignore", stderr: "ignore" } as const;
      const argv = network.argv(...sandbox.argv("--log", log, ...words));
      const { exited } = Bun.spawn(argv, {
        cwd: sandbox.bundle.path,
        env: environment,
        ...nothing,
      });
      return await exited;
    };
    const address = () => network.ip("address", "add", "10.1.2.3/24", "dev", "one");
    await address();
    const sleep = { process: { args: ["/bin/sleep", "1000"] } };
    sandbox.configure(sleep, devices({ one: { name: "eth7" } }));
    const id = sandbox.id();
    expect(await silently("run", "--detach", id)).toBe(0);
    await sandbox.checkpoint(id);
    // It has ended with its namespace.
    await eventually("the device is gone", async () => !(await network.ip("link")).includes("one"));
    await network.ip("link", "add", "one", "type", "veth");
    await address();
    const restore = ["restore", "--detach", ...sandbox.paths];
    sandbox.configure(sleep, devices({ one: { name: "eth7" } }), {
      hooks: { prestart: [{ path: "/bin/false" }] },
    });
    expect(await silently(...restore, id)).toBe(1);
    expect(readFileSync(log, "utf8")).toContain("prestart hooks");
    expect(await network.ip("-o", "address", "show", "dev", "one")).toContain("10.1.2.3/24");
    sandbox.configure(sleep, devices({ one: { name: "eth7" } }));
    expect(await silently(...restore, id)).toBe(0);
    const there = `--net=/proc/${(await sandbox.state(id)).pid}/ns/net`;
    const shown = await mustRun(["nsenter", there, "ip", "address", "show", "dev", "eth7"]);
    expect(shown).toContain("10.1.2.3/24");
    expect(shown).toMatch(/<.*\bUP\b.*>/);
  },
);
