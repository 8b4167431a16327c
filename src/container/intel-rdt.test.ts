// SPDX-License-Identifier: Apache-2.0
/**
 * A container's life with `linux.intelRdt`, against a stand-in for resctrl that the fake runelet joins as
 * its plan says: no machine of ours has Intel RDT.
 */
import { expect, test } from "bun:test";
import { EINVAL, EIO } from "../kernel/constants.ts";
import { Executed } from "../kernel/reactions.ts";
import type { RecordingKernel } from "../kernel/recording.ts";
import type { IntelRdt } from "../oci/config-linux.ts";
import type { RdtRecord } from "../rdt/record.ts";
import { StandInResctrl } from "../rdt/stand-in.ts";
import { create } from "./create.ts";
import { deleteContainer } from "./delete.ts";
import { statistics } from "./events.ts";
import { exec } from "./exec.ts";
import {
  type Answers,
  existing,
  failedMessage,
  fakeHost,
  type Host,
  initPid,
  pidMessage,
  ready,
  readyMessage,
  root,
} from "./fake-host.ts";
import { run } from "./run.ts";
import type { State } from "./state.ts";
import { type UpdateRequest, update } from "./update.ts";

const mount = "/sys/fs/resctrl";
const own = `${mount}/web`;
const schemata = ["L3:0=f", "MB:0=50"];
const monitored: IntelRdt = { closID: "gold", schemata, enableMonitoring: true };

type RdtHost = Host & { readonly resctrl: StandInResctrl };

function host(intelRdt?: IntelRdt, answers: Answers = ready): RdtHost {
  const linux = { namespaces: [{ type: "pid" }, { type: "mount" }] };
  const made = fakeHost(
    { hostname: "", linux: { ...linux, ...(intelRdt === undefined ? {} : { intelRdt }) } },
    (kernel) => {
      const packets = answers(kernel);
      if (packets.length > 0) join(kernel, resctrl);
      return packets;
    },
  );
  const resctrl = new StandInResctrl(made.kernel);
  const mounts = made.kernel.text("/proc/self/mountinfo") ?? "";
  made.kernel.file("/proc/self/mountinfo", `${mounts}${resctrl.mountLine}`);
  return { ...made, resctrl };
}

/** What runelet does with the records of the plan that concern resctrl. */
function join(kernel: RecordingKernel, resctrl: StandInResctrl): void {
  resctrl.writer = initPid;
  for (const path of joined(kernel)) {
    if (path.startsWith(mount)) resctrl.write(path, "0");
  }
}

/** The `tasks` files that the last plan joins, in order. */
function joined(kernel: RecordingKernel): string[] {
  return kernel.lastMemfd("plan").match(/\/[\w./-]+\/tasks/g) ?? [];
}

const request = {
  id: "web",
  bundle: "/bundle",
  noPivot: false,
  noNewKeyring: true,
  preserveFds: 0,
  listeningFds: 0,
};
const foreground = { ...request, detach: false, subreaper: true, keep: false };

const stateOf = ({ kernel }: Host): State =>
  JSON.parse(kernel.text(`${root}/web/state.json`) ?? "null");

/** The groups there are, the default class aside. */
const groupsOf = ({ kernel }: Host) =>
  kernel
    .below(mount)
    .filter((path) => path.endsWith("/tasks") && path !== `${mount}/tasks`)
    .map((path) => path.slice(mount.length + 1, -"/tasks".length));

test("the init joins behind the cgroup, and everything goes with the container", async () => {
  const made = host({ schemata, enableMonitoring: true });
  await create(made.deps, request);
  const groups = [`${own}/tasks`, `${own}/mon_groups/web/tasks`];
  expect(joined(made.kernel)).toEqual(["/cg/memory/web/tasks", ...groups]);
  expect(made.resctrl.tasksOf(`${own}/mon_groups/web`)).toEqual([initPid]);
  expect(made.kernel.text(`${own}/schemata`)).toContain("L3:0=f;1=7ff");
  const record: RdtRecord = {
    root: mount,
    group: own,
    monitoring: `${own}/mon_groups/web`,
    own: [`${own}/mon_groups/web`, own],
  };
  expect(stateOf(made).intelRdt).toEqual(record);
  made.kernel.calls.length = 0;
  await deleteContainer(made.deps, "web", true);
  expect(groupsOf(made)).toEqual([]);
  const order = made.kernel.calls.filter((call) => /^(kill|rmdir)/.test(call));
  expect(order).toEqual([
    `kill ${initPid} 9`,
    "rmdir /cg/memory/web",
    "rmdir /cg/unified/web",
    `rmdir ${own}/mon_groups/web`,
    `rmdir ${own}`,
    `rmdir ${root}/web/notify`,
    `rmdir ${root}/web`,
  ]);
  expect(made.kernel.openNames()).toEqual([]);
});

test("a class with a name stays, as others may be in it", async () => {
  const made = host(monitored);
  await create(made.deps, request);
  expect(groupsOf(made)).toEqual(["gold/mon_groups/web", "gold"]);
  await deleteContainer(made.deps, "web", true);
  expect(groupsOf(made)).toEqual(["gold"]);
});

test("`delete` does not mind groups that are gone, with the file system or by somebody's hand", async () => {
  const made = host({ schemata });
  await create(made.deps, request);
  made.kernel.rmdir(own);
  await deleteContainer(made.deps, "web", true);
  expect(made.kernel.below(root)).toEqual([]);
});

test("whatever fails, no group is left", async () => {
  for (const config of [{ schemata, enableMonitoring: true }, monitored]) {
    for (const verb of [
      ({ deps }: Host) => create(deps, request),
      ({ deps }: Host) => run(deps, foreground),
    ]) {
      const whole = host(config);
      let total = 0;
      whole.kernel.reactions.execute = () => {
        total = whole.kernel.fallible;
      };
      await verb(whole).catch((error) => expect(error).toBeInstanceOf(Executed));
      total ||= whole.kernel.fallible;
      for (let call = 1; call <= total; call++) {
        const broken = host(config);
        broken.kernel.failCall(call, EIO);
        const failure: unknown = await verb(broken).catch((error: unknown) => error);
        const at = `call ${call}: ${broken.kernel.calls.join("\n")}`;
        expect(failure, at).toMatchObject({ errno: EIO });
        expect(groupsOf(broken), at).toEqual([]);
        expect(broken.kernel.openNames(), at).toEqual([]);
        expect(broken.kernel.below(root), at).toEqual([]);
        expect(broken.warnings, at).toEqual([]);
      }
    }
  }
});

test("a start that fails leaves a class that was there, and one that others have joined", async () => {
  const there = host(monitored, () => [pidMessage(initPid)]);
  there.kernel.mkdir(`${mount}/gold`, 0o755);
  there.resctrl.write(`${mount}/gold/schemata`, "L3:0=f\nMB:0=50\n");
  there.kernel.file(`${mount}/gold/schemata`, "L3:0=f;1=7ff\nMB:0=50;1=100\n");
  await expect(create(there.deps, request)).rejects.toThrow("it died");
  expect(groupsOf(there)).toEqual(["gold"]);
  const shared = host(monitored, (kernel) => {
    kernel.process(77);
    shared.resctrl.write(`${mount}/gold/tasks`, "77");
    return [];
  });
  await expect(create(shared.deps, request)).rejects.toThrow("it died");
  expect(groupsOf(shared)).toEqual(["gold"]);
  expect(shared.resctrl.tasksOf(`${mount}/gold`)).toEqual([77]);
});

test("undoing that fails is told, and the first failure stays the error", async () => {
  const start = host({ closID: "gold", schemata }, () => []);
  start.kernel.fail(`rmdir ${mount}/gold`, EIO);
  await expect(create(start.deps, request)).rejects.toThrow("it died");
  expect(start.warnings).toEqual([
    `a class of service may be left: rmdir ${mount}/gold: input/output error`,
  ]);
  const made = running(record);
  made.kernel.fail("write /cg/unified/web/pids.max 7", EINVAL);
  made.kernel.reactions.write = (fd) => {
    if (made.kernel.nameOf(fd) !== `${own}/schemata`) return;
    made.kernel.fail(`write ${own}/schemata`, EIO); // the next one
  };
  const both = change({ l3CacheSchema: "L3:0=ff", resources: { pids: { limit: 7n } } });
  await expect(update(made.deps, both)).rejects.toThrow("pids.max");
  expect(made.warnings.join()).toContain("the class of service is not what it was");
  expect(made.kernel.openNames()).toEqual([]);
});

test("an init that cannot join says what the file system says", async () => {
  const made = host({ schemata }, (kernel) => {
    kernel.file(`${mount}/info/last_cmd_status`, "Pseudo-locking in progress\n");
    return [failedMessage(0, EINVAL, `write \`${own}/tasks\``, "invalid argument")];
  });
  made.resctrl.write = () => ""; // the words above stay
  await expect(create(made.deps, request)).rejects.toMatchObject({
    code: "RESCTRL",
    message: expect.stringContaining("invalid argument: Pseudo-locking in progress"),
  });
});

test("without the file system a start is refused, and nothing has been made", async () => {
  const made = host({ schemata });
  made.kernel.file("/proc/self/mountinfo", "");
  made.kernel.file("/proc/self/cgroup", "");
  await expect(create(made.deps, request)).rejects.toMatchObject({
    code: "HOST_UNSUPPORTED",
    message: "config `linux.intelRdt`: no resctrl file system is mounted",
  });
  expect(made.kernel.below(root)).toEqual([]);
  expect(made.kernel.calls.filter((call) => call.startsWith("spawn"))).toEqual([]);
});

test("what a foreground run removes, processes first; only it is said to be monitored", async () => {
  for (const [config, removed] of [
    [{ schemata, enableMonitoring: true }, [`${own}/mon_groups/web`, own]],
    [monitored, [`${mount}/gold/mon_groups/web`]],
  ] as const) {
    const made = host(config);
    const states: State[] = [];
    made.kernel.reactions.execute = () => states.push(stateOf(made));
    await expect(run(made.deps, foreground)).rejects.toBeInstanceOf(Executed);
    const plan = made.kernel.lastMemfd("plan");
    const places = ["/cg/memory/web", ...removed, `${root}/web/notify`].map((path) =>
      plan.lastIndexOf(`${path}\0`),
    );
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(plan.includes(`${mount}/gold\0`)).toBe(false);
    expect(states).toMatchObject([{ monitored: true }]);
  }
  for (const more of [{ detach: true }, { keep: true }]) {
    const made = host();
    let state: State | undefined;
    made.kernel.reactions.execute = () => {
      state = stateOf(made);
    };
    await run(made.deps, { ...foreground, ...more }).catch(() => {});
    state ??= stateOf(made);
    expect(state.id).toBe("web");
    expect(state).not.toHaveProperty("monitored");
  }
});

const record: RdtRecord = { root: mount, group: own, own: [own] };

/** A container that runs, with the class or without one. */
function running(intelRdt?: RdtRecord, answers?: Answers): RdtHost {
  const made = host(undefined, answers);
  existing(made, intelRdt === undefined ? {} : { intelRdt });
  for (const file of ["cpu.weight", "pids.max"]) made.kernel.file(`/cg/unified/web/${file}`, "1\n");
  made.kernel.directory(`/proc/${initPid}/task/${initPid}`);
  if (intelRdt !== undefined) {
    made.kernel.mkdir(own, 0o755);
    made.resctrl.write(`${own}/tasks`, String(initPid));
  }
  return made;
}

test("an exec'ed process joins, too", async () => {
  const made = running(record, (kernel) => {
    kernel.process(4243);
    return [pidMessage(4243), readyMessage()];
  });
  await exec(made.deps, {
    id: "web",
    process: () => ({ user: { uid: 0, gid: 0 }, args: ["ls"], cwd: "/", terminal: false }),
    detach: true,
    subreaper: true,
    preserveFds: 0,
    ignorePaused: false,
    cgroups: [],
  });
  expect(joined(made.kernel)).toEqual(["/cg/memory/web/tasks", `${own}/tasks`]);
});

const change = (more: Partial<UpdateRequest>): UpdateRequest => ({
  id: "web",
  resources: {},
  ...more,
});

test("update changes the class; where a limit then fails, the class is as before", async () => {
  const made = running(record);
  const file = () => made.kernel.text(`${own}/schemata`);
  await update(made.deps, change({ l3CacheSchema: "L3:0=f\nMB:0=10", memBwSchema: "MB:1=20" }));
  expect(file()).toBe("    L3:0=f;1=7ff\n    MB:0= 100;1= 20\n");
  expect(made.warnings).toEqual(["ignoring `MB:0=10`: it is no cache's"]);
  await expect(update(made.deps, change({ l3CacheSchema: "L3:0=5" }))).rejects.toThrow(
    "update `web`: write `L3:0=5` to `/sys/fs/resctrl/web/schemata`: invalid argument: The mask 5",
  );
  made.kernel.fail("write /cg/unified/web/pids.max 7", EINVAL);
  const both = change({ l3CacheSchema: "L3:0=ff", resources: { pids: { limit: 7n } } });
  await expect(update(made.deps, both)).rejects.toThrow("pids.max");
  expect(file()).toBe("    L3:0=f;1=7ff\n    MB:0= 100;1= 20\n");
  await update(made.deps, change({ l3CacheSchema: "", memBwSchema: "" })); // as not given
  expect(made.kernel.openNames()).toEqual([]);
});

test("a container without a class gets one of its own, with all its tasks", async () => {
  const made = running();
  await update(made.deps, change({ memBwSchema: "MB:0=50" }));
  expect(stateOf(made).intelRdt).toEqual(record);
  expect(made.resctrl.tasksOf(own)).toEqual([initPid]);
  await deleteContainer(made.deps, "web", true);
  expect(groupsOf(made)).toEqual([]);
});

test("where that fails it has none, and its state does not name one", async () => {
  const refused = running();
  await expect(update(refused.deps, change({ l3CacheSchema: "L3:0=0" }))).rejects.toThrow(
    "Mask out of range",
  );
  const limits = running();
  limits.kernel.fail("write /cg/unified/web/pids.max 7", EINVAL);
  const both = change({ l3CacheSchema: "L3:0=f", resources: { pids: { limit: 7n } } });
  await expect(update(limits.deps, both)).rejects.toThrow("pids.max");
  for (const made of [refused, limits]) {
    expect(groupsOf(made)).toEqual([]);
    expect(stateOf(made).intelRdt).toBeUndefined();
    expect(made.kernel.openNames()).toEqual([]);
  }
  const monitor = host();
  existing(monitor, { monitored: true });
  await expect(update(monitor.deps, change({ l3CacheSchema: "L3:0=f" }))).rejects.toThrow(
    expect.objectContaining({ code: "CONFIG_UNSUPPORTED" }),
  );
  expect(groupsOf(monitor)).toEqual([]);
});

test("statistics tell of the class, where there is one", () => {
  const told: unknown[] = [];
  statistics(running(record).deps, "web", (event) => told.push(event));
  statistics(running().deps, "web", (event) => told.push(event));
  expect(told).toMatchObject([
    {
      data: {
        intel_rdt: { l3_cache_schema: "L3:0=7ff;1=7ff", mem_bw_schema_root: "MB:0= 100;1= 100" },
      },
    },
    { data: { intel_rdt: {} } },
  ]);
});
