// SPDX-License-Identifier: Apache-2.0
/**
 * For tests: `bun start-scope.ts ID PID RESOURCES` asks the user's systemd for a scope with these limits,
 * and does nothing else: the host of the test has not all their controllers.
 */
import { newUnit } from "../../src/cgroups/systemd.ts";
import type { Pid } from "../../src/kernel/kernel.ts";
import { linux } from "../../src/kernel/linux.ts";
import { parseResources } from "../../src/oci/parse-config.ts";

const [id = "", pid = "", resources = ""] = process.argv.slice(2);
const runtimeDirectory = process.env["XDG_RUNTIME_DIR"] ?? "";
const choice = { user: true, environment: { runtimeDirectory } };
const unit = newUnit(linux, choice, { id, cgroupsPath: "", annotations: {} });
const limits = parseResources(new TextEncoder().encode(resources));
unit.start(Number(pid) as Pid, limits, 2); // of a process of the test
unit.setResources(limits, 2);
unit.close();
