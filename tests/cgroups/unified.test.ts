// SPDX-License-Identifier: Apache-2.0
/**
 * Containers where version 2 is the only hierarchy that can be seen. On a hybrid host most controllers
 * are version 1's all the same; what they do in version 2 is in limits.test.ts and update.test.ts, for
 * hosts that have them there.
 */
import { expect } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { defaultNamespaces, type JsonObject, shell } from "../support/bundle.ts";
import { except, needs, only, repository, runtimeName } from "../support/runtime.ts";
import { hierarchies, version2 } from "./files.ts";
import { UnifiedSandbox, withoutView } from "./unified-view.ts";

const view = except("crun", "1.8.1 leaves its cgroup in such a view", needs(withoutView()));
const hugePages =
  version2("hugetlb") === undefined ? needs("needs the cgroup v2 controller hugetlb") : view;
const mountPoint = hierarchies.find(({ version }) => version === 2)?.mountPoint ?? "";
const file = (path: string, name: string) => readFileSync(join(mountPoint, path, name), "utf8");

const at = (sandbox: UnifiedSandbox, resources: JsonObject = {}): JsonObject => ({
  linux: { cgroupsPath: `/${sandbox.mark}`, resources },
});

view("a container's life", async () => {
  await using sandbox = new UnifiedSandbox();
  const id = await sandbox.created(at(sandbox));
  const { pid, status } = await sandbox.state(id);
  expect(status).toBe("created");
  expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toContain(`0::/${sandbox.mark}\n`);
  await sandbox.must(["start", id]);
  await sandbox.must(["pause", id]);
  expect((await sandbox.state(id)).status).toBe("paused");
  expect(file(sandbox.mark, "cgroup.freeze")).toBe("1\n");
  await sandbox.must(["resume", id]);
  const { stdout } = await sandbox.must(["exec", id, "/bin/sh", "-c", "cat /proc/self/cgroup"]);
  expect(stdout).toContain(`0::/${sandbox.mark}\n`);
  await sandbox.must(["kill", id, "KILL"]);
  await sandbox.reaches(id, "stopped");
  await sandbox.must(["delete", id]);
  await sandbox.expectNothingLeft();
});

const look = shell("head -1 /sys/fs/cgroup/cgroup.procs; tail -1 /proc/self/cgroup");

view("in a cgroup namespace the container sees its own part of the hierarchy", async () => {
  await using sandbox = new UnifiedSandbox();
  const own = { linux: { namespaces: [...defaultNamespaces, "cgroup"].map((type) => ({ type })) } };
  expect(await sandbox.output(at(sandbox), own, look)).toBe("1\n0::/");
});

const ownPart = runtimeName === "rune" ? view : only("rune", "shows the whole hierarchy");

ownPart("without one, too", async () => {
  await using sandbox = new UnifiedSandbox();
  expect(await sandbox.output(at(sandbox), look)).toBe(`1\n0::/${sandbox.mark}`);
});

hugePages("limits of the controllers that are there, also by an update", async () => {
  await using sandbox = new UnifiedSandbox();
  const unified = { "cgroup.max.descendants": "7" };
  const hugepageLimits = [{ pageSize: "2MB", limit: 4_194_304 }];
  const id = await sandbox.started(at(sandbox, { hugepageLimits, unified }));
  expect(file(sandbox.mark, "hugetlb.2MB.max")).toBe("4194304\n");
  expect(file(sandbox.mark, "cgroup.max.descendants")).toBe("7\n");
  const stdin = JSON.stringify({ unified: { "hugetlb.2MB.max": "2097152" } });
  await sandbox.must(["update", "--resources", "-", id], { stdin });
  expect(file(sandbox.mark, "hugetlb.2MB.max")).toBe("2097152\n");
});

view("a controller that is not there is refused by name, and nothing is left", async () => {
  await using sandbox = new UnifiedSandbox();
  if (version2("memory") !== undefined) return;
  const { status, stderr } = await sandbox.run(at(sandbox, { memory: { limit: 67_108_864 } }));
  expect(status).not.toBe(0);
  if (runtimeName === "rune") {
    expect(stderr).toContain("memory.max`: the memory controller is not enabled there");
  }
  await sandbox.expectNothingLeft();
});

// covers: linux.resources.memory.swappiness, linux.resources.memory.disableOOMKiller, linux.resources.network.classID
view("what version 2 has no counterpart for is ignored, as engines write it anyway", async () => {
  await using sandbox = new UnifiedSandbox();
  const fields: Record<string, JsonObject> = {
    "memory.swappiness": { memory: { swappiness: 5 } },
    "memory.disableOOMKiller": { memory: { disableOOMKiller: true } },
    "cpu.realtimeRuntime": { cpu: { realtimeRuntime: 5000 } },
    "blockIO.leafWeight": { blockIO: { leafWeight: 5 } },
    "network.classID": { network: { classID: 5 } },
  };
  for (const [field, resources] of Object.entries(fields)) {
    const { status, stderr } = await sandbox.run(at(sandbox, resources), shell("exit 7"));
    expect(status).toBe(7);
    if (runtimeName === "rune") expect(stderr).toContain(`ignoring \`${field}\``);
  }
  await sandbox.expectNothingLeft();
});

view("access to devices is limited by a program, which an update leaves", async () => {
  await using sandbox = new UnifiedSandbox();
  const node = "mknod /tmp/kmsg c 1 11 && chmod 666 /tmp/kmsg";
  const id = await sandbox.started(at(sandbox, { devices: [{ allow: false, access: "rwm" }] }), {
    process: {
      capabilities: { bounding: ["CAP_MKNOD"], effective: ["CAP_MKNOD"], permitted: ["CAP_MKNOD"] },
    },
  });
  const inside = (script: string) => sandbox.call(["exec", id, "/bin/sh", "-c", script]);
  expect((await inside(node)).status).toBe(0);
  expect((await inside(": </tmp/kmsg")).stderr).toContain("not permitted");
  const stdin = JSON.stringify({ devices: [{ allow: true, access: "rwm" }] });
  await sandbox.must(["update", "--resources", "-", id], { stdin });
  expect((await inside(": </tmp/kmsg")).stderr).toContain("not permitted");
  expect((await inside(": </dev/null")).status).toBe(0);
});

const threads = only("rune", "1.1.5 does not tell what is in such a cgroup");

threads("a threaded cgroup", async () => {
  await using sandbox = new UnifiedSandbox();
  const top = join(mountPoint, sandbox.mark);
  mkdirSync(join(top, "threaded"), { recursive: true });
  writeFileSync(join(top, "threaded/cgroup.type"), "threaded");
  const id = await sandbox.started({ linux: { cgroupsPath: `/${sandbox.mark}/threaded/web` } });
  expect(file(`${sandbox.mark}/threaded/web`, "cgroup.type")).toBe("threaded\n");
  const huge = { hugepageLimits: [{ pageSize: "2MB", limit: 4_194_304 }] };
  const { stderr } = await sandbox.run({
    linux: { cgroupsPath: `/${sandbox.mark}/threaded/limited`, resources: huge },
  });
  expect(stderr).toContain("the cgroup is threaded");
  await sandbox.must(["delete", "--force", id]);
  for (const path of [join(top, "threaded"), top]) rmdirSync(path);
  await sandbox.expectNothingLeft();
});

/** Enclave containers in the same view, on the stand-in for a machine with an SGX driver. */
class EnclaveSandbox extends UnifiedSandbox {
  /** Not below /tmp, which others may write: a PAL there is refused. */
  readonly pals = mkdtempSync("/var/lib/rune-test-");

  constructor() {
    super();
    chmodSync(this.pals, 0o755);
    copyFileSync(pal, join(this.pals, "libpal.so"));
    writeFileSync(join(this.pals, "config.toml"), `[runtime]\npal_dirs = ["${this.pals}"]\n`);
  }

  override argv(...words: readonly string[]): string[] {
    const standIn = join(repository, "tests/support/with-sgx-node.sh");
    return [standIn, ...super.argv("--config", join(this.pals, "config.toml"), ...words)];
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    rmSync(this.pals, { recursive: true, force: true });
  }
}

const pal = join(repository, "native/build/testing/libpal-testing-v2.so");
const enclaves = existsSync(pal)
  ? only("rune", "knows no enclaves")
  : needs("needs `make -C native`");

enclaves("an enclave container: created, started, used, ended", async () => {
  await using sandbox = new EnclaveSandbox();
  const id = await sandbox.created(
    at(sandbox, { unified: { "cgroup.max.depth": "3" } }),
    { process: { args: ["program", "exec-sleep=60000"], user: { uid: 1000, gid: 1000 } } },
    {
      annotations: {
        "enclave.type": "intelSgx",
        "enclave.runtime.path": join(sandbox.pals, "libpal.so"),
        "enclave.runtime.args": "trace",
      },
    },
  );
  await sandbox.must(["start", id]);
  const { pid } = await sandbox.reaches(id, "running");
  expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toContain(`0::/${sandbox.mark}\n`);
  expect(file(sandbox.mark, "cgroup.max.depth")).toBe("3\n");
  const program = await sandbox.call(["exec", id, "program", "exec-print", "exec-status=7"]);
  expect([program.status, program.stdout.includes("arg exec-print")]).toEqual([7, true]);
  await sandbox.must(["delete", "--force", id]);
  await sandbox.expectNothingLeft();
});
