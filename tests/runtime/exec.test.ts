// SPDX-License-Identifier: Apache-2.0
/** Further processes in a container. */
import { expect } from "bun:test";
import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Json, type JsonObject, shell } from "../support/bundle.ts";
import { command, eventually } from "../support/command.ts";
import { probe } from "../support/probe.ts";
import { except, only, runtimeName, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

/** How exec tells a failure of its own from a status 1 of the program. */
const ownFailure = 255;

/** A running container and what a command in it prints. */
async function inside(
  sandbox: Sandbox,
  flags: readonly string[],
  ...args: readonly string[]
): Promise<string> {
  const id = await sandbox.started();
  return (await sandbox.must(["exec", ...flags, id, ...args])).stdout.trimEnd();
}

for (const status of [0, 1, 42, 255]) {
  // covers: exec
  test(`exit ${status} of exec`, async () => {
    await using sandbox = new Sandbox();
    const id = await sandbox.started();
    expect((await sandbox.call(["exec", id, "sh", "-c", `exit ${status}`])).status).toBe(status);
  });
}

test("a signal that ends the program is 128 and its number", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  expect((await sandbox.call(["exec", id, "sh", "-c", "kill -TERM $$"])).status).toBe(143);
});

for (const program of ["no-such-program", "/bin/no-such-program", "/etc/passwd", "/etc", ""]) {
  test(`exec of ${JSON.stringify(program)} fails with a status of its own`, async () => {
    await using sandbox = new Sandbox();
    const id = await sandbox.started();
    const { status, stderr } = await sandbox.call(["exec", id, program]);
    expect(status).toBe(ownFailure);
    expect(stderr).not.toBe("");
    expect((await sandbox.state(id)).status).toBe("running");
  });
}

// covers: exec --env
except("crun", "1.8.1 leaves out the container's where -e is given")(
  "the container's environment, with additions",
  async () => {
    await using sandbox = new Sandbox();
    const text = await inside(sandbox, ["-e", "A=b", "-e", "C=d=e"], "env");
    expect(text.split("\n").sort()).toEqual([
      "A=b",
      "C=d=e",
      "HOME=/root",
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "TERM=xterm",
    ]);
  },
);

test("HOME of exec's user, and HOME that is given", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  const home = async (...flags: string[]) =>
    (await sandbox.must(["exec", ...flags, id, "sh", "-c", "echo $HOME"])).stdout.trim();
  expect(await home()).toBe("/root");
  expect(await home("--user", "1000")).toBe("/home/user");
  // With PATH: crun 1.8.1 leaves out the container's where -e is given.
  expect(await home("--env", "HOME=/given", "--env", "PATH=/bin")).toBe("/given");
});

except("crun", "1.8.1 sets none")("HOME of exec's user that has no entry is /", async () => {
  await using sandbox = new Sandbox();
  expect(await inside(sandbox, ["--user", "4711"], "sh", "-c", "echo $HOME")).toBe("/");
});

// covers: exec --user, exec --additional-gids
except("crun", "1.8.1 has no -g")("user, group and additional groups", async () => {
  await using sandbox = new Sandbox();
  const text = await inside(
    sandbox,
    ["--user", "5:6", "-g", "9", "-g", "10"],
    ...["grep", "-E", "^(Uid|Gid|Groups)", "/proc/self/status"],
  );
  expect(text.split("\n").map((line) => line.trim())).toEqual([
    "Uid:\t5\t5\t5\t5",
    "Gid:\t6\t6\t6\t6",
    "Groups:\t9 10",
  ]);
});

// covers: exec --cwd
test("working directory", async () => {
  await using sandbox = new Sandbox();
  expect(await inside(sandbox, ["--cwd", "/home/user"], "pwd")).toBe("/home/user");
});

test("a working directory that does not exist is refused", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  const { status } = await sandbox.call(["exec", "--cwd", "/no/such", id, "pwd"]);
  expect(status).toBe(ownFailure);
});

// covers: exec --cap
except("crun", "1.8.1 grants only those that --cap names")(
  "the container's capabilities, with additions",
  async () => {
    await using sandbox = new Sandbox();
    const id = await sandbox.started();
    const sets = async (...flags: string[]) =>
      (await sandbox.must(["exec", ...flags, id, "grep", "^Cap", "/proc/self/status"])).stdout;
    // CAP_KILL 5, CAP_NET_BIND_SERVICE 10, CAP_AUDIT_WRITE 29; CAP_SYS_CHROOT 18
    const own = "0000000020000420";
    expect(await sets()).toMatch(new RegExp(`CapPrm:\t${own}\nCapEff:\t${own}\nCapBnd:\t${own}`));
    const more = "0000000020040420";
    expect(await sets("--cap", "CAP_SYS_CHROOT")).toMatch(
      new RegExp(`CapPrm:\t${more}\nCapEff:\t${more}\nCapBnd:\t${more}`),
    );
  },
);

only("rune", "1.1.5 adds to the ambient set, too, which fails")(
  "--cap makes nothing inheritable or ambient that was not inheritable",
  async () => {
    await using sandbox = new Sandbox();
    const sets = async (capabilities: JsonObject, ...added: string[]) => {
      const id = await sandbox.started(
        { process: { capabilities: null } },
        { process: { capabilities } },
      );
      const flags = added.flatMap((name) => ["--cap", name]);
      return (await sandbox.must(["exec", ...flags, id, "grep", "^Cap", "/proc/self/status"]))
        .stdout;
    };
    const [none, kill, both] = ["0".repeat(16), "0000000000000020", "0000000020000020"];
    expect(await sets({}, "CAP_KILL", "CAP_AUDIT_WRITE")).toBe(
      `CapInh:\t${none}\nCapPrm:\t${both}\nCapEff:\t${both}\nCapBnd:\t${both}\nCapAmb:\t${none}\n`,
    );
    const inheritable = { bounding: ["CAP_KILL"], inheritable: ["CAP_KILL"] };
    expect(await sets(inheritable, "CAP_KILL", "CAP_AUDIT_WRITE")).toBe(
      `CapInh:\t${kill}\nCapPrm:\t${both}\nCapEff:\t${both}\nCapBnd:\t${both}\nCapAmb:\t${kill}\n`,
    );
  },
);

// covers: exec --no-new-privs
test("--no-new-privs", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started({ process: { noNewPrivileges: false } });
  const value = async (...flags: string[]) =>
    (await sandbox.must(["exec", ...flags, id, "grep", "NoNewPrivs", "/proc/self/status"])).stdout;
  expect(await value()).toBe("NoNewPrivs:\t0\n");
  expect(await value("--no-new-privs")).toBe("NoNewPrivs:\t1\n");
});

test("a program of its own namespaces, cgroup and root: the container's", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  const file = join(sandbox.path, "pid");
  await sandbox.must(["exec", "--detach", "--pid-file", file, id, "/bin/sleep", "1000"]);
  const [init, further] = [(await sandbox.state(id)).pid, Number(readFileSync(file, "utf8"))];
  for (const name of ["pid", "net", "ipc", "uts", "mnt", "cgroup", "user"]) {
    expect(readlinkSync(`/proc/${further}/ns/${name}`)).toBe(
      readlinkSync(`/proc/${init}/ns/${name}`),
    );
  }
  const read = (pid: number, name: string) => readFileSync(`/proc/${pid}/${name}`, "utf8");
  for (const name of ["cgroup", "oom_score_adj"]) {
    expect(read(further, name)).toBe(read(init, name));
  }
});

except("crun", "1.8.1 leaves the caller's")(
  "a further process has the container's limits",
  async () => {
    await using sandbox = new Sandbox();
    const id = await sandbox.started();
    const { pid } = await sandbox.state(id);
    const { stdout } = await sandbox.must(["exec", id, "cat", "/proc/self/limits"]);
    expect(stdout).toBe(readFileSync(`/proc/${pid}/limits`, "utf8"));
  },
);

test("words after the id are the program's, also those like flags", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  const words = ["echo", "--user", "-e", "--", "x"];
  expect((await sandbox.must(["exec", id, ...words])).stdout).toBe("--user -e -- x\n");
});

// covers: exec --detach, exec --pid-file
test("detached, with its pid in a file", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  const file = join(sandbox.path, "pid");
  await sandbox.must(["exec", "--detach", "--pid-file", file, id, "sleep", "900"]);
  const pid = readFileSync(file, "utf8");
  const cmdline = () => readFileSync(`/proc/${pid}/cmdline`, "utf8");
  // runc returns before the program runs.
  await eventually("the program runs", () => cmdline().startsWith("sleep"));
  expect(cmdline()).toBe("sleep\x00900\x00");
});

only("rune", "runc names its temporary file")(
  "a pid file that cannot be written is named, and nothing runs",
  async () => {
    await using sandbox = new Sandbox();
    const id = await sandbox.started();
    const file = join(sandbox.path, "missing/pid");
    const failed = await sandbox.call(["exec", "--pid-file", file, id, "sleep", "900"]);
    expect([failed.status, failed.stderr]).toEqual([
      255,
      expect.stringContaining(`write pid file \`${file}\`: `),
    ]);
    expect((await sandbox.must(["ps", id])).stdout).not.toContain("sleep 900");
  },
);

test("a foreground exec writes its pid too", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  const file = join(sandbox.path, "pid");
  const { stdout } = await sandbox.must([
    ...["exec", "--pid-file", file, id],
    ...["grep", "^NSpid", "/proc/self/status"],
  ]);
  expect(stdout).toMatch(/^NSpid:\t/);
  expect(Number(readFileSync(file, "utf8"))).toBeGreaterThan(1);
});

test("standard streams", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  const result = await sandbox.must(["exec", id, "sh", "-c", "cat; echo error >&2"], {
    stdin: "input",
  });
  expect([result.stdout, result.stderr]).toEqual(["input", "error\n"]);
});

const processJson: Json = {
  user: { uid: 3, gid: 4, additionalGids: [5], umask: 0o77 },
  args: ["/bin/sh", "-c", "id -u; id -g; umask; pwd; echo $A; grep CapEff /proc/self/status"],
  env: ["PATH=/bin", "A=from the file"],
  cwd: "/tmp",
  capabilities: {},
};

// covers: exec --process
test("a process from a file", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  const file = join(sandbox.path, "process.json");
  writeFileSync(file, JSON.stringify(processJson));
  const { stdout } = await sandbox.must(["exec", "--process", file, id]);
  expect(stdout.split("\n")).toEqual([
    "3",
    "4",
    runtimeName === "runc" ? "0022" : "0077", // runc 1.1.5 ignores a umask here
    "/tmp",
    "from the file",
    "CapEff:\t0000000000000000",
    "",
  ]);
});

for (const [what, content] of Object.entries({
  "no JSON": "nonsense",
  "no object": "[]",
  "no arguments": '{"cwd":"/","user":{"uid":0,"gid":0}}',
  "empty arguments": '{"cwd":"/","args":[],"user":{"uid":0,"gid":0}}',
})) {
  test(`a process file with ${what} is refused`, () => refusedProcess(content));
}

except("crun", "1.8.1 takes it")("a process file with a relative directory is refused", () =>
  refusedProcess('{"cwd":"tmp","args":["/bin/true"],"user":{"uid":0,"gid":0}}'),
);

async function refusedProcess(content: string): Promise<void> {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  const file = join(sandbox.path, "process.json");
  writeFileSync(file, content);
  const { status } = await sandbox.call(["exec", "--process", file, id]);
  expect(status).not.toBe(0);
  expect((await sandbox.state(id)).status).toBe("running");
}

test("no program, and a file that does not exist", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  expect((await sandbox.call(["exec", id])).status).not.toBe(0);
  expect((await sandbox.call(["exec", "--process", "/no/such", id])).status).not.toBe(0);
});

test("before start: in a created container, whose own program still waits", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.created(shell("exec sleep 1000"));
  expect((await sandbox.must(["exec", id, "echo", "early"])).stdout).toBe("early\n");
  expect((await sandbox.state(id)).status).toBe("created");
});

except("crun", "1.8.1 leaves one")(
  "an exec that fails leaves no zombie, which would keep the container from ending",
  async () => {
    await using sandbox = new Sandbox();
    const id = await sandbox.started();
    // Nobody else would reap it where process 1 is a program that does not, as in many a container.
    for (const program of ["/no/such", "/etc", "/etc/passwd"]) {
      const exec = sandbox.argv("exec", id, program);
      expect((await command([await probe(), "adopt", ...exec])).stdout).toBe("0\n");
    }
  },
);

test("a detached program ends with the container", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  const file = join(sandbox.path, "pid");
  await sandbox.must(["exec", "--detach", "--pid-file", file, id, "sleep", "1000"]);
  await sandbox.must(["kill", id, "KILL"]);
  const stat = `/proc/${readFileSync(file, "utf8")}/stat`;
  await eventually("the program has ended", async () => {
    const text = await Bun.file(stat)
      .text()
      .catch(() => ") Z");
    return / [ZX] /.test(text.replace(/^.*\)/, " ").slice(0, 4)) || text === ") Z";
  });
});

test("many at once", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  const results = await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      sandbox.call(["exec", id, "sh", "-c", `echo ${index}; exit ${index}`]),
    ),
  );
  expect(results.map(({ status, stdout }) => [status, stdout])).toEqual(
    results.map((_, index) => [index, `${index}\n`]),
  );
});

test("exec in a paused container is refused", async () => {
  await using sandbox = new Sandbox();
  const path = `/${sandbox.mark}`;
  const id = await sandbox.started({ linux: { cgroupsPath: path } });
  const freezer = `/sys/fs/cgroup/freezer${path}/freezer.state`;
  writeFileSync(freezer, "FROZEN");
  try {
    expect((await sandbox.state(id)).status).toBe("paused");
    // crun tells only programs that it cannot execute by 255.
    const refusal = runtimeName === "crun" ? 1 : ownFailure;
    expect((await sandbox.call(["exec", id, "true"])).status).toBe(refusal);
  } finally {
    writeFileSync(freezer, "THAWED");
  }
  expect((await sandbox.state(id)).status).toBe("running");
});

test(`the suite knows which runtime it judges: ${runtimeName}`, async () => {
  await using sandbox = new Sandbox();
  const { stdout } = await sandbox.must(["--version"]);
  expect(stdout).toStartWith(`${runtimeName} version `);
});
