// SPDX-License-Identifier: Apache-2.0
/** The command lines of what concerns the simulated platform's evidence, as data. */
import { defineCommand } from "../options/option.ts";

const advisories = { kind: "string", argument: "names" } as const;
const validities = ["current", "expired", "not-yet-valid"] as const;

export const platformSetTcb = defineCommand({
  name: "platform set-tcb",
  path: "sgx-tools platform set-tcb",
  summary: "choose what the simulated platform's certificates and collateral say of it",
  arguments: { usage: "", minimum: 0, maximum: 0 },
  options: [
    { name: "default", kind: "flag", help: "begin with the default instead of what was chosen" },
    {
      name: "status",
      kind: "string",
      argument: "status",
      help: "of the platform's own TCB level: UpToDate, SWHardeningNeeded, ConfigurationNeeded, ConfigurationAndSWHardeningNeeded, OutOfDate, OutOfDateConfigurationNeeded or Revoked",
    },
    { name: "advisories", ...advisories, help: "of that level, with commas; empty for none" },
    {
      name: "qe-status",
      kind: "string",
      argument: "status",
      choices: ["UpToDate", "OutOfDate", "Revoked"],
      help: "of the quoting enclave's level",
    },
    { name: "qe-advisories", ...advisories, help: "of that level, with commas" },
    { name: "fmspc", kind: "string", argument: "hex", help: "the platform's family, 12 digits" },
    {
      name: "ca",
      kind: "string",
      argument: "ca",
      choices: ["platform", "processor"],
      help: "which CA certifies the platform",
    },
    {
      name: "pce-svn",
      kind: "integer",
      argument: "n",
      minimum: 0,
      maximum: 65534,
      help: "PCESVN of the platform",
    },
    {
      name: "evaluation-number",
      kind: "integer",
      argument: "n",
      minimum: 0,
      maximum: 4294967295,
      help: "tcbEvaluationDataNumber of the collateral",
    },
    {
      name: "revoked",
      kind: "string",
      argument: "whom",
      choices: ["none", "pck", "ca"],
      help: "whose certificate is on a CRL",
    },
    {
      name: "collateral",
      kind: "string",
      argument: "when",
      choices: validities,
      help: "when TCB info, QE identity and CRLs are valid",
    },
    {
      name: "pck",
      kind: "string",
      argument: "when",
      choices: validities,
      help: "when the platform's certificate is valid",
    },
    {
      name: "state",
      kind: "string",
      argument: "folder",
      help: "the platform's state folder, if it is not the caller's",
    },
    { name: "json", kind: "flag", help: "print an object" },
  ],
});

export const platformRoot = defineCommand({
  name: "platform root",
  path: "sgx-tools platform root",
  summary: "print the certificate that the simulated platform's evidence leads to",
  arguments: { usage: "", minimum: 0, maximum: 0 },
  options: [{ name: "ias", kind: "flag", help: "the root of its reports on EPID quotes instead" }],
});
