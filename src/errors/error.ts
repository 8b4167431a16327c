// SPDX-License-Identifier: Apache-2.0
/** The one error class of the project and the closed set of its codes. */

/**
 * What can go wrong, for programs: the message may change between versions, a code may not.
 * Grouped by whose fault it is.
 */
export type ErrorCode =
  // The caller asked for something that cannot be.
  | "USAGE" // command line: unknown flag, missing or malformed argument
  | "ID_INVALID" // container id with characters outside [A-Za-z0-9_+.-] or of no use as a name
  | "CONTAINER_EXISTS"
  | "CONTAINER_NOT_FOUND"
  | "CONTAINER_NOT_RUNNING" // the operation needs a live process and there is none
  | "CONTAINER_STATE" // the container is in a state that does not allow the operation
  // The bundle.
  | "CONFIG_NOT_FOUND"
  | "CONFIG_INVALID" // config.json is not JSON or violates the runtime specification
  | "CONFIG_UNSUPPORTED" // valid, and this version of rune cannot do it
  // The host.
  | "HOST_UNSUPPORTED" // kernel or machine lacks something that is needed
  | "SYSCALL" // a system call failed; `errno` says how
  | "CGROUP"
  | "RESCTRL" // a group of the resctrl file system cannot be made, or is not as it is wanted
  | "DBUS" // systemd, or the bus it is on, cannot be talked to or refuses
  | "SECCOMP" // a profile that libseccomp does not take, or whose filter the kernel would not
  | "STATE_CORRUPT" // state.json cannot be read
  | "STATE_NEWER" // state.json was written by a newer version
  | "RUNELET" // the C part broke its protocol or died
  | "HOOK_FAILED" // a hook of the configuration failed or took too long
  | "EXEC_NOT_FOUND" // the program to run does not exist (exit code 127 for `docker`)
  | "EXEC_FAILED" // the program to run could not be started (exit code 126)
  | "CRIU" // criu is missing or too old, or could not checkpoint or restore
  // Node configuration.
  | "NODE_CONFIG" // /etc/inclavare-containers/config.toml
  // Container engines.
  | "ENGINE_CONFIG" // an engine's configuration is damaged, or says what cannot be added to
  // Enclave containers.
  | "ENCLAVE_CONFIG" // enclave.* annotations or ENCLAVE_* variables
  | "ENCLAVE_TYPE_UNSUPPORTED" // the host has no such hardware
  | "SIMULATION_REFUSED" // the node does not allow the simulated platform
  | "PAL_PATH" // the PAL lies outside pal_dirs or its path can be changed by others
  | "PAL_ABI_MISMATCH" // a symbol is missing or the version is unknown
  | "PAL_FAILED" // a PAL call returned an error, crashed or never came back
  | "AGENT" // the agent in the container broke its protocol or is silent
  | "CARRIER" // an image could not be made an enclave: a toolchain failed, or the work was cancelled
  // The service for launch tokens and quotes.
  | "AESM_UNREACHABLE" // nobody answers on its socket
  | "AESM_PROTOCOL" // the peer broke the protocol, or is silent
  | "AESM_REFUSED" // the service answered with an error number
  // The simulated platform's service.
  | "PLATFORM_SERVICE" // it cannot be started, or does not answer
  | "PLATFORM_PROTOCOL" // a peer broke its protocol
  // Calls between containerd and its shims.
  | "PROTOBUF" // bytes that are not the message they should be
  | "TTRPC" // a peer cannot be reached or breaks the protocol
  // SGX formats and signing.
  | "SGX_FORMAT" // bytes that are not what they claim to be
  | "SGX_KEY" // a signing key of the wrong kind
  | "SGX_SIGNATURE" // a signature, or what EINIT derives from it, that does not verify
  | "SIGNATURE" // the signature server: refused, out of reach, or what it says does not verify
  | "SGX_LIMIT" // a value outside what the SGX manual allows
  // Building WebAssembly enclaves.
  | "WASM_MODULE" // a program that is no module, or needs what an enclave cannot give
  | "WASM_MANIFEST" // a manifest that is wrong, or does not fit the program
  | "WASM_TOOLCHAIN" // wasm2c, gcc or the runtime archive is missing or fails
  // Attestation: why a piece of evidence or its collateral is not believed.
  | "ATTEST_FORMAT" // bytes or text that are not what they claim to be
  | "ATTEST_UNSUPPORTED" // well-formed, and this verifier does not know how to judge it
  | "ATTEST_COLLATERAL" // something needed for the verdict was not given or cannot be fetched
  | "ATTEST_CERTIFICATE" // a chain that does not lead to a trusted root, or a certificate out of its role
  | "ATTEST_REVOKED" // a certificate of the chain is on its issuer's list
  | "ATTEST_TIME" // not yet or no longer valid at the time of the check
  | "ATTEST_SIGNATURE" // a signature or hash that does not verify
  | "ATTEST_MISMATCH" // two pieces that are each genuine do not belong together
  | "ATTEST_TCB" // no TCB level fits the platform
  | "ATTEST_SIMULATION" // evidence of the simulated platform, and it was not allowed
  | "ATTEST_POLICY"; // a policy file that is wrong, or genuine evidence that the policy does not accept

export type RuneErrorOptions = {
  readonly code: ErrorCode;
  /** What was being done, with its object in back-quotes: "open `/dev/sgx_enclave`". */
  readonly doing: string;
  /** Why it failed: lower case, no full stop. */
  readonly reason: string;
  /** What to do about it; one line. */
  readonly hint?: string;
  /** The kernel's error number, where a system call failed. */
  readonly errno?: number;
  readonly cause?: unknown;
};

/** An error a person can act on. `message` is `doing: reason`, without code and hint. */
export class RuneError extends Error {
  override readonly name = "RuneError";
  readonly code: ErrorCode;
  readonly doing: string;
  readonly reason: string;
  readonly hint: string | undefined;
  readonly errno: number | undefined;

  constructor({ code, doing, reason, hint, errno, cause }: RuneErrorOptions) {
    super(`${doing}: ${reason}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.doing = doing;
    this.reason = reason;
    this.hint = hint;
    this.errno = errno;
  }

  /** The same error seen from one step further out: "create `web`: mount `/proc`: ...". */
  within(doing: string): RuneError {
    const { code, hint, errno } = this;
    return new RuneError({
      code,
      doing: `${doing}: ${this.doing}`,
      reason: this.reason,
      ...(hint === undefined ? {} : { hint }),
      ...(errno === undefined ? {} : { errno }),
      cause: this,
    });
  }

  /** The single funnel from `catch`: anything thrown becomes a RuneError. */
  static from(thrown: unknown, doing: string): RuneError {
    if (thrown instanceof RuneError) return thrown;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return new RuneError({ code: "SYSCALL", doing, reason, cause: thrown });
  }
}

/**
 * The whole user-facing sentence: `create \`web\`: open \`/dev/sgx_enclave\`: permission denied
 * (SYSCALL)`, and the hint on a line of its own. Control characters are escaped: subjects come from
 * images and must not drive a terminal.
 */
export function describeError(error: RuneError): string {
  const text = `${escapeControls(error.message)} (${error.code})`;
  return error.hint === undefined ? text : `${text}\nhint: ${escapeControls(error.hint)}`;
}

/** Replaces C0, DEL and C1 control characters by `\xNN`. */
export function escapeControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
