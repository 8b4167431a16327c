// SPDX-License-Identifier: Apache-2.0
/** Against a stand-in for resctrl: no machine of ours has Intel RDT. */
import { expect, test } from "bun:test";
import { EACCES, EIO } from "../kernel/constants.ts";
import { failure } from "../kernel/fake-files.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import type { IntelRdt } from "../oci/config-linux.ts";
import { explainJoin, RdtGroups } from "./groups.ts";
import { rdtTasksFiles } from "./record.ts";
import { type Machine, StandInResctrl } from "./stand-in.ts";

const root = "/sys/fs/resctrl";
const l3 = { l3CacheSchema: "L3:0=f" };

function host(machine: Machine = {}) {
  const kernel = new RecordingKernel();
  const resctrl = new StandInResctrl(kernel, machine);
  kernel.file("/proc/self/mountinfo", `24 1 0:22 / /sys rw - sysfs sysfs rw\n${resctrl.mountLine}`);
  kernel.calls.length = 0;
  return { kernel, resctrl };
}

type Made = ReturnType<typeof host>;

function make({ kernel }: Made, config: IntelRdt, id = "web"): RdtGroups {
  const groups = new RdtGroups(kernel, config, id);
  groups.make();
  expect(kernel.openNames()).toEqual([]);
  return groups;
}

/** The directories that are there, but for the file system's own. */
const groupsOf = ({ kernel }: Made) =>
  kernel
    .below(root)
    .filter((path) => path.endsWith("/tasks"))
    .map((path) => path.slice(root.length, -"/tasks".length) || "/");

test("without a name: a class of the container's own", () => {
  const made = host();
  const { record } = make(made, { ...l3, memBwSchema: "MB:1=25" });
  expect(record).toEqual({ root, group: `${root}/web`, own: [`${root}/web`] });
  expect(rdtTasksFiles(record)).toEqual([`${root}/web/tasks`]);
  expect(made.kernel.text(`${root}/web/schemata`)).toBe("    L3:0=f;1=7ff\n    MB:0= 100;1= 30\n");
  const changes = made.kernel.calls.filter((call) => /^(lock|mkdir|write)/.test(call));
  expect(changes).toEqual([`lock ${root}`, `mkdir ${root}/web 755`, `write ${root}/web/schemata`]);
  make(made, {}, "plain");
  expect(made.kernel.text(`${root}/plain/schemata`)).toContain("L3:0=7ff;1=7ff");
});

test("one that is left of an earlier container is used again, one with tasks is not", () => {
  const made = host();
  make(made, l3);
  make(made, { schemata: ["L3:0=3"] });
  expect(made.kernel.text(`${root}/web/schemata`)).toContain("L3:0=3;");
  made.kernel.process(7).process(8);
  for (const task of ["7", "8"]) made.resctrl.write(`${root}/web/tasks`, task);
  expect(() => make(made, l3)).toThrow(
    expect.objectContaining({ code: "RESCTRL", reason: "it is not empty: 2 tasks" }),
  );
});

test("a class with a name is made when it is new and has schemata", () => {
  const made = host();
  const { record } = make(made, { closID: "gold", schemata: ["L3:0=f;1=f0"] });
  expect(record).toEqual({ root, group: `${root}/gold`, own: [] });
  expect(() => make(made, { closID: "silver" })).toThrow(
    expect.objectContaining({
      code: "RESCTRL",
      reason: "it does not exist, and the configuration has no schemata for a new one",
    }),
  );
  expect(groupsOf(made)).toEqual(["/gold", "/"]);
});

test("one that exists must be as the configuration has it, and is never written", () => {
  const made = host();
  made.kernel.mkdir(`${root}/gold`, 0o755);
  made.kernel.calls.length = 0;
  make(made, { closID: "gold" });
  make(made, { closID: "gold", schemata: ["L3: 0 = 0x7FF", "MB:0=95"] });
  make(made, { closID: "/", l3CacheSchema: "L3:1=7ff" });
  expect(() => make(made, { closID: "gold", ...l3 })).toThrow(
    "join class of service `/sys/fs/resctrl/gold`: its `L3:0` is `7ff`, not `f`",
  );
  expect(() => make(made, { closID: "/", ...l3 })).toThrow("its `L3:0` is `7ff`, not `f`");
  expect(() => make(made, { closID: "gold", schemata: ["L3:0"] })).toThrow(
    expect.objectContaining({ code: "CONFIG_INVALID" }),
  );
  expect(made.kernel.calls.filter((call) => call.startsWith("write"))).toEqual([]);
  expect(groupsOf(made)).toEqual(["/gold", "/"]);
  expect(made.kernel.openNames()).toEqual([]);
});

test("bandwidth in MBps is not rounded", () => {
  const made = host({ options: "rw,mba_MBps" });
  make(made, { closID: "gold", memBwSchema: "MB:0=4711" });
  make(made, { closID: "gold", memBwSchema: "MB:0=4711" });
  expect(() => make(made, { closID: "gold", memBwSchema: "MB:0=4715" })).toThrow(
    "its `MB:0` is `4711`, not `4715`",
  );
});

test("`schemata` come last, also where they name what was written before", () => {
  const made = host();
  make(made, { ...l3, schemata: ["L3:0=f0"] });
  expect(made.kernel.text(`${root}/web/schemata`)).toContain("L3:0=f0;1=7ff");
  const twice = { schemata: ["L3:0=f", "L3:0=f0"] };
  expect(() => make(made, twice, "db")).toThrow("invalid argument: Duplicate domain 0");
});

test("bandwidth in the schema of a cache is left out, and said to be", () => {
  const made = host();
  const { warnings } = make(made, { l3CacheSchema: "L3:0=f\nMB:0=10" });
  expect(warnings.join()).toContain("MB:0=10");
  expect(made.kernel.text(`${root}/web/schemata`)).toContain("MB:0= 100");
});

test("a monitoring group of the container's own, in whichever class", () => {
  const made = host();
  const monitored = { enableMonitoring: true };
  for (const [closID, group] of [
    ["", `${root}/web`],
    ["/", root],
    ["gold", `${root}/gold`],
  ] as const) {
    const config = { ...monitored, ...l3, closID };
    const { record } = make(made, closID === "/" ? { ...monitored, closID } : config);
    const monitoring = `${group}/mon_groups/web`;
    const own = closID === "" ? [monitoring, group] : [monitoring];
    expect(record).toEqual({ root, group, monitoring, own });
    expect(rdtTasksFiles(record)).toEqual([`${group}/tasks`, `${monitoring}/tasks`]);
  }
  expect(groupsOf(made)).toEqual([
    "/gold/mon_groups/web",
    "/gold",
    "/mon_groups/web",
    "/",
    "/web/mon_groups/web",
    "/web",
  ]);
});

test("tasks join the class, then the monitoring group; a group that goes gives them back", () => {
  const made = host();
  const { record } = make(made, { closID: "gold", ...l3, enableMonitoring: true });
  const [tasks = "", monitored = ""] = rdtTasksFiles(record);
  expect(() => made.resctrl.write(monitored, "0")).toThrow("invalid argument");
  made.resctrl.write(tasks, "0");
  made.resctrl.write(monitored, "0");
  expect(made.resctrl.tasksOf(`${root}/gold/mon_groups/web`)).toEqual([100]);
  for (const path of record.own) made.kernel.rmdir(path);
  expect(made.resctrl.tasksOf(`${root}/gold`)).toEqual([100]);
  made.kernel.rmdir(`${root}/gold`);
  expect(made.resctrl.tasksOf(root)).toEqual([100]);
});

test("a start that failed takes back a class it made, unless others are in it", () => {
  const config = { closID: "gold", ...l3 };
  const alone = host();
  make(alone, config).takeBack();
  expect(groupsOf(alone)).toEqual(["/"]);
  const shared = host();
  const first = make(shared, config);
  const second = make(shared, config, "db");
  shared.resctrl.write(`${root}/gold/tasks`, "0");
  second.takeBack();
  first.takeBack();
  expect(groupsOf(shared)).toEqual(["/gold", "/"]);
  expect(shared.kernel.openNames()).toEqual([]);
});

test("what the kernel refuses is told in its words", () => {
  const status = (config: IntelRdt, machine: Machine = {}) => {
    const made = host(machine);
    try {
      make(made, config);
    } catch (error) {
      expect(error).toMatchObject({ code: "RESCTRL" });
      expect(made.kernel.openNames()).toEqual([]);
      return (error as Error).message;
    }
    throw new Error("it was accepted");
  };
  expect(status({ l3CacheSchema: "L3:0=5" })).toBe(
    "write `L3:0=5` to `/sys/fs/resctrl/web/schemata`: invalid argument: The mask 5 has non-consecutive 1-bits",
  );
  expect(status({ l3CacheSchema: "L3:0=fff" })).toContain("Mask out of range");
  expect(status({ l3CacheSchema: "f" })).toContain("Missing ':'");
  expect(status({ memBwSchema: "MB:0=5" })).toContain("MB value 5 out of range [10,100]");
  expect(status({ schemata: ["L2:0=f"] })).toContain("resource name 'L2'");
  expect(status({ l3CacheSchema: "L3:7=f" })).toEndWith("schemata`: invalid argument");
  expect(status(l3, { classes: 1 })).toBe(
    "make resctrl group `/sys/fs/resctrl/web`: no space left on device: Out of CLOSIDs",
  );
  const long = { schemata: Array.from({ length: 700 }, () => "L3:0=f") };
  expect(() => make(host(), long)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
});

test("a machine that cannot do it", () => {
  const unsupported = (config: IntelRdt, machine: Machine, reason: string) =>
    expect(() => make(host(machine), config)).toThrow(
      expect.objectContaining({
        code: "HOST_UNSUPPORTED",
        reason: expect.stringContaining(reason),
      }),
    );
  unsupported({ enableMonitoring: true }, { features: [] }, "does not monitor");
  unsupported({ enableMBM: true }, { features: ["llc_occupancy"] }, "memory bandwidth");
  unsupported({ enableCMT: true }, { features: ["mbm_total_bytes"] }, "cache use");
  make(host(), { enableCMT: true, enableMBM: true });
  unsupported({}, { resources: [] }, "no classes other than the default one");
  make(host({ resources: [] }), { closID: "/", enableMonitoring: true });
});

test("without the file system, or with another one over it", () => {
  const made = host();
  const mounts = (text: string) => made.kernel.file("/proc/self/mountinfo", text);
  const none = expect.objectContaining({
    code: "HOST_UNSUPPORTED",
    reason: "no resctrl file system is mounted",
    hint: expect.stringContaining("mount -t resctrl"),
  });
  const sys = "24 1 0:22 / /sys rw - sysfs sysfs rw\n";
  for (const text of [
    "",
    sys,
    `${sys}${made.resctrl.mountLine}51 50 0:41 / ${root} rw - tmpfs tmpfs rw\n`,
    `${sys}50 24 0:40 /gold ${root} rw - resctrl resctrl rw\n`, // a part of it
  ]) {
    mounts(text);
    expect(() => make(made, {})).toThrow(none);
  }
  const moved = host({ mountPoint: "/mnt/rdt a" });
  const line = "50 1 0:40 / /mnt/rdt\\040a rw shared:1 - resctrl none rw\n";
  moved.kernel.file("/proc/self/mountinfo", line);
  expect(make(moved, {}).record.group).toBe("/mnt/rdt a/web");
});

test("names of the file system's own are no classes", () => {
  for (const [config, id] of [
    [{ closID: "info" }, "web"],
    [{ closID: "mon_groups", ...l3 }, "web"],
    [{}, "mon_data"],
  ] as const) {
    expect(() => make(host(), config, id)).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  }
});

test("without rights the error says whose the groups are", () => {
  const hint = { hint: expect.stringContaining("the host's root") };
  for (const [config, call] of [
    [l3, `mkdir ${root}/web`],
    [{ closID: "gold" }, `open ${root}/gold/tasks`],
  ] as const) {
    const made = host();
    made.kernel.mkdir(`${root}/gold`, 0o755);
    made.kernel.uid = 1000;
    made.kernel.fail(call, EACCES);
    expect(() => make(made, config)).toThrow(expect.objectContaining(hint));
    expect(made.kernel.openNames()).toEqual([]);
  }
});

test("an error of the launch plan's gets the file system's words, others stay as they are", () => {
  const made = host();
  const { record } = make(made, l3);
  made.kernel.file(`${root}/info/last_cmd_status`, "Pseudo-locking in progress\n");
  expect(
    explainJoin(made.kernel, failure(`write \`${root}/web/tasks\``, 22), record),
  ).toMatchObject({ code: "RESCTRL", reason: "invalid argument: Pseudo-locking in progress" });
  const other = failure("write `/elsewhere/tasks`", EIO);
  expect(explainJoin(made.kernel, other, record)).toBe(other);
});
