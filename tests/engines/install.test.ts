// SPDX-License-Identifier: Apache-2.0
/**
 * dockerd, containerd and podman with what `rune install` has written into their own files in /etc, each
 * running a container through it. containerd's CRI plugin has no client here: that it has taken the
 * handler is seen in its own dump, and the container is run by ctr with the handler's shim.
 */
import { expect } from "bun:test";
import { addressOf, Containerd, ctrImage } from "../support/engines/containerd.ts";
import { Docker, image } from "../support/engines/docker.ts";
import type { EngineHost } from "../support/engines/host.ts";
import { Podman, podmanImage } from "../support/engines/podman.ts";
import { dockerObstacle, engineObstacle } from "../support/engines/shared.ts";
import { needs, runtimeName, type Test } from "../support/runtime.ts";

const notRune = runtimeName === "rune" ? undefined : `${runtimeName} has no install`;
const dockerTest: Test = needs(dockerObstacle ?? notRune);
const containerdTest: Test = needs(engineObstacle("containerd", "ctr", "ip") ?? notRune);
const podmanTest: Test = needs(engineObstacle("podman", "conmon", "ip") ?? notRune);

const rune = "/usr/bin/rune";

function read(host: EngineHost, path: string): Promise<string> {
  return host.must(["cat", path]);
}

/** Its exit status too: that the doctor is content. */
function doctor(host: EngineHost, topic: string): Promise<string> {
  return host.must(["env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", rune, "doctor", topic]);
}

// covers: install --docker
dockerTest(
  "dockerd starts with what was added, runs a container, and takes a change on SIGHUP",
  async () => {
    await using docker = await Docker.start();
    const { host } = docker;
    const path = "/etc/docker/daemon.json";
    const before = '{\n  "log-level": "warn",\n  "max-concurrent-downloads": 2\n}\n';
    await docker.stopDaemon("SIGTERM");
    await host.write(path, before);
    const said = await host.must([rune, "install", "--docker", "--binary", rune]);
    expect(said).toContain(`"path": "${rune}"`);
    expect(await doctor(host, "docker")).toContain("2 ok");
    await docker.startDaemon();
    expect(
      await docker.must([
        "run",
        "--rm",
        "--runtime",
        "rune",
        "--network=none",
        image,
        "echo",
        "hello",
      ]),
    ).toBe("hello");

    await host.must(["ln", "-s", rune, "/usr/bin/rune-again"]);
    const again = await host.must([rune, "install", "--docker", "--binary", "/usr/bin/rune-again"]);
    const reload = /^now: (.*)$/m.exec(again)?.[1] ?? "";
    // The page's command, with the test's own pid file.
    await host.must(["sh", "-c", reload.replace("/var/run/docker.pid", `${host.path}/pid`)]);
    let known = "";
    for (let tries = 0; known !== "/usr/bin/rune-again" && tries < 200; tries++) {
      known = await docker.must(["info", "--format", '{{(index .Runtimes "rune").Path}}']);
      await Bun.sleep(50);
    }
    expect(known).toBe("/usr/bin/rune-again");
    await host.must([rune, "uninstall", "--docker"]);
    expect(await read(host, path)).toBe(before);
  },
);

/** As `startContainerd` writes it, with the CRI plugin and in another version of the file. */
function configuration(host: EngineHost, version: 1 | 2): string {
  const path = `${host.path}/containerd`;
  const plugin = version === 1 ? "cri" : '"io.containerd.grpc.v1.cri"';
  const head = version === 1 ? "" : "version = 2\n";
  return `${head}root = "${path}/root"\nstate = "${path}/state" # ours\n[grpc]\n  address = "${addressOf(host)}"\n[plugins]\n  [plugins.${plugin}]\n    sandbox_image = "none"\n`;
}

// covers: install --containerd
containerdTest(
  "containerd 1.6 takes what was added to a file of version 1 and of version 2",
  async () => {
    await using containerd = await Containerd.start(["--runtime", "io.containerd.rune.v2"]);
    const { host } = containerd;
    const path = "/etc/containerd/config.toml";
    for (const version of [1, 2] as const) {
      const before = configuration(host, version);
      await host.write(path, before);
      await host.must([rune, "install", "--containerd"]);
      const dump = await host.must(["containerd", "--config", path, "config", "dump"]);
      const tables = dump.split(/^\s*\[/m);
      const table = tables.find((text) =>
        text.startsWith('plugins."io.containerd.grpc.v1.cri".containerd.runtimes.rune]'),
      );
      expect(table).toContain('runtime_type = "io.containerd.rune.v2"');
      expect(dump).toContain('sandbox_image = "none"');
      expect(await doctor(host, "kubernetes")).toContain("ok       handler");
      expect(await doctor(host, "containerd")).toContain("3 ok");
      await host.must([rune, "uninstall", "--containerd"]);
      expect(await read(host, path)).toBe(before);
    }
    await host.must([rune, "install", "--containerd"]);
    await containerd.stopDaemon("SIGTERM");
    await containerd.startDaemon(path);
    const id = containerd.id();
    expect(
      await containerd.must(
        "run",
        "--rm",
        "--runtime",
        "io.containerd.rune.v2",
        ctrImage,
        id,
        "echo",
        "hello",
      ),
    ).toBe("hello");
  },
);

// covers: install --podman
podmanTest("podman knows the name, and runs a container by it", async () => {
  await using podman = await Podman.start();
  const { host } = podman;
  const run = () =>
    host.call(
      [
        ...[
          "podman",
          "--runtime",
          "rune",
          "--cgroup-manager",
          "cgroupfs",
          "--events-backend",
          "file",
        ],
        ...["run", "--rm", "--network=none", "--cgroup-parent", `/${host.mark}`],
        ...["--ulimit", "nofile=16384:16384", "--ulimit", "nproc=8192:8192"],
        ...[podmanImage, "echo", "hello"],
      ],
      { env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: host.path } },
    );
  expect((await run()).stderr).toContain('"rune" not found');
  await host.must([rune, "install", "--podman"]);
  expect(await doctor(host, "podman")).toContain("2 ok");
  expect(await run()).toMatchObject({ status: 0, stdout: "hello\n" });
  await host.must([rune, "uninstall", "--podman"]);
  expect((await run()).status).not.toBe(0);
});
