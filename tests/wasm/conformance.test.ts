// SPDX-License-Identifier: Apache-2.0
/** Each of WASI's 46 calls, in an enclave in a container, against plain and protected directories. */
import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { wasiCalls } from "../../src/wasm/imports.ts";
import { needs } from "../support/runtime.ts";
import { clangObstacle, freePort, hostNetwork, WasmSandbox, Workshop } from "./support.ts";

const test = needs(clangObstacle);
const workshop = new Workshop();

/** The container is in the host's network namespace: a port that nobody has now. */
const port = freePort();
const manifest = `
name = "subject"
[arguments]
host = true
[environment]
host = ["APP_*"]
[environment.set]
FIXED = "one"
PORT = "${port}"
[[directory]]
path = "/data"
write = true
[[directory]]
path = "/safe"
mode = "protected"
[[listen]]
address = "127.0.0.1:${port}"
[network]
connect = ["127.0.0.1:${port}"]
`;

for (const call of wasiCalls) {
  test(`${call} answers as WASI says`, async () => {
    await using sandbox = new WasmSandbox();
    // Beside the directories that are the program's.
    writeFileSync(sandbox.file("outside"), "not the program's");
    const image = await workshop.program("conformance", manifest);
    const { status, stdout } = await sandbox.runEnclave(image, [call], hostNetwork);
    const said = call === "fd_write" ? "one two\n" : call === "proc_exit" ? "leaving\n" : "";
    expect({ status, stdout }).toEqual({ status: 0, stdout: said });
  });
}
