// SPDX-License-Identifier: Apache-2.0
/** `rune doctor`: what this machine lacks, why, and what mends it. */
import { defineCommand } from "../../options/option.ts";
import { parseCommand, usageError } from "../../options/parse.ts";
import { given } from "../container-options.ts";

/** As src/doctor/check.ts has them, which is not loaded to parse a line; a test compares. */
export const doctorTopics = [
  "sgx",
  "containers",
  "attestation",
  "containerd",
  "docker",
  "podman",
  "kubernetes",
] as const;

export type DoctorCommand = {
  readonly verb: "doctor";
  readonly topic?: (typeof doctorTopics)[number];
  readonly json: boolean;
  readonly network: boolean;
  readonly configRoot?: string;
  readonly pal?: string;
  readonly enclave?: string;
  readonly signature?: string;
  readonly aesmSocket?: string;
};

export const doctorCommand = defineCommand({
  name: "doctor",
  path: "rune doctor",
  summary: "look at what containers and enclaves need, and say what mends what is not there",
  arguments: { usage: `[${doctorTopics.join("|")}]`, minimum: 0, maximum: 1 },
  options: [
    { name: "json", kind: "flag", help: "print the findings as JSON" },
    {
      name: "network",
      kind: "flag",
      help: "ask the collateral service that the node's configuration names; nothing goes out otherwise",
    },
    {
      name: "config-root",
      kind: "string",
      argument: "directory",
      help: "look at the configuration below this directory, of an image for one",
    },
    {
      name: "pal",
      kind: "string",
      argument: "path",
      help: "the enclave runtime to look at, instead of those that are installed",
    },
    {
      name: "enclave",
      kind: "string",
      argument: "file",
      help: "the enclave to look at, instead of the sample's",
    },
    {
      name: "signature",
      kind: "string",
      argument: "file",
      help: "its SIGSTRUCT, where that is not beside it",
    },
    {
      name: "aesm-socket",
      kind: "string",
      argument: "socket",
      help: "AESM's, instead of /var/run/aesmd/aesm.socket; a path, or @name",
    },
  ],
});

export function parseDoctor(words: readonly string[]): DoctorCommand | undefined {
  const parsed = parseCommand(doctorCommand, words);
  if (parsed.help) return undefined;
  const { values, positionals } = parsed;
  const [word] = positionals;
  const topic = doctorTopics.find((name) => name === word);
  if (word !== undefined && topic === undefined) {
    throw usageError(
      doctorCommand,
      `unknown topic \`${word}\`: expected ${doctorTopics.join(", ")}`,
    );
  }
  return {
    verb: "doctor",
    json: values.json,
    network: values.network,
    ...(topic === undefined ? {} : { topic }),
    ...given("configRoot", values["config-root"]),
    ...given("pal", values.pal),
    ...given("enclave", values.enclave),
    ...given("signature", values.signature),
    ...given("aesmSocket", values["aesm-socket"]),
  };
}
