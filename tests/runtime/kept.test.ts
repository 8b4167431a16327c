// SPDX-License-Identifier: Apache-2.0
/** What `exec` takes from the container's configuration is what it was when the container was made. */
import { expect } from "bun:test";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { only, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const asItWas = only("rune", "runc reads `process` from the bundle each time");

// covers: exec
asItWas("exec keeps to the process settings of the creation", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started({
    process: {
      env: ["PATH=/bin", "OLD=1"],
      cwd: "/tmp",
      rlimits: [{ type: "RLIMIT_NOFILE", soft: 100, hard: 200 }],
    },
  });
  sandbox.configure({ process: { env: ["PATH=/bin", "NEW=1"], cwd: "/", rlimits: [] } });
  const script = 'echo "$OLD:$NEW:$(pwd):$(ulimit -n):$(ulimit -Hn)"';
  const { stdout } = await sandbox.must(["exec", id, "/bin/sh", "-c", script]);
  expect(stdout).toBe("1::/tmp:100:200\n");
  // The file may hold the container's secrets.
  expect(statSync(join(sandbox.stateRoot, id, "process.json")).mode & 0o777).toBe(0o600);
});

asItWas("exec needs no bundle any more", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  rmSync(join(sandbox.bundle.path, "config.json"));
  expect((await sandbox.must(["exec", id, "/bin/echo", "here"])).stdout).toBe("here\n");
});

test("exec is under the filter of the creation, whatever the bundle says later", async () => {
  await using sandbox = new Sandbox();
  const syscalls = [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28 }];
  const seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls };
  const id = await sandbox.started({ linux: { seccomp } });
  sandbox.configure();
  const { status, stderr } = await sandbox.call(["exec", id, "/bin/mkdir", "/tmp/x"]);
  expect(status).toBe(1);
  expect(stderr).toContain("No space left on device");
});

asItWas("of a container that an earlier version made, the bundle tells", async () => {
  await using sandbox = new Sandbox();
  const syscalls = [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28 }];
  const seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls };
  const id = await sandbox.started({ process: { cwd: "/tmp" }, linux: { seccomp } });
  const file = (name: string) => join(sandbox.stateRoot, id, name);
  for (const name of ["process.json", "seccomp.bpf"]) rmSync(file(name));
  const both = async () => {
    const made = await sandbox.call(["exec", id, "/bin/sh", "-c", "pwd; mkdir /tmp/x"]);
    expect(made).toMatchObject({ status: 1, stdout: "/tmp\n" });
    expect(made.stderr).toContain("No space left on device");
  };
  await both();
  // Before filters were kept, the state did not speak of them either.
  const { seccomp: _, ...state } = JSON.parse(readFileSync(file("state.json"), "utf8"));
  writeFileSync(file("state.json"), JSON.stringify(state));
  await both();
  rmSync(join(sandbox.bundle.path, "config.json"));
  const { status, stderr } = await sandbox.call(["exec", id, "/bin/true"]);
  expect(status).toBe(255);
  expect(stderr).toContain("config.json`: no such file");
});
