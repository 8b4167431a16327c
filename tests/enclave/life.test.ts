// SPDX-License-Identifier: Apache-2.0
/** The life of enclave containers, with every version of the PAL API. */
import { expect } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "../support/bundle.ts";
import { type CommandResult, command } from "../support/command.ts";
import { EnclaveSandbox, enclave, enclaveObstacle, moreEnvironment } from "../support/enclave.ts";
import { busybox, needs } from "../support/runtime.ts";
import { dockerProfile, missingProfile } from "../support/seccomp-profile.ts";

const test = needs(enclaveObstacle);
const sleep = "exec-sleep=60000";

/** Runs a PAL's payload in the foreground; nothing may be left of it. */
async function run(
  variant: string,
  palArgs: string,
  argv: readonly string[] = [],
  ...changes: JsonObject[]
): Promise<CommandResult> {
  await using sandbox = new EnclaveSandbox();
  const result = await sandbox.run(enclave(sandbox.pal(variant), palArgs, ...argv), ...changes);
  await sandbox.expectNothingLeft();
  return result;
}

for (const version of ["v1", "v2", "v3"]) {
  test(`${version}: init, exec, destroy; exact exit codes; argv, environment and identity`, async () => {
    const { status, stdout, stderr } = await run(
      version,
      "trace",
      ["exec-print", "exec-status=7"],
      moreEnvironment("VISIBLE=yes", "ENCLAVE_RUNTIME_LOGLEVEL=debug"),
    );
    expect(status).toBe(7);
    expect(stdout).toContain("arg program\narg exec-print\n");
    expect(stdout).toContain("uid 1000\n");
    expect(stdout).not.toContain("ENCLAVE_");
    if (version !== "v1") expect(stdout).toContain("env VISIBLE=yes\n");
    expect(stderr).toMatch(/pal init debug [^\n]*uid=1000 cwd=\/\n/);
    expect(stderr.match(/pal destroy/g)).toHaveLength(1);
  });

  test(`${version}: create initialises, start runs, delete removes`, async () => {
    await using sandbox = new EnclaveSandbox();
    const id = sandbox.id();
    sandbox.configure(enclave(sandbox.pal(version), "trace", sleep));
    const created = await sandbox.must(["create", id]);
    expect(created.stderr).toContain("pal init info");
    expect(await sandbox.state(id)).toMatchObject({
      status: "created",
      enclave: { type: "intelSgx", platform: "hardware" },
    });
    const early = await sandbox.call(["exec", id, "program"]);
    expect(early.status).toBe(255);
    expect(early.stderr).toContain("has not been started");
    await sandbox.must(["start", id]);
    expect((await sandbox.state(id)).status).toBe("running");
    await sandbox.must(["kill", id, "KILL"]);
    await sandbox.reaches(id, "stopped");
    await sandbox.must(["delete", id]);
    await sandbox.expectNothingLeft();
  });
}

test("several programs at once, each with its own output and exit code", async () => {
  await using sandbox = new EnclaveSandbox();
  const id = await sandbox.started(enclave(sandbox.pal("v2"), "", sleep));
  const ended = await Promise.all(
    Array.from({ length: 8 }, async (_, n) => {
      const words = [`p${n}`, "exec-print", "exec-sleep=200", `exec-status=${n}`];
      const { status, stdout } = await sandbox.call(["exec", id, ...words]);
      return [status, stdout.split("\n")[0]];
    }),
  );
  expect(ended).toEqual(Array.from({ length: 8 }, (_, n) => [n, `arg p${n}`]));
});

test("a program on a terminal; another user's is refused", async () => {
  await using sandbox = new EnclaveSandbox();
  const id = await sandbox.started(enclave(sandbox.pal("v2"), "", sleep));
  const words = sandbox.argv("exec", "-t", id, "p", "exec-print", "exec-status=4").join(" ");
  const shown = await command(["script", "-qefc", words, "/dev/null"]);
  expect(shown.status).toBe(4);
  expect(shown.stdout).toContain("arg p\r\n");
  expect((await sandbox.call(["exec", "--user", "7", id, "p"])).stderr).toContain("1000:1000");
});

test("signals reach the payload; a signal to the stand-in of an exec reaches that program", async () => {
  await using sandbox = new EnclaveSandbox();
  const id = await sandbox.started(enclave(sandbox.pal("v2"), "trace", sleep));
  using child = sandbox.begin(["exec", id, "p", sleep]);
  await Bun.sleep(300);
  child.kill("SIGTERM");
  expect(await child.exited()).toBe(143);
  expect((await sandbox.state(id)).status).toBe("running");
  await sandbox.must(["kill", id, "TERM"]);
  await sandbox.reaches(id, "stopped");
});

for (const variant of ["v1", "v2-no-pal_kill"]) {
  test(`${variant}: a fatal signal ends the container with 128+n, after pal_destroy`, async () => {
    await using sandbox = new EnclaveSandbox();
    const id = sandbox.id();
    sandbox.configure(enclave(sandbox.pal(variant), "trace", sleep));
    using child = sandbox.begin(["run", id]);
    await sandbox.reaches(id, "running");
    await Bun.sleep(300);
    child.kill("SIGTERM");
    expect(await child.exited()).toBe(143);
    expect(child.stderr()).toContain("pal destroy");
    await sandbox.expectNothingLeft();
  });
}

test("wait-style exit values, signals and nonsense", async () => {
  expect((await run("v2", "status=wait", ["exec-status=9"])).status).toBe(9);
  expect((await run("v2", "", ["exec-signal=9"])).status).toBe(137);
  expect((await run("v2", "", ["exec-value=-5"])).status).toBe(1);
});

const misbehaving: readonly (readonly [variant: string, palArgs: string, message: RegExp])[] = [
  ["v2", "init-return=-22", /pal_init .*invalid argument/],
  ["v2", "init-crash", /ended while it loaded or initialised the PAL/],
  ["v2", "init-abort", /ended while it loaded or initialised the PAL/],
  ["v2", "init-exit=3", /ended while it loaded or initialised the PAL/],
  ["v1-no-pal_init", "", /`pal_init` not found/],
  ["v1-no-pal_exec", "", /`pal_exec` not found/],
  ["v2-no-pal_create_process", "", /`pal_create_process` not found/],
  ["v3-no-pal_get_local_report", "", /`pal_get_local_report` not found/],
  ["v2-constructor-thread", "", /constructors started a thread/],
  ["v2-constructor-child", "", /constructors left a child/],
];

for (const [variant, palArgs, message] of misbehaving) {
  test(`the misbehaving PAL ${variant} ${palArgs}: one clear error, nothing left`, async () => {
    const { status, stderr } = await run(variant, palArgs);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr.match(/level=error/g)).toHaveLength(1);
  });
}

test("an unknown version is refused", async () => {
  const { status, stderr } = await run("v2", "", [], moreEnvironment("TESTING_PAL_VERSION=99"));
  expect(status).toBe(1);
  expect(stderr).toContain("99");
});

test("a PAL that hangs in pal_init is killed when the node's time is up", async () => {
  await using sandbox = new EnclaveSandbox({ settings: "pal_init_timeout = 1\n" });
  sandbox.configure(enclave(sandbox.pal("v2"), "init-hang"));
  const { status, stderr } = await sandbox.call(["create", sandbox.id()]);
  expect(status).toBe(1);
  expect(stderr).toContain("pal_init has not come back within 1 s");
  await sandbox.expectNothingLeft();
});

needs(enclaveObstacle ?? missingProfile)(
  "under docker's seccomp profile a hostile payload gets nothing of process 1",
  async () => {
    const seccomp = dockerProfile();
    const { status, stdout } = await run("v2", "", ["probe", "exec-status=5"], {
      linux: { seccomp },
    });
    expect(status).toBe(5);
    expect(stdout).toContain("denied");
    expect(stdout).not.toContain("SUCCEEDED");
  },
);

test("no descriptor of the host is open when the PAL's code runs", async () => {
  const { stdout } = await run("v2", "", ["exec-fds"]);
  const open = stdout.match(/fd \d+/g) ?? [];
  expect(open.slice(0, 3)).toEqual(["fd 0", "fd 1", "fd 2"]);
  expect(open).toHaveLength(4); // the last is the testing PAL's own pipe to its payload
});

test("startContainer hooks run, with the state on standard input", async () => {
  await using sandbox = new EnclaveSandbox();
  const { rootfs, path } = sandbox.bundle;
  mkdirSync(join(rootfs, "hook"));
  copyFileSync(busybox, join(rootfs, "hook/busybox"));
  const id = sandbox.id();
  sandbox.configure(enclave(sandbox.pal("v2"), "", "exec-status=0"), {
    root: { readonly: false },
    process: { user: { uid: 0, gid: 0 } },
    hooks: {
      startContainer: [{ path: "/hook/busybox", args: ["sh", "-c", "cat > /hook/state"] }],
    },
  });
  expect(await sandbox.call(["run", id])).toMatchObject({ status: 0, stderr: "" });
  const state = JSON.parse(readFileSync(join(rootfs, "hook/state"), "utf8"));
  expect(state).toMatchObject({ id, bundle: path });
});

test("secrets are stored nowhere", async () => {
  await using sandbox = new EnclaveSandbox();
  const [spid, key] = ["a1".repeat(16), "b2".repeat(16)];
  const id = await sandbox.started(
    enclave(sandbox.pal("v2"), "", sleep),
    // Without a type: tests/attest/rune-attest.test.ts has the container that uses them.
    moreEnvironment(`ENCLAVE_RA_EPID_SPID=${spid}`),
    { annotations: { "enclave.attestation.ra_epid_subscription_key": key } },
  );
  const directory = join(sandbox.stateRoot, id);
  const files = readdirSync(directory).filter((name) => name.endsWith(".json"));
  expect(files).toContain("process.json");
  const stored = readFileSync(join(directory, "state.json"), "utf8");
  const { stdout: shown } = await sandbox.must(["state", id]);
  for (const text of [shown, ...files.map((name) => readFileSync(join(directory, name), "utf8"))]) {
    expect(text).not.toMatch(new RegExp(`${spid}|${key}`));
  }
  expect(JSON.parse(stored).enclave_config.Enclave).toMatchObject({
    type: "intelSgx",
    ra_epid_secrets_given: true,
  });
  const { stdout } = await sandbox.must(["exec", id, "p", "exec-print"]);
  expect(stdout).not.toContain(spid);
});

needs(enclaveObstacle ?? (existsSync("/dev/sgx_enclave") ? "the machine has SGX" : undefined))(
  // covers: --config
  "without SGX, and without that word, create says what to write",
  async () => {
    await using sandbox = new EnclaveSandbox({ host: "bare" });
    sandbox.configure(enclave(sandbox.pal("v2"), ""));
    const { status, stderr } = await sandbox.call(["create", sandbox.id()]);
    expect(status).toBe(1);
    expect(stderr).toContain("ENCLAVE_PLATFORM=simulation");
  },
);

test("with SGX, the simulated platform is refused", async () => {
  await using sandbox = new EnclaveSandbox();
  sandbox.configure(enclave(sandbox.pal("v2"), ""), {
    annotations: { "enclave.platform": "simulation" },
  });
  const { status, stderr } = await sandbox.call(["create", sandbox.id()]);
  expect(status).toBe(1);
  expect(stderr).toContain("SIMULATION_REFUSED");
});

test("a PAL finds a library beside itself through $ORIGIN", async () => {
  await using sandbox = new EnclaveSandbox();
  const compile = (source: string, output: string, ...flags: string[]) => {
    const file = join(sandbox.path, `${output}.c`);
    writeFileSync(file, source);
    const words = ["gcc", "-shared", "-fPIC", "-o", join(sandbox.pals, output), file, ...flags];
    const { exitCode, stderr } = Bun.spawnSync(words);
    if (exitCode !== 0) throw new Error(stderr.toString());
  };
  compile("int beside(void) { return 0; }", "libbeside.so");
  const pal = `int beside(void);
    struct args;
    int pal_init(const void *attr) { return beside(); }
    int pal_exec(const void *path, const void *argv, const void *stdio, int *status)
    { *status = 5; return 0; }
    int pal_destroy(void) { return 0; }`;
  compile(pal, "libpal-origin.so", `-L${sandbox.pals}`, "-lbeside", "-Wl,-rpath,$ORIGIN");
  sandbox.configure(enclave(join(sandbox.pals, "libpal-origin.so"), ""));
  const { status, stderr } = await sandbox.call(["run", sandbox.id()]);
  expect({ status, stderr }).toEqual({ status: 5, stderr: "" });
});
