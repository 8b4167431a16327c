// SPDX-License-Identifier: Apache-2.0
/** What pods have to do with either shim, of whatever runtime is judged. */
import { expect } from "bun:test";
import { eventually } from "../support/command.ts";
import type { Test } from "../support/runtime.ts";
import { refusal } from "./client.ts";
import { type CriEngine, inHost } from "./engine.ts";
import { ContainerState, PodSandboxState, RuntimeService } from "./proto/cri.gen.ts";
import { channels, Streams } from "./streaming.ts";

/** Two hundred in `npm run test:conformance`, on one engine; in rounds, for each has its time. */
const isConformance = process.env["CONFORMANCE"] === "1";
const rounds = isConformance ? 10 : 1;
const pods = isConformance ? 20 : 6;

export function podTests(test: Test, engineOf: () => Promise<CriEngine>): void {
  test("a pod: its address, containers that share its network, their ends and logs", async () => {
    const engine = await engineOf();
    await using pod = await engine.pod();
    const { state, runtimeHandler, network } = await pod.status();
    expect({ state, runtimeHandler }).toEqual({
      state: PodSandboxState.SANDBOX_READY,
      runtimeHandler: "rune",
    });
    expect(network?.ip).toMatch(/^10\.22\.\d+\.\d+$/);

    const script = "echo out; echo err >&2; hostname; ip -4 -o addr show eth0; exit 3";
    const first = await pod.script(script);
    expect(await first.exited()).toMatchObject({ exitCode: 3, reason: "Error" });
    expect(first.output()).toContain("out\n");
    expect(first.output()).toContain("err\n");
    expect(first.output()).toContain(` inet ${network?.ip}/16 `);

    const killed = await pod.script("exec sleep 1000");
    expect(await killed.status()).toMatchObject({ state: ContainerState.CONTAINER_RUNNING });
    await killed.stop();
    expect(await killed.exited()).toMatchObject({ exitCode: 137 });

    const absent = await pod.create({ command: ["/nonexistent"] });
    expect(await refusal(absent.start())).toContain("no such file or directory");
    expect(await absent.status()).toMatchObject({ reason: "StartError", exitCode: 128 });
  });

  test("identity, a read-only root and limits, and limits that change", async () => {
    const engine = await engineOf();
    await using pod = await engine.pod();
    const script = `id -u; touch /file; grep -E '^NoNewPrivs' /proc/self/status; exec sleep 1000`;
    const container = await pod.script(script, {
      envs: [{ key: "GREETING", value: "of the pod" }],
      linux: {
        resources: { memoryLimitInBytes: 67_108_864n, cpuPeriod: 100_000n, cpuQuota: 50_000n },
        securityContext: { runAsUser: { value: 1000n }, readonlyRootfs: true, noNewPrivs: true },
      },
    });
    await container.says("NoNewPrivs:\t1\n");
    expect(container.output()).toStartWith(
      "1000\ntouch: /file: Read-only file system\nNoNewPrivs:\t1\n",
    );
    expect(await container.exec(["sh", "-c", "echo $GREETING"])).toMatchObject({
      stdout: "of the pod\n",
    });
    const limitOf = async () => {
      const task = (await engine.ctr("task", "ls")).split("\n").find((line) => {
        return line.startsWith(container.id);
      });
      const pid = /\s(\d+)\s/.exec(task ?? "")?.[1];
      const file = `$(grep :memory: /proc/${pid}/cgroup | cut -d : -f 3)/memory.limit_in_bytes`;
      const { stdout } = await inHost(engine, "sh", "-c", `cat /sys/fs/cgroup/memory${file}`);
      return stdout.trim();
    };
    expect(await limitOf()).toBe("67108864");
    await engine.client.call(RuntimeService, "UpdateContainerResources", {
      containerId: container.id,
      linux: { memoryLimitInBytes: 134_217_728n },
    });
    expect(await limitOf()).toBe("134217728");
  });

  test("ExecSync: output, status, a program that is not there, and one that takes too long", async () => {
    const engine = await engineOf();
    await using pod = await engine.pod();
    const container = await pod.script("exec sleep 1000");
    expect(await container.exec(["sh", "-c", "echo out; echo err >&2; exit 42"])).toEqual({
      exitCode: 42,
      stdout: "out\n",
      stderr: "err\n",
    });
    expect(await refusal(container.exec(["/nonexistent"]))).toContain("no such file or directory");
    expect(await refusal(container.exec(["sleep", "1000"], 1))).toContain("timeout 1s exceeded");
    // Only its own process is gone.
    expect(await container.exec(["echo", "alive"])).toMatchObject({ stdout: "alive\n" });
  });

  test("exec over WebSocket: input, both outputs, the status; a terminal of a size", async () => {
    const engine = await engineOf();
    await using pod = await engine.pod();
    const { id: containerId } = await pod.script("exec sleep 1000");
    const script = 'read line; echo "<$line>"; echo err >&2; exit 7';
    const all = { stdin: true, stdout: true, stderr: true };
    const cmd = ["sh", "-c", script];
    await using plain = await Streams.exec(engine, { containerId, cmd, ...all });
    plain.send(channels.stdin, "typed\n");
    await plain.receives(channels.stdout, "<typed>\n");
    await plain.receives(channels.stderr, "err\n");
    await plain.receives(channels.status, '"status":"Failure"');
    expect(plain.received(channels.status)).toContain('"reason":"ExitCode","message":"7"');
    await plain.closed();

    const words = ["sh", "-c", 'read a; stty size; tty; read b; echo "<$a$b>"'];
    const terminal = { tty: true, stdin: true, stdout: true };
    await using tty = await Streams.exec(engine, { containerId, cmd: words, ...terminal });
    tty.send(channels.resize, '{"Width":91,"Height":17}');
    tty.send(channels.stdin, "one\r");
    await tty.receives(channels.stdout, "/dev/pts/");
    expect(tty.received(channels.stdout)).toContain("17 91");
    tty.send(channels.stdin, "two\r");
    await tty.receives(channels.stdout, "<onetwo>");
    await tty.receives(channels.status, '"status":"Success"');
  });

  test("attach: what is typed arrives, what is said is heard and logged", async () => {
    const engine = await engineOf();
    await using pod = await engine.pod();
    const script = 'while read line; do echo "<$line>"; done; echo end; exit 5';
    const container = await pod.script(script, { stdin: true, stdinOnce: true });
    const request = { containerId: container.id, stdin: true, stdout: true, stderr: true };
    await using streams = await Streams.attach(engine, request);
    streams.send(channels.stdin, "one\ntwo\n");
    await streams.receives(channels.stdout, "<two>\n");
    await container.says("<one>\n<two>\n");
    expect(await container.status()).toMatchObject({ state: ContainerState.CONTAINER_RUNNING });
  });

  test("a port of the pod, forwarded", async () => {
    const engine = await engineOf();
    await using pod = await engine.pod();
    const script = "mkdir /www; echo forwarded >/www/page; exec httpd -f -p 8080 -h /www";
    const container = await pod.script(script);
    await eventually("it serves", async () => {
      const { stdout } = await container.exec([
        "sh",
        "-c",
        "wget -qO - http://127.0.0.1:8080/page",
      ]);
      return stdout === "forwarded\n";
    });
    await using streams = await Streams.forward(engine, { podSandboxId: pod.id, port: [8080] });
    // Both channels tell their port first, in two bytes.
    await streams.receives(1, "\x90\x1f");
    streams.send(0, "GET /page HTTP/1.0\r\n\r\n");
    await streams.receives(0, "\r\n\r\nforwarded\n");
  });

  test("statistics of a container", async () => {
    const engine = await engineOf();
    await using pod = await engine.pod();
    const container = await pod.script("head -c 20000000 /dev/zero | md5sum; exec sleep 1000");
    await container.says("  -\n");
    const request = { containerId: container.id };
    const { stats } = await engine.client.call(RuntimeService, "ContainerStats", request);
    expect(stats?.attributes).toMatchObject({ id: container.id, metadata: { name: "c0" } });
    expect(stats?.cpu?.usageCoreNanoSeconds?.value).toBeGreaterThan(1_000_000n);
    expect(stats?.memory?.workingSetBytes?.value).toBeGreaterThan(0n);
  });

  test("a container that ends is made again, in the same pod", async () => {
    const engine = await engineOf();
    await using pod = await engine.pod();
    const { network } = await pod.status();
    const script = "ip -4 -o addr show eth0; exit 1";
    for (let attempt = 0; attempt < 3; attempt++) {
      const metadata = { name: "web", attempt };
      const container = await pod.script(script, { metadata, logPath: `web-${attempt}.log` });
      expect(await container.exited()).toMatchObject({ exitCode: 1, metadata });
      expect(container.output()).toContain(`inet ${network?.ip}/`);
      await container.remove();
    }
  });

  test("a log goes on in a new file when the old one was put aside", async () => {
    const engine = await engineOf();
    await using pod = await engine.pod();
    const script = "while read word; do echo $word; done <&3";
    const container = await pod.script(`mkfifo /fifo; echo ready; exec 3<>/fifo; ${script}`);
    const say = (word: string) => container.exec(["sh", "-c", `echo ${word} >/fifo`]);
    await container.says("ready\n");
    await say("before");
    await container.says("before\n");
    const { logPath } = await container.status();
    await inHost(engine, "mv", logPath, `${logPath}.1`);
    const request = { containerId: container.id };
    await engine.client.call(RuntimeService, "ReopenContainerLog", request);
    await say("after");
    await container.says("after\n");
    expect(container.output()).toBe("after\n");
  });

  test("containerd is killed and started again: pods, containers and their ends are known", async () => {
    const engine = await engineOf();
    await using pod = await engine.pod();
    const script = "mkfifo /fifo; echo before; read word </fifo; echo $word; exit 9";
    const container = await pod.script(script);
    await container.says("before\n");
    const short = await pod.script("while [ ! -e /go ]; do sleep 0.1; done; exit 4");
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      await engine.stopDaemon(signal);
      await engine.startDaemon();
      expect(await pod.status()).toMatchObject({ state: PodSandboxState.SANDBOX_READY });
      expect(await container.status()).toMatchObject({ state: ContainerState.CONTAINER_RUNNING });
      expect(await container.exec(["echo", "alive"])).toMatchObject({ stdout: "alive\n" });
    }
    expect(await short.exec(["touch", "/go"])).toMatchObject({ exitCode: 0 });
    expect(await short.exited()).toMatchObject({ exitCode: 4 });
    await container.exec(["sh", "-c", "echo goodbye >/fifo"]);
    expect(await container.exited()).toMatchObject({ exitCode: 9 });
    await container.says("goodbye\n");
  });

  const removal = async (): Promise<void> => {
    const engine = await engineOf();
    const before = await engine.leftovers();
    const one = async (): Promise<void> => {
      await using pod = await engine.pod();
      const container = await pod.script("echo made; exec sleep 1000");
      await container.says("made\n");
    };
    for (let made = 0; made < pods; made += 2) await Promise.all([one(), one()]);
    expect(await engine.leftovers()).toEqual(before);
  };
  for (let round = 1; round <= rounds; round++)
    test(`${pods} pods are created and removed, and nothing is left of them: ${round}`, removal);
}
