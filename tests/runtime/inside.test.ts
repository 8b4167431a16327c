// SPDX-License-Identifier: Apache-2.0
/** What a container looks like from inside, next to runc on the same bundle. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freshId, isRune, type Json, missing, Sandbox, sh } from "../support/runtime.ts";

const reason = missing();
const runc = Bun.which("runc");

describe.skipIf(reason !== undefined)(`inside a container${reason ? ` (${reason})` : ""}`, () => {
  /** The same program under the runtime and under runc. */
  function both(args: string[], edit?: (config: Json) => void): [string, string] {
    using sandbox = new Sandbox();
    const bundle = sandbox.bundle(args, edit);
    const ours = sandbox.run("run", "--bundle", bundle, freshId());
    expect(ours.stderr).toBe("");
    const theirs = sh([
      "runc",
      "--root",
      join(sandbox.path, "runc"),
      "run",
      "--bundle",
      bundle,
      freshId(),
    ]);
    expect(theirs.stderr).toBe("");
    expect(sandbox.left()).toEqual([]);
    return [ours.stdout, theirs.stdout];
  }

  const comparable = isRune && runc !== null;
  const why = comparable ? "" : " (needs rune beside runc)";

  test.skipIf(!comparable)(`/proc/self/status is runc's${why}`, () => {
    const volatile = /^(Vm|Rss|voluntary|nonvoluntary|SigQ|Cpus|Mems|Speculation|untag|Hugetlb)/;
    const lines = (text: string) => text.split("\n").filter((line) => !volatile.test(line));
    for (const noNewPrivileges of [true, false]) {
      const [ours, theirs] = both(["/bin/cat", "/proc/self/status"], (config) => {
        config.process.noNewPrivileges = noNewPrivileges;
      });
      expect(lines(ours)).toEqual(lines(theirs));
    }
  });

  test.skipIf(!comparable)(`limits and cgroups are runc's${why}`, () => {
    const [ours, theirs] = both(["/bin/cat", "/proc/self/limits"]);
    expect(ours).toBe(theirs);
    const [cgroups, theirCgroups] = both(["/bin/cat", "/proc/self/cgroup"]);
    const anonymous = (text: string) => text.replace(/t[0-9]+-[0-9]+/g, "ID");
    expect(anonymous(cgroups)).toBe(anonymous(theirCgroups));
  });

  test.skipIf(!comparable)(`mounts are runc's${why}`, () => {
    /** Target, flags and type; masks and the order within one directory are our own. */
    const mounts = (text: string) =>
      text
        .split("\n")
        .filter(Boolean)
        .map((line) => line.split(" "))
        .filter(([, , , , target]) => target !== "/sys/fs/cgroup")
        .map(
          (f) =>
            `${f[4]} ${f[5]} ${f[f.indexOf("-") + 1]} ${f[3]?.replace(/t[0-9]+-[0-9]+/, "ID")}`,
        )
        .sort();
    const [ours, theirs] = both(["/bin/cat", "/proc/self/mountinfo"]);
    expect(mounts(ours)).toEqual(mounts(theirs));
  });

  test("identity: ids, groups, umask and capabilities in all five sets", () => {
    using sandbox = new Sandbox();
    const set = ["CAP_KILL", "CAP_NET_RAW"];
    const text = sandbox.output("id; umask; grep Cap /proc/self/status", (config) => {
      config.process.user = { uid: 1000, gid: 100, additionalGids: [7, 8], umask: 0o27 };
      config.process.capabilities = {
        bounding: set,
        effective: set,
        permitted: set,
        inheritable: set,
        ambient: set,
      };
    });
    expect(text).toContain("uid=1000 gid=100 groups=7,8");
    expect(text).toContain("0027");
    for (const name of ["Inh", "Prm", "Eff", "Bnd", "Amb"]) {
      expect(text).toContain(`Cap${name}:\t0000000000002020`);
    }
  });

  test("namespaces are new ones", () => {
    using sandbox = new Sandbox();
    const list = "pid net ipc uts mnt".split(" ");
    const inside = sandbox.output(
      list.map((name) => `readlink /proc/self/ns/${name}`).join("; "),
      (c) => {
        c.process.args[2] = c.process.args[2].replaceAll("readlink", "/bin/busybox readlink");
      },
    );
    const host = list.map((name) => sh(["readlink", `/proc/self/ns/${name}`]).stdout.trim());
    for (const link of inside.trim().split("\n")) expect(host).not.toContain(link);
  });

  test("no descriptor and no variable of the host", () => {
    using sandbox = new Sandbox();
    const bundle = sandbox.bundle(["/bin/sh", "-c", "env; ls /proc/self/fd"]);
    writeFileSync(join(bundle, ".env"), "FROM_DOTENV=1\n");
    writeFileSync(join(bundle, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
    writeFileSync(join(bundle, "evil.ts"), 'console.log("EVIL");\n');
    const run = sandbox.command("run", "--bundle", bundle, freshId()).map((word) => `'${word}'`);
    // Descriptors 3, 7 and 9 are open in the caller.
    const { stdout, status } = sh(
      ["sh", "-c", `exec 3</etc/passwd 7</dev/null 9</; exec ${run.join(" ")}`],
      {
        cwd: bundle,
        env: {
          PATH: process.env["PATH"] ?? "",
          SECRET: "x",
          BUN_OPTIONS: "--preload=./evil.ts",
          BUN_BE_BUN: "1",
        },
      },
    );
    expect(status).toBe(0);
    expect(stdout).not.toMatch(/SECRET|EVIL|DOTENV|BUN_|INCLAVARE/);
    expect(stdout.split("\n").filter((line) => /^[0-9]+$/.test(line))).toEqual([
      "0",
      "1",
      "2",
      "3",
    ]); // 3: ls's own
  });

  test("signal dispositions and mask are the defaults", () => {
    using sandbox = new Sandbox();
    const bundle = sandbox.bundle(["/bin/grep", "^Sig[BI]", "/proc/self/status"]);
    const run = sandbox.command("run", "--bundle", bundle, freshId()).map((word) => `'${word}'`);
    const { stdout } = sh(["sh", "-c", `trap '' HUP PIPE USR1 XFSZ; exec ${run.join(" ")}`]);
    expect(stdout).toBe("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  });

  test("HOME comes from the container's passwd where the configuration has none", () => {
    using sandbox = new Sandbox();
    const home = (edit: (config: Json) => void, passwd?: string) => {
      const bundle = sandbox.bundle(["/bin/sh", "-c", "echo $HOME"], edit);
      if (passwd !== undefined) writeFileSync(join(bundle, "rootfs/etc/passwd"), passwd);
      return sandbox.run("run", "--bundle", bundle, freshId()).stdout.trim();
    };
    expect(home(() => {})).toBe("/");
    // runc gives up at a line that is none.
    const broken = isRune ? "broken\n" : "";
    expect(home(() => {}, `${broken}root:x:0:0:root:/root:/bin/sh\n`)).toBe("/root");
    expect(home((c) => c.process.env.push("HOME=/given"), "root:x:0:0::/root:/bin/sh\n")).toBe(
      "/given",
    );
  });

  test("paths: read-only root, masked and read-only ones, missing ones are fine", () => {
    using sandbox = new Sandbox();
    const bundle = sandbox.bundle(
      [
        "/bin/sh",
        "-c",
        "echo x > /a 2>&1 || echo ro; cat /secret; ls /private; echo y > /tmp/locked/f || echo locked",
      ],
      (config) => {
        config.linux.maskedPaths = ["/secret", "/private", "/not/there"];
        config.linux.readonlyPaths = ["/tmp/locked", "/neither"];
        config.mounts.push({
          destination: "/tmp",
          type: "bind",
          source: "tmp",
          options: ["rbind", "rw"],
        });
      },
    );
    mkdirSync(join(bundle, "rootfs/private"));
    mkdirSync(join(bundle, "tmp/locked"), { recursive: true });
    writeFileSync(join(bundle, "rootfs/private/key"), "k");
    writeFileSync(join(bundle, "rootfs/secret"), "s");
    const { stdout, status } = sandbox.run("run", "--bundle", bundle, freshId());
    expect(status).toBe(0);
    expect(stdout.trim().split("\n").at(-1)).toBe("locked");
    expect(stdout).not.toContain("key");
    expect(stdout).toContain("ro");
  });

  test("links of the image cannot lead a mount out of the root", () => {
    using sandbox = new Sandbox();
    const target = join(sandbox.path, "outside");
    mkdirSync(target);
    const bundle = sandbox.bundle(["/bin/sh", "-c", "mount | grep -c ' /deep/er '"], (config) => {
      config.root.readonly = false;
      config.mounts.push({ destination: "/out/mnt", type: "tmpfs", source: "t" });
      config.mounts.push({ destination: "/deep/er", type: "tmpfs", source: "t" });
    });
    symlinkSync(`../../../../../../../..${target}`, join(bundle, "rootfs/out"));
    const { status, stdout } = sandbox.run("run", "--bundle", bundle, freshId());
    expect({ status, stdout }).toEqual({ status: 0, stdout: "1\n" });
    expect(sh(["ls", "-A", target]).stdout).toBe("");
    expect(sandbox.left()).toEqual([]);
  });

  test("devices: the default ones, links, and further ones", () => {
    using sandbox = new Sandbox();
    const text = sandbox.output(
      "for d in null zero full random urandom tty mine; do stat -c '%n %t:%T %a %u' /dev/$d; done; ls -l /dev/fd /dev/ptmx",
      (config) => {
        config.linux.devices = [
          { type: "c", path: "/dev/mine", major: 1, minor: 3, fileMode: 0o640, uid: 5, gid: 6 },
        ];
      },
    );
    for (const line of [
      "null 1:3 666 0",
      "zero 1:5 666",
      "full 1:7",
      "random 1:8",
      "tty 5:0",
      "mine 1:3 640 5",
    ]) {
      expect(text).toContain(`/dev/${line}`);
    }
    expect(text).toContain("/dev/fd -> /proc/self/fd");
  });

  test("bind mounts: files, directories, read-only, and nothing flows back to the host", () => {
    using sandbox = new Sandbox();
    const data = join(sandbox.path, "data");
    mkdirSync(data);
    writeFileSync(join(data, "f"), "content");
    const text = sandbox.output(
      "cat /one /d/f; echo x > /d/g && echo wrote; echo x > /ro/h || echo refused",
      (config) => {
        config.root.readonly = false;
        config.mounts.push({
          destination: "/one",
          type: "bind",
          source: join(data, "f"),
          options: ["bind", "ro"],
        });
        config.mounts.push({ destination: "/d", type: "bind", source: data, options: ["rbind"] });
        config.mounts.push({
          destination: "/ro",
          type: "bind",
          source: data,
          options: ["rbind", "ro"],
        });
      },
    );
    expect(text).toBe("contentcontentwrote\nrefused\n");
    expect(sh(["ls", data]).stdout).toBe("f\ng\n");
    expect(sandbox.left()).toEqual([]);
  });

  test("a user namespace with mappings", () => {
    using sandbox = new Sandbox();
    const bundle = sandbox.bundle(
      ["/bin/sh", "-c", "id -u; cat /proc/self/uid_map; ls -ln /dev/null"],
      (config) => {
        config.linux.namespaces.push({ type: "user" });
        config.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
        config.linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
      },
    );
    sh(["chown", "-R", "100000:100000", join(bundle, "rootfs")]);
    sh(["chmod", "755", sandbox.path, bundle]);
    const { status, stdout, stderr } = sandbox.run("run", "--bundle", bundle, freshId());
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^0\n\s+0\s+100000\s+65536\n/);
    expect(sandbox.left()).toEqual([]);
  });

  test("hostname, sysctl, rlimits, oom score, cwd", () => {
    using sandbox = new Sandbox();
    const text = sandbox.output(
      "hostname; cat /proc/sys/net/ipv4/ip_default_ttl; ulimit -n; cat /proc/self/oom_score_adj; pwd",
      (config) => {
        config.process.args[2] = config.process.args[2].replace(
          "hostname",
          "cat /proc/sys/kernel/hostname",
        );
        config.hostname = "chosen";
        config.linux.sysctl = { "net.ipv4.ip_default_ttl": "77" };
        config.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 100, hard: 200 }];
        config.process.oomScoreAdj = 123;
        config.process.cwd = "/tmp";
      },
    );
    expect(text).toBe("chosen\n77\n100\n123\n/tmp\n");
  });
});
