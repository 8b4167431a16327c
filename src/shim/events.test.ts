// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "../ttrpc/server.ts";
import { implement } from "../ttrpc/service.ts";
import { codes, StatusError } from "../ttrpc/status.ts";
import { createPublisher } from "./events.ts";
import { TaskPaused } from "./proto/events.gen.ts";
import { Events } from "./proto/events-service.gen.ts";

test("an event that is refused for what it is does not hold up those behind it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "shim-events-"));
  const [told, warnings]: [string[], string[]] = [[], []];
  const events = implement(Events, {
    Forward: async ({ envelope }) => {
      const topic = envelope?.topic ?? "";
      if (topic === "/bad") throw new StatusError(codes.INVALID_ARGUMENT, "no such topic");
      told.push(topic);
      return {};
    },
  });
  const server = serve({ address: join(folder, "socket"), services: [events] });
  try {
    const publisher = createPublisher({
      ...{ address: join(folder, "socket"), namespace: "test", binary: "", containerd: "" },
      warn: (message) => void warnings.push(message),
    });
    for (const topic of ["/one", "/bad", "/two"]) {
      publisher.publish(topic, TaskPaused, { containerId: "web" });
    }
    await publisher.drained(2000);
    expect(told).toEqual(["/one", "/two"]);
    expect(warnings).toEqual([expect.stringContaining("event `/bad` is dropped")]);
  } finally {
    await server.close();
    rmSync(folder, { recursive: true });
  }
});
