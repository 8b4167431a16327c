// SPDX-License-Identifier: Apache-2.0
/** Images made by dockerd with the runtime as its default, and containers that outlive the daemon. */
import { expect } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/command.ts";
import { Docker, image } from "../support/engines/docker.ts";
import { dockerObstacle, shared } from "../support/engines/shared.ts";
import { needs, runtimeName } from "../support/runtime.ts";

const test = needs(dockerObstacle);
const engine = shared(() => Docker.start(undefined, "--live-restore"));

test("docker info names the default runtime", async () => {
  const docker = await engine();
  expect(await docker.must(["info", "--format", "{{.DefaultRuntime}}"])).toBe(runtimeName);
});

test("docker build runs its steps in containers, as root and as a user", async () => {
  const docker = await engine();
  const folder = join(docker.host.path, "build");
  mkdirSync(folder);
  writeFileSync(join(folder, "given"), "given\n");
  const lines = [
    `FROM ${image}`,
    "ARG WORD=none",
    "COPY given /given",
    "RUN cat /given > /made && echo $WORD >> /made && chown user /made",
    "USER user",
    "WORKDIR /tmp",
    'RUN ["sh", "-c", "id -u >> /made; pwd >> /made"]',
    'ENTRYPOINT ["cat"]',
    'CMD ["/made"]',
  ];
  writeFileSync(join(folder, "Dockerfile"), `${lines.join("\n")}\n`);
  await docker.must(["build", "--build-arg", "WORD=said", "-t", "built", folder]);
  expect(await docker.must(["run", "--rm", "--network=none", "built"])).toBe(
    "given\nsaid\n1000\n/tmp",
  );

  writeFileSync(join(folder, "Dockerfile"), `FROM ${image}\nRUN exit 23\n`);
  const failed = await docker.call(["build", folder]);
  expect(failed).toMatchObject({
    status: 23,
    stderr: expect.stringContaining("returned a non-zero code: 23"),
  });
});

test("docker commit makes an image of what a container has changed", async () => {
  const docker = await engine();
  const id = await docker.background([], "echo kept > /kept; exec sleep 1000");
  await eventually("it is written", async () => {
    return (await docker.call(["exec", id, "cat", "/kept"])).stdout === "kept\n";
  });
  await docker.must(["commit", "--change", 'CMD ["cat", "/kept"]', id, "committed"]);
  expect(await docker.inContainer(id, "echo alive")).toBe("alive"); // commit has paused and resumed it
  expect(await docker.must(["run", "--rm", "--network=none", "committed"])).toBe("kept");
  await docker.must(["rm", "--force", id]);
});

test("--live-restore: a container outlives dockerd, also a killed one, and is found again", async () => {
  const docker = await engine();
  const script = "n=0; while read word; do n=$((n+1)); echo $n $word; done < /tmp/words";
  const id = await docker.background(
    [],
    `mkfifo /tmp/words; exec 9<>/tmp/words; ${script}; exit 6`,
  );
  const says = (text: string) =>
    eventually(`it says ${text}`, async () => (await docker.must(["logs", id])).endsWith(text));
  await eventually("it listens", async () => {
    return (await docker.call(["exec", id, "test", "-p", "/tmp/words"])).status === 0;
  });
  await docker.inContainer(id, "echo before > /tmp/words");
  await says("1 before");
  const pid = await docker.inspect(id, "{{.State.Pid}}");
  for (const [signal, text] of [
    ["SIGTERM", "2 stopped"],
    ["SIGKILL", "3 killed"],
  ] as const) {
    await docker.stopDaemon(signal);
    await docker.startDaemon();
    expect(await docker.inspect(id, "{{.State.Running}} {{.State.Pid}}")).toBe(`true ${pid}`);
    await docker.inContainer(id, `echo ${text.slice(2)} > /tmp/words`);
    await says(text);
  }
  await docker.must(["kill", id]);
  expect(await docker.inspect(id, "{{.State.ExitCode}}")).toBe("137");
});
