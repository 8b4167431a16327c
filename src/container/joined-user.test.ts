// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { O_RDONLY } from "../kernel/constants.ts";
import type { LinuxConfig } from "../oci/config-linux.ts";
import { configOf } from "../plan/testing.ts";
import { failedMessage, fakeHost, readyMessage } from "./fake-host.ts";
import { withRealMappings } from "./joined-user.ts";

const path = "/proc/77/ns/user";
const six = [0, 10, 20, 30, 40, 50].map((containerID) => {
  return { containerID, hostID: 100_000 + containerID, size: 5 };
});
const text = (mappings: typeof six) =>
  mappings.map((m) => `${m.containerID} ${m.hostID} ${m.size}`.padStart(30)).join("\n");
const mapped = [{ containerID: 0, hostID: 1000, size: 1 }];

/** A namespace with these mappings, as the process sees it that goes there. */
function namespaceOf(uids: string, gids: string, answer = readyMessage()) {
  const host = fakeHost({}, () => [answer]);
  const { kernel } = host;
  const pid = kernel.ownPid + 1;
  kernel.file(path, "").file(`/proc/${pid}/uid_map`, uids).file(`/proc/${pid}/gid_map`, gids);
  const read = (linux: Partial<LinuxConfig> = {}) =>
    withRealMappings(
      host.deps,
      configOf({ linux: { ...linux, namespaces: [{ type: "mount" }, { type: "user", path }] } }),
      new Map([[path, kernel.open(path, O_RDONLY)]]),
    ).linux;
  return { ...host, pid, read };
}

test("the mappings are those that the namespace has", () => {
  const { read, kernel, pid } = namespaceOf(`${text(six)}\n`, "         0       1000          1\n");
  expect(read()).toMatchObject({ uidMappings: six, gidMappings: mapped });
  expect(kernel.calls.at(-1)).toBe(`reap ${pid}`);
  expect(kernel.openNames()).toEqual([path]); // for the container
});

test("a namespace may have none yet", () => {
  expect(namespaceOf("", "").read()).toMatchObject({ uidMappings: [], gidMappings: [] });
});

test("the configuration may repeat them, in any order", () => {
  const { read } = namespaceOf(`${text(six)}\n`, "0 1000 1\n");
  const repeated = { uidMappings: six.toReversed(), gidMappings: mapped };
  expect(read(repeated)).toMatchObject({ uidMappings: six, gidMappings: mapped });
});

test("it may not have others", () => {
  const refusal = (linux: Partial<LinuxConfig>) => () =>
    namespaceOf("0 1000 1\n", "0 1000 1\n5 7 1\n").read(linux);
  expect(refusal({ uidMappings: six, gidMappings: mapped })).toThrow(
    "config `linux.uidMappings`: the user namespace `/proc/77/ns/user` has other mappings: `0 1000 1`",
  );
  expect(refusal({ uidMappings: mapped, gidMappings: mapped })).toThrow(
    "config `linux.gidMappings`: the user namespace `/proc/77/ns/user` has other mappings: `0 1000 1, 5 7 1`",
  );
});

test("a namespace that cannot be entered is named, and nothing else stays open", () => {
  const failed = failedMessage(0, 1, "join a namespace", "operation not permitted");
  const { read, kernel } = namespaceOf("", "", failed);
  expect(() => read()).toThrow(`user namespace \`${path}\`: join a namespace`);
  expect(kernel.openNames()).toEqual([path]); // for the container
});
