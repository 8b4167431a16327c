// SPDX-License-Identifier: Apache-2.0
/** Ids, capabilities, no_new_privs, limits and score of the payload. */
import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { type JsonObject, namespaces, shell } from "../support/bundle.ts";
import { except, only, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

/** A field of the payload's own /proc/self/status. */
async function statusOf(...changes: JsonObject[]): Promise<ReadonlyMap<string, string>> {
  await using sandbox = new Sandbox();
  const cat = { process: { args: ["/bin/cat", "/proc/self/status"] } };
  const text = await sandbox.output(...changes, cat);
  return new Map(
    text.split("\n").map((line) => {
      const [name = "", value = ""] = line.split(":\t");
      return [name, value.trim()] as const;
    }),
  );
}

/** As /proc writes a set of capabilities, from their bits. */
function mask(...bits: readonly number[]): string {
  return bits
    .reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n)
    .toString(16)
    .padStart(16, "0");
}

const [chown, killBit, bind, chroot] = [0, 5, 10, 18]; // linux/capability.h

// covers: process.user.uid, process.user.gid, process.user.additionalGids
test("uid, gid and additional groups", async () => {
  const status = await statusOf({
    process: { user: { uid: 1234, gid: 5678, additionalGids: [7, 4242] } },
  });
  expect(status.get("Uid")).toBe("1234\t1234\t1234\t1234");
  expect(status.get("Gid")).toBe("5678\t5678\t5678\t5678");
  expect(status.get("Groups")).toBe("7 4242");
});

test("no additional groups are left of the caller", async () => {
  expect((await statusOf()).get("Groups")).toBe("");
});

for (const [umask, text] of [
  [undefined, "0022"],
  [0, "0000"],
  [0o27, "0027"],
] as const) {
  // covers: process.user.umask
  test(`umask ${umask ?? "by default"} is ${text}`, async () => {
    const user = { uid: 0, gid: 0, ...(umask === undefined ? {} : { umask }) };
    expect((await statusOf({ process: { user } })).get("Umask")).toBe(text);
  });
}

// covers: process.capabilities.*
test("all five capability sets", async () => {
  const status = await statusOf({
    process: {
      capabilities: {
        bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT"],
        permitted: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
        effective: ["CAP_CHOWN"],
        inheritable: ["CAP_KILL"],
        ambient: ["CAP_KILL"],
      },
      user: { uid: 1000, gid: 1000 },
    },
  });
  // After the execve of an ordinary user: capabilities(7), "Transformation of capabilities".
  expect(status.get("CapBnd")).toBe(mask(chown, killBit, bind, chroot));
  expect(status.get("CapInh")).toBe(mask(killBit));
  expect(status.get("CapAmb")).toBe(mask(killBit));
  expect(status.get("CapPrm")).toBe(mask(killBit));
  expect(status.get("CapEff")).toBe(mask(killBit));
});

test("root has what the bounding set allows", async () => {
  const sets = { bounding: ["CAP_CHOWN"], permitted: ["CAP_CHOWN"], effective: ["CAP_CHOWN"] };
  const status = await statusOf({ process: { capabilities: sets } });
  for (const name of ["CapBnd", "CapPrm", "CapEff"]) expect(status.get(name)).toBe(mask(chown));
  for (const name of ["CapInh", "CapAmb"]) expect(status.get(name)).toBe(mask());
});

test("an absent set is empty", async () => {
  const status = await statusOf({ process: { capabilities: null } });
  for (const name of ["CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb"]) {
    expect(status.get(name)).toBe(mask());
  }
});

except("crun", "1.8.1 says nothing")(
  "an unknown capability is left out, with a warning",
  async () => {
    await using sandbox = new Sandbox();
    const { status, stderr } = await sandbox.run({
      process: { capabilities: { bounding: ["CAP_CHOWN", "CAP_UNHEARD_OF"] } },
    });
    expect(status).toBe(0);
    expect(stderr).toMatch(/level=warning .*CAP_UNHEARD_OF/);
  },
);

for (const [wanted, value] of [
  [true, "1"],
  [false, "0"],
] as const) {
  // covers: process.noNewPrivileges
  test(`no_new_privs ${wanted}`, async () => {
    const status = await statusOf({ process: { noNewPrivileges: wanted } });
    expect(status.get("NoNewPrivs")).toBe(value);
  });
}

// covers: process.rlimits
test("resource limits", async () => {
  await using sandbox = new Sandbox();
  const rlimits = [
    { type: "RLIMIT_NOFILE", soft: 100, hard: 200 },
    { type: "RLIMIT_FSIZE", soft: 1048576, hard: 2097152 },
    { type: "RLIMIT_MEMLOCK", soft: 65536, hard: 65536 },
  ];
  const text = await sandbox.output({
    process: { rlimits, args: ["/bin/cat", "/proc/self/limits"] },
  });
  expect(text).toMatch(/^Max open files +100 +200 /m);
  expect(text).toMatch(/^Max file size +1048576 +2097152 /m);
  expect(text).toMatch(/^Max locked memory +65536 +65536 /m);
});

for (const [what, rlimits] of Object.entries({
  "an unknown resource limit": [{ type: "RLIMIT_UNHEARD_OF", soft: 1, hard: 1 }],
  "a resource limit above the caller's": [{ type: "RLIMIT_NOFILE", soft: 1, hard: 1000000000 }],
  "a soft limit above the hard one": [{ type: "RLIMIT_NOFILE", soft: 2, hard: 1 }],
})) {
  test(`${what} is refused`, async () => {
    await using sandbox = new Sandbox();
    expect((await sandbox.run({ process: { rlimits } })).status).toBe(1);
    await sandbox.expectNothingLeft();
  });
}

only("rune", "runc 1.1 takes the last")("a limit given twice is refused", async () => {
  await using sandbox = new Sandbox();
  const limit = { type: "RLIMIT_NOFILE", soft: 1, hard: 1 };
  expect((await sandbox.run({ process: { rlimits: [limit, limit] } })).status).toBe(1);
});

// covers: process.oomScoreAdj
test("oom score adjustment", async () => {
  await using sandbox = new Sandbox();
  const score = await sandbox.output({
    process: { oomScoreAdj: 123, args: ["/bin/cat", "/proc/self/oom_score_adj"] },
  });
  expect(score).toBe("123");
});

test("the caller's oom score where none is given", async () => {
  await using sandbox = new Sandbox();
  const score = await sandbox.output({
    process: { args: ["/bin/cat", "/proc/self/oom_score_adj"] },
  });
  expect(score).toBe(readFileSync("/proc/self/oom_score_adj", "utf8").trim());
});

test("a user can write to the standard streams it was given", async () => {
  await using sandbox = new Sandbox();
  const text = await sandbox.output(shell("echo text >/dev/stdout"), {
    process: { user: { uid: 1000, gid: 1000 } },
  });
  expect(text).toBe("text");
});

test("a mapped root is the mapped user outside", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started(namespaces([], { type: "user" }), {
    linux: {
      uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
      gidMappings: [{ containerID: 0, hostID: 200000, size: 65536 }],
    },
    process: { user: { uid: 7, gid: 8 } },
  });
  const { pid } = await sandbox.state(id);
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  expect(status).toMatch(/^Uid:\t100007\t100007\t100007\t100007$/m);
  expect(status).toMatch(/^Gid:\t200008\t200008\t200008\t200008$/m);
});
