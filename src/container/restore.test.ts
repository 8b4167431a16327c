// SPDX-License-Identifier: Apache-2.0
/** What criu is told for a restore, and what becomes of the host when it fails; on a fake criu. */
import { expect, test } from "bun:test";
import { EIO } from "../kernel/constants.ts";
import { Executed } from "../kernel/reactions.ts";
import { type CriuHost, criuHost, type FakeCriu, sent, sentPairs } from "./fake-criu.ts";
import { existing, initPid, root } from "./fake-host.ts";
import { type RestoreRequest, restore } from "./restore.ts";

const request: RestoreRequest = {
  id: "web",
  bundle: "/bundle",
  imagePath: "/images",
  tcpEstablished: false,
  linkRemap: false,
  extUnixSk: false,
  shellJob: false,
  fileLocks: false,
  lazyPages: false,
  autoDedup: false,
  detach: true,
  subreaper: true,
};
const steps = [
  "pre-restore",
  "setup-namespaces",
  "post-restore",
  "orphan-pts-master",
  "post-resume",
];
const process = { user: { uid: 0, gid: 0 }, args: ["sh"], cwd: "/" };
const plain = { hostname: "", process, mounts: [], linux: { namespaces: [{ type: "mount" }] } };

const hostWith = (config: object = plain, criu: Partial<FakeCriu> = {}) =>
  criuHost({ ...plain, ...config }, { steps, ...criu });
const attempt = (host: CriuHost, change: Partial<RestoreRequest> = {}) =>
  restore(host.deps, { ...request, ...change });
const failure = (host: CriuHost, change: Partial<RestoreRequest> = {}) =>
  attempt(host, change).catch((error: unknown) => error);
const stateOf = ({ kernel }: CriuHost) => JSON.parse(kernel.text(`${root}/web/state.json`) ?? "{}");

/** What there is of a container on the host. */
function remains({ kernel }: CriuHost) {
  const groups = [...kernel.below("/cg/memory"), ...kernel.below("/cg/unified")];
  return {
    open: kernel.openNames(),
    files: kernel.below(root),
    cgroups: groups.filter((path) => path.includes("/web")),
    processes: kernel.below("/proc").filter((path) => path === `/proc/${initPid}/stat`),
    pidFile: kernel.text("/run/pid"),
  };
}
const nothing = { open: [], files: [], cgroups: [], processes: [], pidFile: undefined };

test("a restored container has a state, as one that was made", async () => {
  const host = hostWith();
  await attempt(host, { pidFile: "/run/pid", workPath: "/folder" });
  expect(stateOf(host)).toMatchObject({
    id: "web",
    bundle: "/bundle",
    init: { pid: initPid, startTime: 1000 },
    namespaces: 0x20000 | 0x80, // criu has made a time namespace
  });
  expect(host.kernel.text("/run/pid")).toBe(String(initPid));
  expect(host.kernel.openNames()).toEqual([]);
  expect(host.kernel.below(root).filter((path) => path.includes("stage"))).toEqual([]);
});

test("criu is told of pipes, cgroups, and directories as its namespace has them", async () => {
  const host = hostWith();
  const opened = () => host.kernel.calls.filter((call) => call.startsWith("open /proc/101/root"));
  await attempt(host, { workPath: "/folder" });
  expect(sentPairs(host, 27)).toEqual([
    ["pipe:[7]", 1],
    ["pipe:[8]", 2],
  ]);
  expect(sentPairs(host, 25)).toEqual([
    ["memory", "/web"],
    ["", "/web"],
  ]);
  expect(sent(host, 13)).toEqual([`${root}/web/stage/mounts/root`]);
  expect([sent(host, 26), sent(host, 6), sent(host, 12), sent(host, 50)]).toEqual([
    [1],
    [1],
    [1],
    [1],
  ]);
  expect(opened().map((call) => call.split(" ")[1])).toEqual([
    "/proc/101/root/images",
    "/proc/101/root/folder",
  ]);
});

test("every flag is passed on", async () => {
  const host = hostWith();
  await attempt(host, {
    tcpEstablished: true,
    linkRemap: true,
    extUnixSk: true,
    shellJob: true,
    fileLocks: true,
    lazyPages: true,
    autoDedup: true,
    manageCgroupsMode: "ignore",
    lsmProfile: "apparmor:p",
    lsmMountContext: "c:d",
  });
  for (const number of [4, 5, 7, 8, 16, 18, 48]) expect(sent(host, number)).toEqual([1]);
  expect(sent(host, 34)).toEqual([0]);
  expect([sent(host, 53), sent(host, 63)]).toEqual([["apparmor:p"], ["c:d"]]);
});

test("mounts from outside are those on the stage, by the names that checkpoint gives", async () => {
  const mounts = [
    { destination: "/a", source: "/srv", options: ["bind"] },
    { destination: "/b", source: "/srv", options: ["rbind"] },
  ];
  const host = hostWith({ mounts, linux: { ...plain.linux, maskedPaths: ["/proc/keys"] } });
  await attempt(host);
  const stage = `${root}/web/stage/mounts`;
  expect(sentPairs(host, 23)).toEqual([
    ["/a", `${stage}/0`],
    ["/b", `${stage}/1`],
    ["/dev/null", "/dev/null"],
  ]);
});

test("namespaces by path: by descriptor, by path, or not at all", async () => {
  const types = [
    { type: "mount" },
    { type: "network", path: "/ns/net" },
    { type: "ipc", path: "/ns/ipc" },
  ];
  const host = hostWith({ linux: { namespaces: types } });
  host.kernel.file("/ns/net", "").file("/ns/ipc", "");
  await attempt(host);
  expect(sentPairs(host, 27).at(-1)?.[0]).toBe("extRootNetNS");
  expect(sentPairs(host, 39)).toEqual([["ipc", "/ns/ipc"]]);
  expect(host.kernel.calls).toContain("setInherited /ns/net true");
  const cgroup = hostWith({
    linux: { namespaces: [...types, { type: "cgroup", path: "/ns/cgroup" }] },
  });
  cgroup.kernel.file("/ns/net", "").file("/ns/cgroup", "");
  expect(await failure(cgroup)).toMatchObject({ code: "CONFIG_UNSUPPORTED" });
  expect(remains(cgroup)).toEqual(nothing);
});

test("a terminal is sent on, and in the foreground the monitor gets it", async () => {
  const config = { process: { ...process, terminal: true } };
  const detached = hostWith(config);
  await attempt(detached, { consoleSocket: "/run/console" });
  expect(detached.kernel.calls).toContain("sendDescriptor /run/console master /dev/ptmx");
  expect(detached.kernel.openNames()).toEqual([]);
  for (const [asks, inherits] of [
    [steps, true],
    [["post-restore"], false], // the terminal is not an orphan: nothing to relay
  ] as const) {
    const host = hostWith(config, { steps: asks });
    expect(await failure(host, { detach: false })).toBeInstanceOf(Executed);
    expect(host.kernel.calls.includes("setInherited stream true")).toBe(inherits);
  }
});

test("a foreground restore becomes a monitor without a channel", async () => {
  const host = hostWith();
  expect(await failure(host, { detach: false })).toBeInstanceOf(Executed);
  expect(host.kernel.calls.some((call) => call.startsWith("execute runelet"))).toBe(true);
});

test("what is no image, no version, no enclave", async () => {
  for (const [text, reason] of [
    ["{", "not JSON"],
    ["[1]", "not a list of strings"],
    ['{"0":"pipe:[1]"}', "not a list of strings"],
  ] as const) {
    const host = hostWith();
    host.kernel.file("/images/descriptors.json", text);
    expect(await failure(host)).toMatchObject({ code: "CRIU", reason });
    expect(remains(host)).toEqual(nothing);
  }
  const empty = hostWith();
  empty.kernel.unlink("/images/descriptors.json");
  expect(await failure(empty)).toMatchObject({
    reason: expect.stringContaining("finished checkpoint"),
  });
  const none = hostWith();
  none.kernel.file("/images/descriptors.json", "null");
  await attempt(none);
  expect(sentPairs(none, 27)).toEqual([]);
  const old = hostWith(plain, { version: [3, 15] });
  for (const option of ["lsmProfile", "lsmMountContext"]) {
    expect(await failure(old, { [option]: "x" })).toMatchObject({
      reason: "it needs criu 3.16 or newer",
    });
  }
  const enclave = hostWith({ annotations: { "enclave.type": "intelSgx" } });
  expect(await failure(enclave)).toMatchObject({ code: "CONFIG_UNSUPPORTED" });
});

test("a container of that name is left alone", async () => {
  const host = hostWith();
  existing(host);
  expect(await failure(host)).toMatchObject({ code: "CONTAINER_EXISTS" });
  expect(host.kernel.signals).toEqual([]);
  expect(stateOf(host).writer).toBe("0.0.0");
});

test("a failure of criu names its log and leaves nothing", async () => {
  const host = hostWith(plain, { fails: true, steps: ["pre-restore"] });
  host.kernel.file("/folder/restore.log", "(00.1) Error (criu/a.c:1): why\n");
  expect(await failure(host, { workPath: "/folder", pidFile: "/run/pid" })).toMatchObject({
    message: "restore `web`: have criu restore: criu has failed (errno 3)",
    hint: "criu's log `/folder/restore.log` ends with: Error (criu/a.c:1): why",
  });
  expect(remains(host)).toEqual(nothing);
});

test("a process that criu names and that is not ours is none to kill later", async () => {
  const host = hostWith();
  const answer = host.kernel.reactions.write;
  host.kernel.reactions.write = (fd, bytes, kernel) => {
    answer?.(fd, bytes, kernel);
    if (bytes[0] === 8 && bytes[1] === 2) {
      kernel.process(initPid, { parent: 1 });
      for (const path of ["/cg/memory/web", "/cg/unified/web"]) {
        kernel.file(`${path}/cgroup.procs`, "");
      }
    }
  };
  expect(await failure(host)).toMatchObject({ code: "RUNELET" });
  expect(host.kernel.signals).toEqual([]);
});

test("whichever call fails, nothing is left", async () => {
  const whole = hostWith();
  await attempt(whole, { pidFile: "/run/pid" });
  const total = whole.kernel.fallible;
  expect(total).toBeGreaterThan(100);
  for (let call = 1; call <= total; call++) {
    const host = hostWith();
    host.kernel.failCall(call, EIO);
    const error = await failure(host, { pidFile: "/run/pid" });
    const at = `call ${call} of ${total}: ${host.kernel.calls.join("\n")}`;
    expect(error, at).toMatchObject({ errno: EIO });
    expect(remains(host), at).toEqual(nothing);
    expect(host.warnings, at).toEqual([]);
  }
});

test("images that the container's root cannot reach are told of before anything is made", async () => {
  const mapping = [{ containerID: 0, hostID: 3000, size: 10 }];
  const namespaces = [{ type: "mount" }, { type: "user" }];
  const linux = { namespaces, uidMappings: mapping, gidMappings: mapping };
  const host = hostWith({ linux });
  host.kernel.chmod("/images", 0o700);
  expect(await failure(host)).toMatchObject({
    doing: "enter `/images` as the container's root, user 3000 of the host",
    hint: expect.stringContaining("chgrp 3000 /images"),
  });
  expect(remains(host)).toEqual(nothing);
});
