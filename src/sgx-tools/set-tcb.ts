// SPDX-License-Identifier: Apache-2.0
/** `sgx-tools platform set-tcb`: writes the platform's TCB state, and prints what it is then. */
import { join } from "node:path";
import type { OptionValues } from "../options/option.ts";
import {
  readTcbFile,
  removeTcbFile,
  TCB_FILE,
  writeTcbFile,
} from "../platform/evidence/tcb-file.ts";
import { DEFAULT_TCB_STATE, readTcbState } from "../platform/evidence/tcb-state.ts";
import { printLine } from "./files.ts";
import type { platformSetTcb } from "./set-tcb-command.ts";

type Values = OptionValues<typeof platformSetTcb.options>;

const COMMAND = "sgx-tools platform set-tcb";

/** Without an option that changes something it only prints. `folder` is the platform's state folder. */
export function setTcb(values: Values, folder: string): void {
  const path = join(folder, TCB_FILE);
  const changes = changesOf(values);
  if (values.default && Object.keys(changes).length === 0) removeTcbFile(path);
  else if (Object.keys(changes).length > 0) {
    const base = values.default ? DEFAULT_TCB_STATE : readTcbFile(path);
    writeTcbFile(path, readTcbState(changes, base, COMMAND));
  }
  const state = readTcbFile(path);
  if (values.json) {
    printLine(JSON.stringify(state, null, 2));
    return;
  }
  for (const [name, value] of Object.entries(state)) {
    const text = Array.isArray(value) ? value.join(",") : String(value);
    printLine(`${name.padEnd(22)}${text === "" ? "-" : text}`);
  }
}

/** The members that the command line gives, by their names in the file. */
function changesOf(values: Values): Record<string, unknown> {
  const list = (text: string | undefined) =>
    text === undefined ? undefined : text.split(",").filter((one) => one !== "");
  const members = {
    fmspc: values.fmspc,
    ca: values.ca,
    pceSvn: values["pce-svn"],
    status: values.status,
    advisories: list(values.advisories),
    qeStatus: values["qe-status"],
    qeAdvisories: list(values["qe-advisories"]),
    evaluationDataNumber: values["evaluation-number"],
    revoked: values.revoked,
    collateral: values.collateral,
    pck: values.pck,
  };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
