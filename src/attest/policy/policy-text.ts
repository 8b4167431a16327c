// SPDX-License-Identifier: Apache-2.0
/** A policy as its file has it: TOML, or JSON where the name says so. */
import { parse as parseToml } from "smol-toml";
import { RuneError } from "../../errors/error.ts";
import { syntaxReason } from "../../errors/syntax-reason.ts";
import { type Policy, readPolicy } from "./policy.ts";

/** @throws RuneError ATTEST_POLICY that names the file */
export function policyOfText(text: string, path: string): Policy {
  let value: unknown;
  try {
    value = path.endsWith(".json") ? JSON.parse(text) : parseToml(text);
  } catch (error) {
    const reason = syntaxReason(error);
    throw new RuneError({ code: "ATTEST_POLICY", doing: `read \`${path}\``, reason, cause: error });
  }
  try {
    return readPolicy(value);
  } catch (error) {
    throw RuneError.from(error, "read policy").within(`\`${path}\``);
  }
}
