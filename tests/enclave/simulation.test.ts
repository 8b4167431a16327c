// SPDX-License-Identifier: Apache-2.0
/** Real enclaves in containers on the simulated platform: the whole path, nothing stood in for. */
import { describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EnclaveSandbox, missing as missingEnclave } from "../support/enclave.ts";
import { freshId, type Json, projectRoot, type Result, sh } from "../support/scratch.ts";
import { dockerProfile, missingProfile } from "../support/seccomp-profile.ts";

const dist = join(projectRoot, "dist/lib/inclavare");
const reason =
  missingEnclave() ??
  (existsSync(join(dist, "sgxsim")) ? undefined : "needs the simulator built") ??
  (existsSync("/dev/sgx_enclave") ? "the machine has SGX" : undefined);

class SimulationSandbox extends EnclaveSandbox {
  /** A bundle with the skeleton enclave; `change` edits its files. */
  skeleton(version: string, palArgs = "", edit?: (c: Json) => void): string {
    copyFileSync(join(dist, `liberpal-skeleton-${version}.so`), join(this.pals, "skeleton.so"));
    const bundle = this.enclaveBundle("v2", palArgs, [], (config) => {
      config.annotations["enclave.runtime.path"] = join(this.pals, "skeleton.so");
      edit?.(config);
    });
    for (const name of ["encl.bin", "encl.ss"])
      copyFileSync(join(dist, name), join(bundle, "rootfs", name));
    return bundle;
  }

  simulated(bundle: string, ...verb: string[]): Result {
    return this.run(
      "--config",
      this.config,
      ...verb,
      "--platform",
      "simulation",
      "--bundle",
      bundle,
      freshId(),
    );
  }
}

describe.skipIf(reason !== undefined)(
  `enclaves in containers${reason ? ` (${reason})` : ""}`,
  () => {
    const identity = (name: string) => {
      const { mrenclave, mrsigner } = JSON.parse(
        sh([join(projectRoot, "dist/bin/sgx-tools"), "inspect", "--json", join(dist, name)]).stdout,
      );
      return { mrenclave, mrsigner };
    };

    for (const version of ["v1", "v2", "v3"]) {
      test(`the skeleton ${version} launches the enclave it was signed as, as uid 1000 without capabilities`, () => {
        using sandbox = new SimulationSandbox();
        const { status, stdout, stderr } = sandbox.simulated(
          sandbox.skeleton(version, "debug"),
          "run",
        );
        expect({ status, stdout }).toEqual({ status: 0, stdout: "Hello Inclavare Containers!\n" });
        const { mrenclave, mrsigner } = identity("encl.ss");
        expect(stderr).toContain(`mrenclave ${mrenclave}`);
        expect(stderr).toContain(`mrsigner ${mrsigner}`);
        expect(stderr).toContain("nothing is protected");
        expect(stderr).toContain("Enclave runtime skeleton initialization succeeded");
        expect(sandbox.left()).toEqual([]);
      });
    }

    test.skipIf(missingProfile !== undefined)(
      `under docker's seccomp profile${missingProfile ? ` (${missingProfile})` : ""}`,
      () => {
        using sandbox = new SimulationSandbox();
        for (const noNewPrivileges of [true, false]) {
          const bundle = sandbox.skeleton("v2", "", (config) => {
            config.linux.seccomp = dockerProfile();
            config.process.noNewPrivileges = noNewPrivileges;
          });
          const { status, stdout, stderr } = sandbox.simulated(bundle, "run");
          expect({ status, stdout, stderr: stderr.replace(/^.*warning.*$/m, "") }).toMatchObject({
            status: 0,
            stdout: "Hello Inclavare Containers!\n",
          });
        }
        expect(sandbox.left()).toEqual([]);
      },
    );

    test("one changed byte is refused by the check that it fails", () => {
      for (const [file, offset, check] of [
        ["encl.bin", 0x1800, "SGX_INVALID_MEASUREMENT"],
        ["encl.ss", 600, "SGX_INVALID_SIGNATURE"],
        ["encl.ss", 0, "SGX_INVALID_SIG_STRUCT"],
      ] as const) {
        using sandbox = new SimulationSandbox();
        const bundle = sandbox.skeleton("v2");
        const path = join(bundle, "rootfs", file);
        const bytes = readFileSync(path);
        bytes[offset] = (bytes[offset] ?? 0) ^ 1;
        writeFileSync(path, bytes);
        const { status, stderr, stdout } = sandbox.simulated(bundle, "create");
        expect([file, status, stdout]).toEqual([file, 1, ""]);
        expect(stderr).toContain(check);
        expect(stderr.match(/level=error/g)).toHaveLength(1);
        expect(sandbox.left()).toEqual([]);
      }
    });

    test("create, exec, start, kill, delete of a running enclave", () => {
      using sandbox = new SimulationSandbox();
      const bundle = sandbox.skeleton("v3", "", (config) => {
        config.process.args = ["x", "wait_timeout", "60"];
      });
      const id = freshId();
      const create = sandbox.run(
        "--config",
        sandbox.config,
        "create",
        "--platform",
        "simulation",
        "--bundle",
        bundle,
        id,
      );
      expect(create.status).toBe(0);
      expect(JSON.parse(sandbox.run("state", id).stdout).enclave).toMatchObject({
        platform: "simulation",
        platformChosenBy: "--platform",
      });
      expect(sandbox.run("start", id).status).toBe(0);
      const exec = sandbox.run("exec", id, "y");
      expect(exec.status).toBe(0);
      expect(exec.stderr).toContain("initialization succeeded");
      expect(sandbox.run("delete", "--force", id).status).toBe(0);
      expect(sandbox.left()).toEqual([]);
    });

    test("a platform without a type: an ordinary container in which programs find one", () => {
      using sandbox = new SimulationSandbox();
      const bundle = sandbox.bundle(
        ["/bin/sh", "-c", "ls -l /dev/sgx_enclave; : < /dev/sgx_enclave && echo opened"],
        (config) => {
          config.annotations = { "enclave.platform": "simulation" };
        },
      );
      const { status, stdout } = sandbox.run("run", "--bundle", bundle, freshId());
      expect(status).toBe(0);
      expect(stdout).toMatch(/10, 125 .*\/dev\/sgx_enclave\nopened\n/);
      expect(sandbox.left()).toEqual([]);
    });

    test("the same in a user namespace, where no device node can be made", () => {
      using sandbox = new SimulationSandbox();
      const script = "cat /proc/self/uid_map; : < /dev/sgx_enclave && echo opened";
      const bundle = sandbox.bundle(["/bin/sh", "-c", script], (config) => {
        const mapping = [{ containerID: 0, hostID: 0, size: 65536 }];
        config.annotations = { "enclave.platform": "simulation" };
        config.linux.namespaces.push({ type: "user" });
        config.linux.uidMappings = mapping;
        config.linux.gidMappings = mapping;
      });
      const { status, stdout, stderr } = sandbox.run("run", "--bundle", bundle, freshId());
      expect({ status, stderr }).toEqual({
        status: 0,
        stderr: expect.stringContaining("nothing is protected"),
      });
      expect(stdout).toMatch(/^ +0 +0 +65536\nopened\n$/);
      expect(sandbox.left()).toEqual([]);
    });

    test("sgx-tools simulate runs any program, with its environment, signals and status", () => {
      const simulate = (script: string, env: Record<string, string> = {}) =>
        sh([join(projectRoot, "dist/bin/sgx-tools"), "simulate", "--", "/bin/sh", "-c", script], {
          env: { PATH: "/usr/bin:/bin", ...env },
        });
      expect(simulate("echo $MARK; exit 7", { MARK: "here" })).toMatchObject({
        status: 7,
        stdout: "here\n",
      });
      expect(simulate(": < /dev/sgx_enclave && stat -c %t:%T /dev/sgx_enclave").stdout).toBe(
        "a:7d\n",
      );
      expect(simulate("grep SigIgn /proc/self/status").stdout).toBe("SigIgn:\t0000000000000000\n");
    });
  },
);
