// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decode } from "../protobuf/codec.ts";
import { Any } from "../protobuf/well-known.gen.ts";
import { serve } from "../ttrpc/server.ts";
import { implement } from "../ttrpc/service.ts";
import { codes, StatusError } from "../ttrpc/status.ts";
import { createPublisher } from "./events.ts";
import { TaskPaused } from "./proto/events.gen.ts";
import { Events } from "./proto/events-service.gen.ts";

/** Where a containerd listens, or does not. */
class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "shim-events-"));
  readonly told: string[] = [];
  readonly warnings: string[] = [];
  readonly warn = (message: string) => void this.warnings.push(message);
  readonly input = {
    ...{ address: join(this.path, "socket"), namespace: "test", binary: "" },
    containerd: "/run/containerd.sock",
  };

  /** Takes all but the topic `/bad`. */
  serve(): AsyncDisposable {
    const events = implement(Events, {
      Forward: async ({ envelope }) => {
        const topic = envelope?.topic ?? "";
        if (topic === "/bad") throw new StatusError(codes.INVALID_ARGUMENT, "no such topic");
        this.told.push(topic);
        return {};
      },
    });
    const server = serve({ address: this.input.address, services: [events] });
    return { [Symbol.asyncDispose]: () => server.close() };
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

test("an event that is refused for what it is does not hold up those behind it", async () => {
  using folder = new Folder();
  await using _ = folder.serve();
  const publisher = createPublisher({ ...folder.input, warn: folder.warn });
  for (const topic of ["/one", "/bad", "/two"]) {
    publisher.publish(topic, TaskPaused, { containerId: "web" });
  }
  await publisher.drained(10_000);
  expect(folder.told).toEqual(["/one", "/two"]);
  expect(folder.warnings).toEqual([expect.stringContaining("event `/bad` is dropped")]);
});

test("while containerd is away events wait, and come in their order when it is back", async () => {
  using folder = new Folder();
  const publisher = createPublisher({ ...folder.input, warn: folder.warn });
  for (const topic of ["/one", "/two"])
    publisher.publish(topic, TaskPaused, { containerId: "web" });
  await publisher.drained(1);
  expect(folder.told).toEqual([]);
  await using _ = folder.serve();
  await publisher.drained(10_000);
  expect(folder.told).toEqual(["/one", "/two"]);
  expect(folder.warnings).toEqual([expect.stringContaining("event `/one`")]);
});

test("without a socket for events containerd's program is called, again until it takes one", async () => {
  using folder = new Folder();
  const binary = join(folder.path, "publish");
  const script = `#!/bin/sh
[ -e ${folder.path}/refused ] || { touch ${folder.path}/refused; exit 1; }
echo "$@" >> ${folder.path}/words
cat >> ${folder.path}/event
`;
  writeFileSync(binary, script, { mode: 0o755 });
  const publisher = createPublisher({ ...folder.input, address: "", binary, warn: folder.warn });
  publisher.publish("/tasks/paused", TaskPaused, { containerId: "web" });
  await publisher.drained(10_000);
  expect(readFileSync(join(folder.path, "words"), "utf8")).toBe(
    "--address /run/containerd.sock publish --topic /tasks/paused --namespace test\n",
  );
  const { typeUrl, value } = decode(Any, readFileSync(join(folder.path, "event")));
  expect(typeUrl).toBe(TaskPaused.typeName);
  expect(decode(TaskPaused, value)).toEqual({ containerId: "web" });
});
