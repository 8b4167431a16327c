// SPDX-License-Identifier: Apache-2.0
/** Bytes of config.json to a checked `Config`. The caller bounds their number before reading. */
import { RuneError } from "../errors/error.ts";
import {
  absolutePath,
  array,
  boolean,
  type Checker,
  dictionary,
  Fault,
  InexactNumber,
  integer,
  nonEmptyString,
  object,
  optional,
  optionalText,
  refine,
  required,
  string,
} from "./check.ts";
import { idMappings, linux } from "./check-linux.ts";
import { environmentEntry, process } from "./check-process.ts";
import { resources } from "./check-resources.ts";
import { checkConfigRules } from "./check-rules.ts";
import type { Config, Hook, Hooks, Mount, Process, Root } from "./config.ts";
import type { Resources } from "./config-resources.ts";
import { parseExactJson, parseJson } from "./json.ts";

/** Callers refuse a longer config.json, process.json or hook file before they read it. */
export const maximumConfigSizeBytes = 16 * 1024 * 1024;

/**
 * Parses and checks a whole config.json. Unknown properties and annotations are ignored, unknown
 * capabilities kept for the caller to warn about.
 * `file` is where the bytes are from, for messages.
 * @throws RuneError CONFIG_INVALID that names the JSON path; CONFIG_UNSUPPORTED for another major
 * version of the specification
 */
export function parseConfig(bytes: Uint8Array, file?: string): Config {
  // A fault of the text is one of the file; a fault of a field is known by the field's name.
  const document = file === undefined ? "config" : `config \`${file}\``;
  return checked({ document, field: "config" }, bytes, (value) => {
    checkVersion(value);
    return config(value);
  });
}

/** Parses the process.json of `exec --process`, by the rules of `process` in config.json. */
export function parseProcess(bytes: Uint8Array): Process {
  return checked({ document: "process", field: "process" }, bytes, process);
}

/** Parses the JSON of `update --resources`, by the rules of `linux.resources` in config.json. */
export function parseResources(bytes: Uint8Array): Resources {
  return checked({ document: "resources", field: "resources" }, bytes, resources);
}

const mount = refine(
  object<Mount>({
    destination: required(nonEmptyString),
    type: optionalText(string),
    source: optionalText(string),
    options: optional(array(string)),
    uidMappings: optional(idMappings),
    gidMappings: optional(idMappings),
  }),
  ({ uidMappings, gidMappings }) => {
    if ((uidMappings === undefined) !== (gidMappings === undefined)) {
      throw new Fault("`uidMappings` and `gidMappings` go together");
    }
  },
);

const hook = object<Hook>({
  path: required(absolutePath),
  args: optional(array(string)),
  env: optional(array(environmentEntry)),
  // Seconds; eleven days is longer than any hook may hold up a container.
  timeout: optional(integer(1, 1_000_000)),
});
const hookList = optional(array(hook));

const config = refine(
  object<Config>({
    ociVersion: required(string),
    process: required(process),
    root: required(object<Root>({ path: required(nonEmptyString), readonly: optional(boolean) })),
    hostname: optionalText(string),
    domainname: optionalText(string),
    mounts: optional(array(mount)),
    hooks: optional(
      object<Hooks>({
        prestart: hookList,
        createRuntime: hookList,
        createContainer: hookList,
        startContainer: hookList,
        poststart: hookList,
        poststop: hookList,
      }),
    ),
    annotations: optional(dictionary(string)),
    linux: optional(linux),
  }),
  checkConfigRules,
);

/** Looks at the version before anything else: other versions may mean other things by a field. */
function checkVersion(value: unknown): void {
  const { ociVersion } = object<{ ociVersion: string }>({ ociVersion: required(string) })(value);
  const version = /^(\d{1,9})\.\d{1,9}\.\d{1,9}(?:[-+][0-9A-Za-z.+-]*)?$/.exec(ociVersion);
  if (version === null) {
    throw new Fault(
      `expected a version such as 1.3.0, got ${JSON.stringify(ociVersion)}`,
      "ociVersion",
    );
  }
  if (version[1] === "1") return;
  throw new RuneError({
    code: "CONFIG_UNSUPPORTED",
    doing: "config `ociVersion`",
    reason: `version ${ociVersion} of the runtime specification; rune knows 1.x`,
  });
}

/** What a fault is said to be of: the text as a whole, or one of its fields. */
type Names = { readonly document: string; readonly field: string };

function checked<T>({ document, field }: Names, bytes: Uint8Array, check: Checker<T>): T {
  try {
    return checkBytes(bytes, check);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const path = error.pathText;
    throw new RuneError({
      code: "CONFIG_INVALID",
      doing: path === "" ? document : `${field} \`${path}\``,
      reason: error.reason,
    });
  }
}

/** Nearly no document has numbers beyond 2^53; one that does is parsed again, with all digits. */
function checkBytes<T>(bytes: Uint8Array, check: Checker<T>): T {
  try {
    return check(parseJson(bytes));
  } catch (error) {
    if (!(error instanceof InexactNumber)) throw error;
    return check(parseExactJson(bytes));
  }
}
