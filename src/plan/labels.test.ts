// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { newTime, sessionKeyring } from "./labels.ts";
import type { Slot } from "./operation.ts";
import { all, names, operations } from "./testing.ts";

const proc = 5 as Slot; // only its number matters

test("labels are written through the host's procfs, opened before the namespaces are made", () => {
  const process = { apparmorProfile: "docker-default", selinuxLabel: "u:r:t:s0" };
  const plan = operations({ process });
  const opened = all(plan, "open").find(({ path }) => path === "/proc");
  const written = all(plan, "label");
  expect(written).toMatchObject([
    { file: "attr/apparmor/exec", label: "exec docker-default" },
    { file: "attr/exec", label: "u:r:t:s0" },
  ]);
  expect(written.every((label) => label.proc === opened?.slot)).toBe(true);
  const order = names(plan);
  expect(order.indexOf("open")).toBeLessThan(order.indexOf("clone"));
  expect(order.indexOf("label")).toBeLessThan(order.indexOf("ids"));
});

test("a container without labels and time namespace does not open /proc", () => {
  expect(all(operations(), "open").filter(({ path }) => path === "/proc")).toEqual([]);
});

test("the session keyring is joined before anything of the image is touched", () => {
  const order = names(operations({}, { newKeyring: true }));
  expect(order.indexOf("keyring")).toBeGreaterThan(order.indexOf("clone"));
  expect(order.indexOf("keyring")).toBeLessThan(order.indexOf("root"));
  expect(names(operations({}, { newKeyring: false }))).not.toContain("keyring");
});

test("it is labelled as the process is", () => {
  const process = { user: { uid: 0, gid: 0 }, args: ["sh"], cwd: "/", selinuxLabel: "l" };
  expect(sessionKeyring("web", process, proc)).toEqual([
    { op: "label", proc, file: "attr/keycreate", label: "l" },
    { op: "keyring", name: "_ses.web" },
    { op: "label", proc, file: "attr/keycreate", label: "" },
  ]);
});

test("file systems that the container gets are labelled as a whole, but for the kernel's own", () => {
  const made = all(operations({ linux: { mountLabel: "u:o:t:s0:c1,c2" } }), "mountFs");
  const labelled = made.filter(({ options }) => options.includes("context=u:o:t:s0:c1,c2"));
  expect(labelled.map(({ type }) => type)).toEqual(["tmpfs", "devpts", "tmpfs", "mqueue", "tmpfs"]);
  expect(all(operations(), "mountFs").flatMap(({ options }) => options)).not.toContainEqual(
    expect.stringContaining("context="),
  );
});

test("so are those that hide a directory", () => {
  const [mask] = all(
    operations({ linux: { mountLabel: "u:o:t:s0", maskedPaths: ["/m"] } }),
    "mask",
  );
  expect(mask?.options).toEqual(["nr_blocks=1", "nr_inodes=1", "mode=755", "context=u:o:t:s0"]);
});

test("so are those that take over a directory, and those with long options", () => {
  const mounts = [
    { destination: "/run", type: "tmpfs", options: ["tmpcopyup"] },
    { destination: "/o", type: "overlay", options: [`lowerdir=/${"x".repeat(300)}`] },
  ];
  const plan = operations({ mounts, linux: { mountLabel: "u:o:t:s0:c1,c2" } });
  expect(all(plan, "tmpfs")[0]?.options).toContain("context=u:o:t:s0:c1,c2");
  expect(all(plan, "mountData")[0]?.data).toEndWith(',context="u:o:t:s0:c1,c2"');
});

test("time offsets are lines of timens_offsets", () => {
  const offsets = { monotonic: { secs: -5n }, boottime: { secs: 7n, nanosecs: 9 } };
  expect(newTime(proc, offsets)).toEqual({
    op: "time",
    proc,
    offsets: "monotonic -5 0\nboottime 7 9\n",
  });
  expect(newTime(proc)).toMatchObject({ offsets: "" });
});

test("a new time namespace is made by the child, never by clone", () => {
  const namespaces = [{ type: "mount" }, { type: "pid" }, { type: "time" }] as const;
  const plan = operations({ linux: { namespaces } });
  expect(all(plan, "clone")[0]?.flags).toBe(0x20020000);
  const order = names(plan);
  expect(order.indexOf("time")).toBeGreaterThan(order.indexOf("clone"));
});
