// SPDX-License-Identifier: Apache-2.0
/** Lines of /proc/self/mountinfo and /proc/self/cgroup from machines of several kinds. */
import { expect, test } from "bun:test";
import { RecordingKernel } from "../kernel/recording.ts";
import { isUnifiedOnly, parseHierarchies, readHierarchies } from "./layout.ts";

const root = "24 1 253:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro\n";

test("version 2 alone", () => {
  const mountinfo = `${root}35 24 0:29 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n`;
  const found = parseHierarchies(mountinfo, "0::/user.slice/user-0.slice/session-1.scope\n");
  expect(found).toEqual([
    {
      version: 2,
      mountPoint: "/sys/fs/cgroup",
      controllers: [],
      own: "/user.slice/user-0.slice/session-1.scope",
    },
  ]);
  expect(isUnifiedOnly(found)).toBe(true);
});

const hybrid = `${root}23 24 0:22 / /sys rw - sysfs sysfs rw
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:5 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset,clone_children
`;
const hybridSelf = `9:name=systemd:/init.scope
4:memory:/a:b
3:cpuset:/
2:cpu,cpuacct:/system.slice
0::/
`;

test("hybrid, with co-mounted controllers: version 2 last", () => {
  const found = parseHierarchies(hybrid, hybridSelf);
  expect(found.map(({ version, controllers, own }) => [version, controllers, own])).toEqual([
    [1, ["name=systemd"], "/init.scope"],
    [1, ["cpu", "cpuacct"], "/system.slice"],
    [1, ["memory"], "/a:b"],
    [1, ["cpuset"], "/"],
    [2, [], "/"],
  ]);
  expect(found[1]?.mountPoint).toBe("/sys/fs/cgroup/cpu,cpuacct");
  expect(isUnifiedOnly(found)).toBe(false);
});

test("version 1 alone, also without the systemd hierarchy", () => {
  const mountinfo = hybrid.split("\n").filter((line) => !/unified|systemd/.test(line));
  const found = parseHierarchies(mountinfo.join("\n"), hybridSelf);
  expect(found.map(({ version }) => version)).toEqual([1, 1, 1]);
  expect(isUnifiedOnly(found)).toBe(false);
});

test("a mount point is unescaped", () => {
  const mountinfo = String.raw`35 24 0:29 / /my\040cg\134x\011y rw - cgroup2 cgroup2 rw`;
  expect(parseHierarchies(mountinfo, "0::/\n")[0]?.mountPoint).toBe("/my cg\\x\ty");
});

test("a mount of a part of a hierarchy, as in a container, stands for it where there is no whole", () => {
  const part = "40 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
  const whole = "41 31 0:32 / /host/memory rw - cgroup cgroup rw,memory\n";
  const inside = (own: string) => parseHierarchies(part, `4:memory:${own}\n`);
  expect(inside("/docker/abc")).toEqual([
    { version: 1, controllers: ["memory"], mountPoint: "/sys/fs/cgroup/memory", own: "/" },
  ]);
  expect(inside("/docker/abc/nested/x")).toMatchObject([{ own: "/nested/x" }]);
  // What is mounted belongs to somebody else.
  for (const own of ["/docker/abcdef", "/docker", "/"]) expect(inside(own)).toEqual([]);
  for (const text of [part + whole, whole + part]) {
    expect(parseHierarchies(text, "4:memory:/docker/abc\n")).toMatchObject([
      { mountPoint: "/host/memory", own: "/docker/abc" },
    ]);
  }
  const unified = "40 31 0:38 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n";
  expect(parseHierarchies(unified, "0::/docker/abc\n")).toMatchObject([{ version: 2, own: "/" }]);
});

test("in a cgroup namespace, what lies above its root is out of reach", () => {
  const line = (root: string) => `40 31 0:38 ${root} /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n`;
  expect(parseHierarchies(line("/"), "0::/../other\n")).toMatchObject([{ own: "/" }]);
  expect(parseHierarchies(line("/.."), "0::/x\n")).toEqual([]);
  expect(parseHierarchies(line("/../.."), "0::/../../x\n")).toEqual([]);
});

test("a mount that lies under another is none", () => {
  const names = (...more: string[]) =>
    parseHierarchies(hybrid + more.join(""), hybridSelf).map(({ version, mountPoint }) => [
      version,
      mountPoint,
    ]);
  const over = "50 31 0:38 / /sys/fs/cgroup rw - cgroup2 none rw\n";
  expect(names(over)).toEqual([[2, "/sys/fs/cgroup"]]);
  // Mounted again above that, and once more, each on what is visible then.
  const sys =
    "51 24 0:60 / /sys rw - sysfs sysfs rw\n52 51 0:61 / /sys/fs/cgroup rw - tmpfs t rw\n";
  const memory = "53 52 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
  expect(names(over, sys, memory)).toEqual([[1, "/sys/fs/cgroup/memory"]]);
  const twice = "54 53 0:62 / /sys/fs/cgroup/memory rw - tmpfs t rw\n";
  expect(names(over, sys, memory, twice)).toEqual([]);
  const moved = "55 24 0:38 / /v2 rw - cgroup2 none rw\n";
  expect(names(over, sys, moved)).toEqual([[2, "/v2"]]);
  // The first root file system is its own parent.
  const own = "1 1 0:2 / / rw - rootfs rootfs rw\n2 1 0:38 / /cg rw - cgroup2 none rw\n";
  expect(parseHierarchies(own, "0::/\n")).toMatchObject([{ mountPoint: "/cg" }]);
});

test("of several mounts of one hierarchy the first counts", () => {
  const again = "50 31 0:32 / /elsewhere rw - cgroup cgroup rw,memory\n";
  const memory = parseHierarchies(hybrid + again, hybridSelf).filter(({ controllers }) =>
    controllers.includes("memory"),
  );
  expect(memory.map(({ mountPoint }) => mountPoint)).toEqual(["/sys/fs/cgroup/memory"]);
});

test("lines that are no cgroup mounts, or are damaged, are passed over", () => {
  for (const mountinfo of [
    "",
    "\n\n",
    "- cgroup2",
    " - cgroup cgroup rw,memory",
    "35 24 0:29 / /x rw - cgroup cgroup rw,unknown\n",
    "35 24 0:29 / /x rw - cgroupfs x rw\n",
    "35 24 0:29 / /mnt/\\040-\\040cgroup2 rw - ext4 /dev/x rw\n",
  ]) {
    expect(parseHierarchies(mountinfo, hybridSelf)).toEqual([]);
  }
  expect(isUnifiedOnly([])).toBe(false);
});

test("the files are the process's own", () => {
  const kernel = new RecordingKernel()
    .file("/proc/self/mountinfo", hybrid)
    .file("/proc/self/cgroup", hybridSelf);
  expect(readHierarchies(kernel)).toEqual(parseHierarchies(hybrid, hybridSelf));
  expect(kernel.openNames()).toEqual([]);
});
