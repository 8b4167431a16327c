// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { type NodeConfig, parseNodeConfig } from "../config/node-config.ts";
import type { RuneError } from "../errors/error.ts";
import type { EnclaveConfig } from "./enclave-config.ts";
import type { SgxHost } from "./host-detection.ts";
import { choosePlatform } from "./platform-choice.ts";

const none: SgxHost = { cpu: false, nodes: [] };
const driver: SgxHost = {
  cpu: true,
  nodes: [{ path: "/dev/sgx_enclave", major: 10, minor: 125, fileMode: 0o666 }],
};
const node = (text = ""): NodeConfig => parseNodeConfig(`[runtime]\n${text}`, "config.toml");
const asks = (
  name?: "hardware" | "simulation",
  from: "environment" | "annotation" = "annotation",
): EnclaveConfig => ({
  type: "intelSgx",
  palPath: "/x",
  palArgs: "",
  logLevel: "info",
  hasEpidSecrets: false,
  warnings: [],
  ...(name === undefined ? {} : { platform: { name, from } }),
});

function code(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    return (error as RuneError).code; // thrown by what is tested
  }
  return "chosen";
}

test("flag, then image, then node, then hardware", () => {
  const simulating = node('platform = "simulation"');
  expect(choosePlatform("simulation", asks("hardware"), node(), driver)).toEqual({
    name: "simulation",
    chosenBy: "--platform",
  });
  expect(choosePlatform(undefined, asks("hardware"), simulating, driver).chosenBy).toBe(
    "enclave.platform",
  );
  expect(choosePlatform(undefined, asks("simulation", "environment"), node(), none)).toEqual({
    name: "simulation",
    chosenBy: "ENCLAVE_PLATFORM",
  });
  expect(choosePlatform(undefined, asks(), simulating, none)).toEqual({
    name: "simulation",
    chosenBy: "the node's configuration",
  });
  expect(choosePlatform(undefined, asks(), node(), driver)).toEqual({
    name: "hardware",
    chosenBy: "default",
  });
});

test("an image's wish for simulation needs the node's leave; the caller's does not", () => {
  const wish = (text: string, host: SgxHost) =>
    code(() => choosePlatform(undefined, asks("simulation"), node(text), host));
  expect(wish("", none)).toBe("chosen");
  expect(wish("", driver)).toBe("SIMULATION_REFUSED");
  expect(wish("allow_simulation = false", none)).toBe("SIMULATION_REFUSED");
  expect(wish("allow_simulation = true", driver)).toBe("chosen");
  expect(
    code(() => choosePlatform("simulation", asks(), node("allow_simulation = false"), none)),
  ).toBe("chosen");
});

test("what to write instead of hardware names only what the node allows", () => {
  const hint = (text: string) => {
    try {
      choosePlatform(undefined, asks(), node(text), none);
    } catch (error) {
      return (error as RuneError).hint; // thrown by what is tested
    }
    return undefined;
  };
  expect(hint("")).toContain("ENCLAVE_PLATFORM=simulation");
  expect(hint("allow_simulation = true")).toContain("ENCLAVE_PLATFORM=simulation");
  expect(hint("allow_simulation = false")).toContain("--platform simulation");
  expect(hint("allow_simulation = false")).not.toContain("ENCLAVE_PLATFORM");
});

test("hardware needs a driver, and a processor with SGX is told apart", () => {
  const missing = (host: SgxHost) => {
    try {
      choosePlatform(undefined, asks(), node(), host);
    } catch (error) {
      return (error as RuneError).message; // thrown by what is tested
    }
    return "";
  };
  expect(missing(none)).toContain("no SGX");
  expect(missing({ cpu: true, nodes: [] })).toContain("no driver");
  const provisionOnly = {
    cpu: true,
    nodes: [{ path: "/dev/sgx_provision", major: 10, minor: 126, fileMode: 0o600 }],
  };
  expect(missing(provisionOnly)).toContain("no driver");
});
