// SPDX-License-Identifier: Apache-2.0
/** The life of enclave containers, with every version of the PAL API. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EnclaveSandbox, missing } from "../support/enclave.ts";
import { eventually, freshId, type Json, sh } from "../support/scratch.ts";
import { dockerProfile, missingProfile } from "../support/seccomp-profile.ts";

const reason = missing();
const versions = ["v1", "v2", "v3"];

describe.skipIf(reason !== undefined)(`enclave containers${reason ? ` (${reason})` : ""}`, () => {
  const status = (sandbox: EnclaveSandbox, id: string) =>
    JSON.parse(sandbox.enclave("state", id).stdout).status;

  /** Runs a PAL's payload in the foreground. */
  function run(variant: string, palArgs: string, argv: string[] = [], edit?: (c: Json) => void) {
    using sandbox = new EnclaveSandbox();
    const bundle = sandbox.enclaveBundle(variant, palArgs, argv, edit);
    const result = sandbox.enclave("run", "--bundle", bundle, freshId());
    expect(sandbox.left()).toEqual([]);
    return result;
  }

  for (const version of versions) {
    test(`${version}: init, exec, destroy; exact exit codes; argv, environment and identity`, () => {
      const { status, stdout, stderr } = run(
        version,
        "trace",
        ["exec-print", "exec-status=7"],
        (c) => {
          c.process.env.push("VISIBLE=yes", "ENCLAVE_RUNTIME_LOGLEVEL=debug");
        },
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
      using sandbox = new EnclaveSandbox();
      const id = freshId();
      const bundle = sandbox.enclaveBundle(version, "trace", ["exec-sleep=60000"]);
      const created = sandbox.enclave("create", "--bundle", bundle, id);
      expect(created.status).toBe(0);
      expect(created.stderr).toContain("pal init info");
      expect(JSON.parse(sandbox.enclave("state", id).stdout)).toMatchObject({
        status: "created",
        enclave: { type: "intelSgx", platform: "hardware" },
      });
      const early = sandbox.enclave("exec", id, "program");
      expect(early.status).toBe(255);
      expect(early.stderr).toContain("has not been started");
      expect(sandbox.enclave("start", id).status).toBe(0);
      expect(status(sandbox, id)).toBe("running");
      expect(sandbox.enclave("kill", id, "KILL").status).toBe(0);
      await eventually(() => status(sandbox, id) === "stopped", "stopped");
      expect(sandbox.enclave("delete", id).status).toBe(0);
      expect(sandbox.left()).toEqual([]);
    });
  }

  test("several programs at once, each with its own output and exit code", async () => {
    using sandbox = new EnclaveSandbox();
    const id = freshId();
    const bundle = sandbox.enclaveBundle("v2", "", ["exec-sleep=60000"]);
    expect(sandbox.enclave("run", "--detach", "--bundle", bundle, id).status).toBe(0);
    const ended = await Promise.all(
      Array.from({ length: 8 }, async (_, n) => {
        const words = sandbox.command(
          "exec",
          id,
          `p${n}`,
          "exec-print",
          "exec-sleep=200",
          `exec-status=${n}`,
        );
        const child = Bun.spawn(words, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
        return [await child.exited, (await child.stdout.text()).split("\n")[0]];
      }),
    );
    expect(ended).toEqual(Array.from({ length: 8 }, (_, n) => [n, `arg p${n}`]));
    const terminal = sandbox
      .command("exec", "-t", id, "p", "exec-print", "exec-status=4")
      .join(" ");
    const shown = sh(["script", "-qefc", terminal, "/dev/null"]);
    expect(shown.status).toBe(4);
    expect(shown.stdout).toContain("arg p\r\n");
    const other = sandbox.enclave("exec", "--user", "7", id, "p");
    expect(other.stderr).toContain("1000:1000");
    sandbox.enclave("delete", "--force", id);
    expect(sandbox.left()).toEqual([]);
  });

  test("signals reach the payload; a signal to the stand-in of an exec reaches that program", async () => {
    using sandbox = new EnclaveSandbox();
    const id = freshId();
    const bundle = sandbox.enclaveBundle("v2", "trace", ["exec-sleep=60000"]);
    expect(sandbox.enclave("run", "--detach", "--bundle", bundle, id).status).toBe(0);
    const words = sandbox.command("exec", id, "p", "exec-sleep=60000");
    const child = Bun.spawn(words, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
    await Bun.sleep(300);
    child.kill("SIGTERM");
    expect(await child.exited).toBe(143);
    expect(status(sandbox, id)).toBe("running");
    expect(sandbox.enclave("kill", id, "TERM").status).toBe(0);
    await eventually(() => status(sandbox, id) === "stopped", "stopped");
    sandbox.enclave("delete", id);
    expect(sandbox.left()).toEqual([]);
  });

  test("version 1, or no pal_kill: a fatal signal ends the container with 128+n, after pal_destroy", async () => {
    for (const variant of ["v1", "v2-no-pal_kill"]) {
      using sandbox = new EnclaveSandbox();
      const bundle = sandbox.enclaveBundle(variant, "trace", ["exec-sleep=60000"]);
      const script = join(import.meta.dir, "../support/with-sgx-node.sh");
      const words = sandbox.command(
        "--config",
        sandbox.config,
        "run",
        "--bundle",
        bundle,
        freshId(),
      );
      const child = Bun.spawn([script, ...words], {
        stdin: "ignore",
        stdout: "ignore",
        stderr: "pipe",
      });
      await Bun.sleep(700);
      child.kill("SIGTERM");
      expect(await child.exited).toBe(143);
      expect(await child.stderr.text()).toContain("pal destroy");
      expect(sandbox.left()).toEqual([]);
    }
  });

  test("wait-style exit values, signals and nonsense", () => {
    expect(run("v2", "status=wait", ["exec-status=9"]).status).toBe(9);
    expect(run("v2", "", ["exec-signal=9"]).status).toBe(137);
    expect(run("v2", "", ["exec-value=-5"]).status).toBe(1);
  });

  test("every misbehaving PAL gives one clear error and leaves nothing", () => {
    const cases: readonly [string, string, RegExp][] = [
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
    for (const [variant, args, message] of cases) {
      const { status, stderr } = run(variant, args);
      expect([variant, args, status]).toEqual([variant, args, 1]);
      expect(stderr).toMatch(message);
      expect(stderr.match(/level=error/g)).toHaveLength(1);
    }
  });

  test("an unknown version is refused", () => {
    const { status, stderr } = run("v2", "", [], (c) =>
      c.process.env.push("TESTING_PAL_VERSION=99"),
    );
    expect(status).toBe(1);
    expect(stderr).toContain("99");
  });

  test("a PAL that hangs in pal_init is killed when the node's time is up", () => {
    using sandbox = new EnclaveSandbox("pal_init_timeout = 1\n");
    const bundle = sandbox.enclaveBundle("v2", "init-hang", []);
    const { status, stderr } = sandbox.enclave("create", "--bundle", bundle, freshId());
    expect(status).toBe(1);
    expect(stderr).toContain("pal_init has not come back within 1 s");
    expect(sandbox.left()).toEqual([]);
  });

  test.skipIf(missingProfile !== undefined)(
    `under docker's seccomp profile a hostile payload gets nothing of process 1${missingProfile ? ` (${missingProfile})` : ""}`,
    () => {
      const { status, stdout } = run("v2", "", ["probe", "exec-status=5"], (config) => {
        config.linux.seccomp = dockerProfile();
      });
      expect(status).toBe(5);
      expect(stdout).toContain("denied");
      expect(stdout).not.toContain("SUCCEEDED");
    },
  );

  test("no descriptor of the host is open when the PAL's code runs", () => {
    const { stdout } = run("v2", "", ["exec-fds"]);
    const open = stdout.match(/fd \d+/g) ?? [];
    expect(open.slice(0, 3)).toEqual(["fd 0", "fd 1", "fd 2"]);
    expect(open).toHaveLength(4); // the last is the testing PAL's own pipe to its payload
  });

  test("startContainer hooks run, with the state on standard input", () => {
    using sandbox = new EnclaveSandbox();
    const bundle = sandbox.enclaveBundle("v2", "", ["exec-status=0"], (config) => {
      config.root.readonly = false;
      config.process.user = { uid: 0, gid: 0 };
      config.hooks = {
        startContainer: [{ path: "/hook/busybox", args: ["sh", "-c", "cat > /hook/state"] }],
      };
    });
    mkdirSync(join(bundle, "rootfs/hook"));
    sh(["cp", "/bin/busybox", join(bundle, "rootfs/hook/busybox")]);
    const id = freshId();
    expect(sandbox.enclave("run", "--bundle", bundle, id)).toMatchObject({ status: 0, stderr: "" });
    expect(JSON.parse(readFileSync(join(bundle, "rootfs/hook/state"), "utf8"))).toMatchObject({
      id,
      bundle,
    });
  });

  test("secrets are stored nowhere", () => {
    using sandbox = new EnclaveSandbox();
    const id = freshId();
    const [spid, key] = ["a1".repeat(16), "b2".repeat(16)];
    const bundle = sandbox.enclaveBundle("v2", "", ["exec-sleep=60000"], (config) => {
      config.process.env.push("ENCLAVE_RA_TYPE=epidLinkable", `ENCLAVE_RA_EPID_SPID=${spid}`);
      config.annotations["enclave.attestation.ra_epid_subscription_key"] = key;
    });
    expect(sandbox.enclave("run", "--detach", "--bundle", bundle, id).status).toBe(0);
    const stored = readFileSync(join(sandbox.root, id, "state.json"), "utf8");
    expect(stored + sandbox.enclave("state", id).stdout).not.toMatch(new RegExp(`${spid}|${key}`));
    expect(JSON.parse(stored).enclave_config.Enclave).toMatchObject({
      type: "intelSgx",
      ra_type: "epidLinkable",
    });
    const { stdout } = sandbox.enclave("exec", id, "p", "exec-print");
    expect(stdout).not.toContain(spid);
    sandbox.enclave("delete", "--force", id);
  });

  test("a PAL from anywhere but the node's directories is refused, before it is loaded", () => {
    using sandbox = new EnclaveSandbox();
    const refusal = (path: string) => {
      const bundle = sandbox.enclaveBundle("v2", "", [], (config) => {
        config.annotations["enclave.runtime.path"] = path;
      });
      const { status, stderr } = sandbox.enclave("run", "--bundle", bundle, freshId());
      expect(status).toBe(1);
      expect(stderr).toContain("PAL_PATH");
      return stderr;
    };
    const outside = join(sandbox.path, "evil.so");
    writeFileSync(outside, "not even a library");
    expect(refusal(outside)).toContain("none of the node's directories");
    expect(refusal(`/proc/1/root${sandbox.pal("v2")}`)).toBeTruthy();
    expect(refusal(`/proc/self/fd/0`)).toBeTruthy();
    expect(refusal(`/proc/self/root${sandbox.pal("v2")}`)).toContain("magic link");
    expect(refusal("relative.so")).toContain("absolute");
    expect(refusal(`${sandbox.pals}/../x.so`)).toContain("absolute");
    expect(refusal(`${sandbox.pals}/missing.so`)).toContain("no such file");
    symlinkSync(outside, join(sandbox.pals, "link.so"));
    expect(refusal(join(sandbox.pals, "link.so"))).toContain("none of the node's directories");
    sh(["chmod", "o+w", sandbox.pal("v1")]);
    expect(refusal(join(sandbox.pals, "libpal-testing-v1.so"))).toContain("written by others");
    sh(["chown", "1000", sandbox.pal("v3")]);
    expect(refusal(join(sandbox.pals, "libpal-testing-v3.so"))).toContain("uid 1000");
    sh(["chmod", "1777", sandbox.pals]);
    expect(refusal(join(sandbox.pals, "libpal-testing-v2.so"))).toContain("written by others");
    expect(sandbox.left()).toEqual([]);
  });

  test.skipIf(existsSync("/dev/sgx_enclave"))(
    "without SGX, and without that word, create says what to write",
    () => {
      using sandbox = new EnclaveSandbox();
      const bundle = sandbox.enclaveBundle("v2", "", []);
      const { status, stderr } = sandbox.run("create", "--bundle", bundle, freshId());
      expect(status).toBe(1);
      expect(stderr).toContain("ENCLAVE_PLATFORM=simulation");
      const refused = sandbox.enclave(
        "create",
        "--bundle",
        sandbox.enclaveBundle("v2", "", [], (c) => {
          c.annotations["enclave.platform"] = "simulation";
        }),
        freshId(),
      );
      expect(refused.stderr).toContain("SIMULATION_REFUSED");
      expect(sandbox.left()).toEqual([]);
    },
  );
});
