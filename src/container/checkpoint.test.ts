// SPDX-License-Identifier: Apache-2.0
/** What criu is asked for, and what becomes of the container; on a fake criu. */
import { expect, test } from "bun:test";
import { EIO } from "../kernel/constants.ts";
import { type CheckpointRequest, checkpoint } from "./checkpoint.ts";
import { type CriuHost, criuHost, type FakeCriu, sent, sentPairs } from "./fake-criu.ts";
import { existing, initPid, root } from "./fake-host.ts";
import type { State } from "./state.ts";

const request: CheckpointRequest = {
  id: "web",
  imagePath: "/images",
  tcpEstablished: false,
  linkRemap: false,
  extUnixSk: false,
  shellJob: false,
  fileLocks: false,
  lazyPages: false,
  autoDedup: false,
  leaveRunning: false,
  preDump: false,
  tcpSkipInFlight: false,
};

function hostWith(change: Partial<State> = {}, config: object = {}, criu: Partial<FakeCriu> = {}) {
  const host = criuHost(config, criu);
  existing(host, change);
  return host;
}

const attempt = (host: CriuHost, change: Partial<CheckpointRequest> = {}) =>
  checkpoint(host.deps, { ...request, ...change });
const failure = (host: CriuHost, change: Partial<CheckpointRequest> = {}) =>
  attempt(host, change).catch((error: unknown) => error);

test("a checkpoint ends the container, and leaves images", async () => {
  const host = hostWith({ stdio: ["", "pipe:[1]", "pipe:[1]"] });
  await attempt(host);
  expect(host.requests.map(({ type }) => type)).toEqual([1]);
  expect(host.kernel.text("/images/descriptors.json")).toBe('["","pipe:[1]","pipe:[1]"]');
  expect(host.kernel.below(root)).toEqual([]);
  expect(host.kernel.below("/cg/memory").filter((path) => path.includes("/web"))).toEqual([]);
  expect(host.kernel.openNames()).toEqual([]);
});

test("every flag is passed on", async () => {
  const host = hostWith();
  host.kernel.directory("/images/first");
  await attempt(host, {
    workPath: "/folder",
    parentPath: "first",
    leaveRunning: true,
    tcpEstablished: true,
    tcpSkipInFlight: true,
    linkRemap: true,
    extUnixSk: true,
    shellJob: true,
    fileLocks: true,
    lazyPages: true,
    autoDedup: true,
    manageCgroupsMode: "strict",
    pageServer: { address: "10.0.0.1", port: 27 },
  });
  const flags = {
    leave: 3,
    unix: 4,
    tcp: 5,
    shell: 7,
    locks: 8,
    dedup: 16,
    link: 18,
    skip: 46,
    lazy: 48,
  };
  for (const [name, number] of Object.entries(flags)) {
    expect([name, sent(host, number)]).toEqual([name, [1]]);
  }
  expect([sent(host, 14), sent(host, 15)]).toEqual([["first"], [1]]);
  expect(sent(host, 34)).toEqual([5]);
  expect(sentPairs(host, 11)).toEqual([["10.0.0.1", 27]]);
  expect([sent(host, 2), sent(host, 10)]).toEqual([[initPid], ["dump.log"]]);
  expect(sent(host, 38)).toEqual([0x40000000]);
  expect(sent(host, 17)).toHaveLength(1);
  expect(host.kernel.text(`${root}/web/state.json`)).toBeDefined();
  expect(host.kernel.signals).toEqual([]);
});

test("without flags nothing is said of them, and cgroups are criu's choice", async () => {
  const host = hostWith();
  await attempt(host);
  for (const number of [3, 4, 5, 7, 8, 16, 18, 46, 48]) expect(sent(host, number)).toEqual([0]);
  for (const number of [11, 14, 15, 17, 44]) expect(sent(host, number)).toEqual([]);
  expect(sent(host, 34)).toEqual([6]);
  expect(sent(host, 51)).toEqual(["/etc/criu/runc.conf"]);
});

test("the annotation org.criu.config names criu's settings, or none", async () => {
  for (const [value, expected] of [
    ["/etc/own.conf", ["/etc/own.conf"]],
    ["", []],
  ] as const) {
    const host = hostWith({}, { annotations: { "org.criu.config": value } });
    await attempt(host);
    expect(sent(host, 51)).toEqual([...expected]);
  }
});

test("mounts of the host and masked files are named; namespaces of others by inode", async () => {
  const config = {
    hostname: "",
    mounts: [{ destination: "/var/run/data", source: "/srv", options: ["bind"] }],
    linux: {
      namespaces: [{ type: "mount" }, { type: "network", path: "/ns/net" }],
      maskedPaths: ["/proc/keys", "/proc/acpi", "/proc/none"],
    },
  };
  const host = hostWith({}, config);
  host.kernel.link(`/proc/${initPid}/root/var/run`, "/run");
  host.kernel
    .file(`/proc/${initPid}/root/proc/keys`, "")
    .directory(`/proc/${initPid}/root/proc/acpi`);
  host.kernel.directory(`${root}/web/notify`);
  await attempt(host, { leaveRunning: true });
  expect(sentPairs(host, 23)).toEqual([
    ["/run/data", "/var/run/data"],
    ["/run/notify", "/run/notify"],
    ["/proc/keys", "/dev/null"],
  ]);
  expect(sent(host, 37)).toEqual(["net[2]:extRootNetNS"]);
});

test("a pre-dump is of memory only, and the container stays", async () => {
  const host = hostWith({}, { mounts: [{ destination: "/a", source: "/srv", options: ["bind"] }] });
  host.kernel.file("/images/descriptors.json", "old");
  await attempt(host, { preDump: true });
  expect(host.requests.map(({ type }) => type)).toEqual([4]);
  expect([sent(host, 15), sentPairs(host, 23)]).toEqual([[1], []]);
  expect(host.kernel.text("/images/descriptors.json")).toBe("old");
  expect(host.kernel.text(`${root}/web/state.json`)).toBeDefined();
});

test("what the kernel cannot do is said by its flag", async () => {
  const blind = hostWith({}, {}, { memTrack: false, lazyPages: false });
  expect(await failure(blind, { preDump: true })).toMatchObject({
    code: "HOST_UNSUPPORTED",
    doing: "use `--pre-dump`",
  });
  expect(await failure(blind, { lazyPages: true })).toMatchObject({ doing: "use `--lazy-pages`" });
  expect(blind.requests).toEqual([]);
});

test("criu that is missing or too old", async () => {
  const old = hostWith({}, {}, { version: [3, 14] });
  expect(await failure(old)).toMatchObject({
    code: "CRIU",
    reason: "its version is 3.14, 3.15 or newer is needed",
  });
  const none = hostWith({}, {}, { exists: false });
  expect(await failure(none)).toMatchObject({
    code: "CRIU",
    doing: "start `criu`",
    reason: "no such file or directory",
    hint: expect.stringContaining("--criu PATH"),
  });
  for (const host of [old, none]) {
    expect(host.kernel.openNames()).toEqual([]);
    expect(host.kernel.text(`${root}/web/state.json`)).toBeDefined();
  }
});

test("a failure of criu names its log, and the container goes on", async () => {
  const host = hostWith({}, {}, { fails: true });
  host.kernel.file("/folder/dump.log", "(00.1) Error (criu/a.c:1): why\n");
  expect(await failure(host, { workPath: "/folder" })).toMatchObject({
    code: "CRIU",
    message: "checkpoint `web`: have criu dump: criu has failed (errno 3)",
    hint: "criu's log `/folder/dump.log` ends with: Error (criu/a.c:1): why",
  });
  expect(host.kernel.signals).toEqual([]);
  expect(host.kernel.openNames()).toEqual([]);
});

test("a paused container that criu does not thaw itself is woken for it, and put to sleep again", async () => {
  const freezing = (host: CriuHost) =>
    host.kernel.calls
      .filter((call) => /^write .*cgroup.freeze/.test(call))
      .map((call) => call.at(-1));
  for (const criu of [{}, { fails: true }]) {
    const host = hostWith({}, {}, criu);
    const { kernel } = host;
    kernel.file("/cg/unified/web/cgroup.freeze", "1\n");
    kernel.file("/cg/unified/web/cgroup.events", "frozen 1\n");
    await failure(host, { leaveRunning: true });
    expect(freezing(host)).toEqual(["0", "1"]);
  }
});

test("lazy pages are announced on the status descriptor", async () => {
  const host = hostWith({}, {}, { steps: ["pre-dump", "status-ready"] });
  const { kernel } = host;
  kernel.given(9, "status").file("/proc/self/fdinfo/9", "pos:\t0\nflags:\t0100001\n");
  const deps = { ...host.deps, openDescriptors: new Set([9]) };
  await checkpoint(deps, { ...request, lazyPages: true, leaveRunning: true, statusFd: 9 });
  expect(kernel.calls).toContain("close status");
  expect(kernel.calls.some((call) => call.startsWith("write status"))).toBe(true);
});

test("a status descriptor has to be open, for writing", async () => {
  const host = hostWith();
  expect(await failure(host, { statusFd: 9 })).toMatchObject({
    code: "USAGE",
    reason: "it is not open",
  });
  host.kernel.file("/proc/self/fdinfo/9", "flags:\t0100000\n");
  const deps = { ...host.deps, openDescriptors: new Set([9]) };
  await expect(checkpoint(deps, { ...request, statusFd: 9 })).rejects.toThrow(
    "it cannot be written",
  );
});

test("a parent is a directory beside the images", async () => {
  for (const [parentPath, reason] of [
    ["/first", "it must be relative to --image-path"],
    ["../none", "there is no directory `/images/../none`"],
  ] as const) {
    expect(await failure(hostWith(), { parentPath })).toMatchObject({ code: "USAGE", reason });
  }
});

test("only what runs or is paused; no enclave", async () => {
  const creating = hostWith({});
  const file = `${root}/web/state.json`;
  const { init: _, ...unfinished } = JSON.parse(creating.kernel.text(file) ?? "");
  creating.kernel.file(file, JSON.stringify(unfinished));
  expect(await failure(creating)).toMatchObject({ code: "CONTAINER_STATE" });
  const stopped = hostWith();
  stopped.kernel.endProcess(initPid);
  expect(await failure(stopped)).toMatchObject({ code: "CONTAINER_NOT_RUNNING" });
  const created = hostWith();
  created.kernel.fifo(`${root}/web/exec.fifo`, true);
  expect(await failure(created)).toMatchObject({
    reason: expect.stringContaining("it is created"),
  });
  const enclave = { platform: "simulation", platformChosenBy: "--platform" } as const;
  for (const [state, reason] of [
    [{ ...enclave, type: "intelSgx", pal: "/pal.so" }, /^it is an enclave container/],
    [enclave, /simulated SGX platform/],
  ] as const) {
    const error = await failure(hostWith({ enclave: state }));
    expect(error).toMatchObject({
      code: "CONFIG_UNSUPPORTED",
      reason: expect.stringMatching(reason),
    });
  }
});

test("whichever call fails, the container is as it was, and nothing is open", async () => {
  const whole = hostWith();
  const before = whole.kernel.fallible;
  await attempt(whole, { leaveRunning: true });
  const total = whole.kernel.fallible - before;
  expect(total).toBeGreaterThan(40);
  for (let call = 1; call <= total; call++) {
    const host = hostWith();
    host.kernel.failCall(host.kernel.fallible + call, EIO);
    const at = () => `call ${call}: ${host.kernel.calls.join("\n")}`;
    expect(await failure(host, { leaveRunning: true }), at()).toMatchObject({ errno: EIO });
    expect(host.kernel.openNames(), at()).toEqual([]);
    expect(host.kernel.signals, at()).toEqual([]);
    expect(host.kernel.text(`${root}/web/state.json`), at()).toBeDefined();
  }
});

test("images are for the host's root, and the container's where it is another user", async () => {
  const mode = async (host: CriuHost, imagePath: string) => {
    host.kernel.file(`/proc/${initPid}/gid_map`, "         0       3000      65536\n");
    await attempt(host, { imagePath });
    const calls = host.kernel.calls.filter((call) => /^(chown|chmod) /.test(call));
    return calls.map((call) => call.replace(/fd\/\d+/, "fd/N"));
  };
  // By descriptor: the path may be another's by then.
  const opened = "/proc/self/fd/N";
  const user = { namespaces: 0x1000_0000 };
  expect(await mode(hostWith(user), "/new")).toEqual([
    `chown ${opened} 0:3000`,
    `chmod ${opened} 710`,
  ]);
  expect(await mode(hostWith(user), "/images")).toEqual([]);
  expect(await mode(hostWith(), "/new")).toEqual([]);
});
