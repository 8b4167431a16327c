// SPDX-License-Identifier: Apache-2.0
/** Gramine's manifest for an image: every file of it is measured, and nothing else may be opened. */
import { RuneError } from "../../errors/error.ts";
import type { Job } from "./carrier.ts";

const usualEnclaveSize = "512M";
const usualThreads = "32";

/** GRAMINE_* variables of the pod that change it. */
export function manifestTemplate({
  args,
  environment,
  cwd,
}: Pick<Job, "args" | "environment" | "cwd">): string {
  const [program = ""] = args;
  if (!program.startsWith("/")) {
    throw new RuneError({
      code: "ENCLAVE_CONFIG",
      doing: `run \`${program}\` in Gramine`,
      reason: "it has no absolute path",
      hint: "name it from the root of the image: the manifest has to say which file it is",
    });
  }
  const size = checked(environment, "GRAMINE_ENCLAVE_SIZE", usualEnclaveSize, /^[1-9][0-9]*[KMG]$/);
  const threads = checked(environment, "GRAMINE_MAX_THREADS", usualThreads, /^[1-9][0-9]{0,4}$/);
  const debug = checked(environment, "GRAMINE_DEBUG", "false", /^(true|false)$/);
  return [
    `libos.entrypoint = ${quoted(program)}`,
    `loader.argv = [${args.map(quoted).join(", ")}]`,
    `fs.start_dir = ${quoted(cwd)}`,
    'fs.root = { type = "chroot", uri = "file:/" }',
    ...variables(environment).map(([name, value]) => {
      const setting = isMeasured(name) ? quoted(value) : "{ passthrough = true }";
      return `loader.env.${quoted(name)} = ${setting}`;
    }),
    `sgx.enclave_size = "${size}"`,
    `sgx.max_threads = ${threads}`,
    `sgx.debug = ${debug}`,
    'sgx.trusted_files = ["file:/"]',
    "",
  ].join("\n");
}

/** Those of the image and the pod, without what is said to the carrier and to rune. */
function variables(environment: ReadonlyMap<string, string>): (readonly [string, string])[] {
  const ours = /^(RUNE_CARRIER$|ENCLAVE_|GRAMINE_)/;
  return [...environment].filter(([name]) => !ours.test(name)).sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * What decides which code runs is measured. Everything else is the host's to say anyway, and is taken when the
 * enclave starts: its value is in no file of the container or the cache, and does not change the measurement.
 */
function isMeasured(name: string): boolean {
  return measured.test(name);
}

/** Of the loader; then of interpreters, which take options, modules and even code from theirs. */
const measured =
  /^(PATH|GLIBC_TUNABLES|LD_.*|BASH_.*|PYTHON.*|PERL5.*|PERLLIB|RUBY(OPT|LIB)|NODE_(OPTIONS|PATH)|(JAVA_TOOL|JDK_JAVA|_JAVA)_OPTIONS|CLASSPATH|LUA_.*|PHP.*)$/;

function checked(
  environment: ReadonlyMap<string, string>,
  name: string,
  usual: string,
  form: RegExp,
): string {
  const value = environment.get(name) ?? usual;
  if (form.test(value)) return value;
  throw new RuneError({
    code: "ENCLAVE_CONFIG",
    doing: `read \`${name}\``,
    reason: `expected something like \`${usual}\`, got \`${value}\``,
  });
}

/** A basic string of TOML. Braces are the template language's own. */
function quoted(text: string): string {
  return JSON.stringify(text)
    .replaceAll("{", "\\u007b")
    .replaceAll("}", "\\u007d")
    .replaceAll("\u007f", "\\u007f");
}
