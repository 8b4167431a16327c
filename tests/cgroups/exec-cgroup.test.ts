// SPDX-License-Identifier: Apache-2.0
/** exec --cgroup: programs in cgroups that somebody has made below the container's. */
import { expect } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Hierarchy } from "../../src/cgroups/layout.ts";
import { except } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";
import { hierarchies } from "./files.ts";

const nameOf = ({ version, controllers }: Hierarchy) =>
  version === 2 ? "" : controllers.join(",");

/** Places of a process by hierarchy, as `/proc/PID/cgroup` has them. */
function places(text: string): Map<string, string> {
  const lines = text.trim().split("\n");
  return new Map(
    lines.map((line) => {
      const [, controllers = "", ...path] = line.split(":");
      return [controllers, path.join(":")];
    }),
  );
}

/** A container with `sub/deep` below its cgroup in every hierarchy. */
async function withSubCgroups(sandbox: Sandbox) {
  const id = await sandbox.started();
  const own = places(readFileSync(`/proc/${(await sandbox.state(id)).pid}/cgroup`, "utf8"));
  for (const hierarchy of hierarchies) {
    const path = own.get(nameOf(hierarchy));
    for (const below of path === undefined ? [] : ["sub", "sub/deep"]) {
      const made = `${hierarchy.mountPoint}${path}/${below}`;
      mkdirSync(made);
      if (!nameOf(hierarchy).includes("cpuset")) continue;
      // A cpuset of version 1 is empty at first, and nobody may be in it.
      for (const file of ["cpuset.cpus", "cpuset.mems"]) {
        writeFileSync(`${made}/${file}`, readFileSync(`${made}/../${file}`));
      }
    }
  }
  const of = async (...flags: string[]) =>
    places((await sandbox.must(["exec", ...flags, id, "cat", "/proc/self/cgroup"])).stdout);
  return { id, own, of };
}

// covers: exec --cgroup
except("crun", "it has no version 2 cgroup here, see callOf")(
  "a program in a cgroup below the container's",
  async () => {
    await using sandbox = new Sandbox();
    const { own, of } = await withSubCgroups(sandbox);
    const [plain, same, inside] = [
      await of(),
      await of("--cgroup", "/"),
      await of("--cgroup", "sub/deep"),
    ];
    for (const hierarchy of hierarchies) {
      const name = nameOf(hierarchy);
      const path = own.get(name);
      expect([name, plain.get(name), same.get(name)]).toEqual([name, path, path]);
      expect([name, inside.get(name)]).toEqual([name, `${path}/sub/deep`]);
    }
  },
);

except("crun", "it has no version 2 cgroup here, see callOf")(
  "what cannot be joined is told, and the container goes on",
  async () => {
    await using sandbox = new Sandbox();
    const { id } = await withSubCgroups(sandbox);
    for (const wrong of ["missing", "..", "no-such-controller:sub"]) {
      const { status, stderr } = await sandbox.call(["exec", "--cgroup", wrong, id, "true"]);
      expect([wrong, status]).toEqual([wrong, 255]);
      expect(stderr).not.toBe("");
    }
    expect((await sandbox.state(id)).status).toBe("running");
  },
);
