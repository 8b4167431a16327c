// SPDX-License-Identifier: Apache-2.0
/** Volumes, bind mounts and their propagation, tmpfs, read-only roots, and the bridge with its ports. */
import { expect } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/command.ts";
import { Docker } from "../support/engines/docker.ts";
import { dockerObstacle, shared } from "../support/engines/shared.ts";
import { needs } from "../support/runtime.ts";

const test = needs(dockerObstacle);
const engine = shared(() => Docker.start());

function folder(docker: Docker, name: string): string {
  const path = join(docker.host.path, name);
  mkdirSync(path);
  return path;
}

test("bind mounts, writable and not; a volume that keeps what one container wrote for the next", async () => {
  const docker = await engine();
  const source = folder(docker, "source");
  writeFileSync(join(source, "given"), "given\n");
  const flags = ["-v", `${source}:/writable`, "-v", `${source}:/fixed:ro`, "-v", "kept:/kept"];
  const script = `cat /fixed/given; echo made > /writable/made; echo kept > /kept/file
    echo x > /fixed/no || echo refused`;
  expect(await docker.run(flags, script)).toBe("given\nrefused");
  expect(readFileSync(join(source, "made"), "utf8")).toBe("made\n");
  const mount = `type=bind,source=${join(source, "given")},target=/etc/one-file,readonly`;
  const next = ["--mount", mount, "-v", "kept:/again:ro"];
  expect(await docker.run(next, "cat /again/file /etc/one-file")).toBe("kept\ngiven");
  await docker.must(["volume", "rm", "kept"]);
});

test("--tmpfs with its options, --shm-size, and --read-only with one place to write", async () => {
  const docker = await engine();
  const flags = ["--read-only", "--tmpfs", "/scratch:size=1m,mode=700,exec", "--shm-size", "2m"];
  const script = `
    grep -E ' (/scratch|/dev/shm) ' /proc/mounts
    echo x > /scratch/file && echo written
    touch /root/file 2>&1 || echo refused`;
  const said = (await docker.run(flags, script)).split("\n");
  expect(said.slice(-3)).toEqual([
    ...["written", "touch: /root/file: Read-only file system", "refused"],
  ]);
  const options = (path: string) =>
    said
      .find((line) => line.includes(` ${path} `))
      ?.split(" ")[3]
      ?.split(",");
  expect(options("/scratch")).toEqual(
    expect.arrayContaining(["rw", "nosuid", "nodev", "size=1024k", "mode=700"]),
  );
  expect(options("/scratch")).not.toContain("noexec");
  expect(options("/dev/shm")).toEqual(expect.arrayContaining(["nosuid", "nodev", "size=2048k"]));
});

test("propagation: private, slave and shared, before and after the start", async () => {
  const docker = await engine();
  const source = folder(docker, "propagating");
  const names = ["private", "rslave", "rshared"];
  const flags = names.flatMap((name) => ["-v", `${source}:/${name}:${name}`]);
  for (const name of ["from-host", "from-inside"]) mkdirSync(join(source, name));
  const script = "mount -t tmpfs inside /rshared/from-inside && exec sleep 1000";
  const open = ["--cap-add", "SYS_ADMIN", "--security-opt", "apparmor=unconfined"];
  const id = await docker.background([...open, ...flags], script);
  const hostSees = async () =>
    (await docker.host.mountPoints()).includes(join(source, "from-inside"));
  await eventually("the host sees what the container mounts", hostSees);
  await docker.host.must(["mount", "-t", "tmpfs", "outside", join(source, "from-host")]);
  const seen = await docker.inContainer(
    id,
    "grep -E '^(in|out)side' /proc/mounts | cut -d ' ' -f 1,2 | sort",
  );
  expect(seen.split("\n")).toEqual([
    "inside /rshared/from-inside",
    "inside /rslave/from-inside",
    "outside /rshared/from-host",
    "outside /rslave/from-host",
  ]);
  await docker.must(["rm", "--force", id]);
  for (const name of ["from-host", "from-inside"])
    await docker.host.must(["umount", join(source, name)]);
});

test("the bridge: a published port, names on a network of one's own, none", async () => {
  const docker = await engine();
  await docker.must(["network", "create", "inner"]);
  const serve = "echo served > /tmp/index.html; exec httpd -f -p 80 -h /tmp";
  const flags = ["--network=inner", "--name", "server", "-p", "127.0.0.1:8080:80"];
  const id = await docker.background(flags, serve);
  const fetched = () =>
    docker.host.call(["/bin/busybox", "wget", "-qO-", "http://127.0.0.1:8080/"]);
  await eventually("the port answers", async () => (await fetched()).stdout === "served\n");
  const byName = "wget -qO- http://server/; ip -o link | cut -d : -f 2 | cut -d @ -f 1";
  expect(await docker.run(["--network=inner"], byName)).toBe("served\n lo\n eth0");
  expect(await docker.must(["port", id, "80"])).toBe("127.0.0.1:8080");
  expect(await docker.run(["--network=none"], "ip -o link | wc -l")).toBe("1");
  await docker.must(["rm", "--force", id]);
  await docker.must(["network", "rm", "inner"]);
  expect((await fetched()).status).not.toBe(0);
});

test("docker cp reaches a running and a stopped container", async () => {
  const docker = await engine();
  const id = await docker.background(["--tmpfs", "/scratch"]);
  const file = join(docker.host.path, "copied");
  writeFileSync(file, "copied\n");
  await docker.must(["cp", file, `${id}:/root/copied`]);
  expect(await docker.inContainer(id, "cat /root/copied")).toBe("copied");
  await docker.must(["kill", id]);
  await docker.must(["cp", `${id}:/root/copied`, `${file}-back`]);
  expect(readFileSync(`${file}-back`, "utf8")).toBe("copied\n");
  expect(await docker.must(["diff", id])).toContain("A /root/copied");
});
