// SPDX-License-Identifier: Apache-2.0
/** The service's error numbers (Intel, `aesm_error.h`), each with what a person can do about it. */
import { RuneError } from "../errors/error.ts";

const PLUGINS =
  "install the plug-in for the request (libsgx-aesm-launch-plugin, -epid-plugin, -ecdsa-plugin, -quote-ex-plugin) and restart aesmd";
const PCCS = "see that /etc/sgx_default_qcnl.conf names a caching service that answers";
const REPORT = "make the report for the TARGETINFO that this machine's quoting enclave gives now";
const RETRY = "wait and try again";
const JOURNAL = "the service's log says more: journalctl -u aesmd";
const PSE = "the platform services enclave no longer exists";

/** Name and hint of each number, in the order of the numbers; see `docs/protocol/aesm.md`. */
const table: readonly (readonly [number, string, string])[] = [
  [0, "SUCCESS", ""],
  [1, "UNEXPECTED_ERROR", JOURNAL],
  [2, "NO_DEVICE_ERROR", "load the SGX driver, and see that aesmd may open its device"],
  [3, "PARAMETER_ERROR", `check the files and identifiers given; ${REPORT}`],
  [4, "EPIDBLOB_ERROR", "remove aesmd's EPID blob and restart it, so that it provisions again"],
  [5, "EPID_REVOKED_ERROR", "this platform's EPID key is revoked; use ECDSA"],
  [
    6,
    "GET_LICENSETOKEN_ERROR",
    "the signer is not on the launch enclave's list; sign for debugging or use a platform with flexible launch control, which needs no token",
  ],
  [7, "SESSION_INVALID", PSE],
  [8, "MAX_NUM_SESSION_REACHED", PSE],
  [9, "PSDA_UNAVAILABLE", PSE],
  [10, "EPH_SESSION_FAILED", PSE],
  [11, "LONG_TERM_PAIRING_FAILED", PSE],
  [
    12,
    "NETWORK_ERROR",
    "see that the service reaches its network, and its proxy in /etc/aesmd.conf",
  ],
  [13, "NETWORK_BUSY_ERROR", RETRY],
  [14, "PROXY_SETTING_ASSIST", "set the proxy in /etc/aesmd.conf"],
  [15, "FILE_ACCESS_ERROR", "see that /var/opt/aesmd belongs to aesmd and its disk is not full"],
  [16, "SGX_PROVISION_FAILED", "EPID provisioning has been closed by Intel; use ECDSA"],
  [17, "SERVICE_STOPPED", "start the service: systemctl start aesmd"],
  [18, "BUSY", RETRY],
  [19, "BACKEND_SERVER_BUSY", RETRY],
  [20, "UPDATE_AVAILABLE", "update the platform's software and microcode"],
  [21, "OUT_OF_MEMORY_ERROR", "free memory on the machine and try again"],
  [22, "MSG_ERROR", "client and service do not speak the same protocol; update the older one"],
  [23, "THREAD_ERROR", JOURNAL],
  [24, "SGX_DEVICE_NOT_AVAILABLE", "enable SGX in the firmware and load the driver"],
  [25, "ENABLE_SGX_DEVICE_FAILED", "enable SGX in the firmware"],
  [26, "PLATFORM_INFO_BLOB_INVALID_SIG", "the platform information is not what the service signed"],
  [27, "SERVICE_NOT_AVAILABLE", PLUGINS],
  [
    28,
    "KDF_MISMATCH",
    "client and service do not use the same key derivation; update the older one",
  ],
  [29, "OUT_OF_EPC", "end other enclaves, or give the machine more EPC in the firmware"],
  [30, "SERVICE_UNAVAILABLE", PLUGINS],
  [31, "UNRECOGNIZED_PLATFORM", "register the platform with Intel"],
  [32, "ECDSA_ID_MISMATCH", "remove aesmd's stored ECDSA key and restart it"],
  [33, "PATHNAME_BUFFER_OVERFLOW_ERROR", "install the service under a shorter path"],
  [34, "ERROR_STORED_KEY", "remove aesmd's stored ECDSA key and restart it"],
  [35, "PUB_KEY_ID_MISMATCH", "ask for the TARGETINFO again, so that the key is made anew"],
  [36, "INVALID_PCE_SIG_SCHEME", "update the service's PCE"],
  [37, "ATT_KEY_BLOB_ERROR", "remove aesmd's stored ECDSA key and restart it"],
  [
    38,
    "UNSUPPORTED_ATT_KEY_ID",
    "the service has no such attestation key; choose another quote type",
  ],
  [39, "UNSUPPORTED_LOADING_POLICY", JOURNAL],
  [40, "INTERFACE_UNAVAILABLE", PLUGINS],
  [
    41,
    "PLATFORM_LIB_UNAVAILABLE",
    "install libsgx-dcap-default-qpl; without it a quote has no PCK certificate",
  ],
  [
    42,
    "ATT_KEY_NOT_INITIALIZED",
    "ask for the TARGETINFO again, then for a report for it and its quote",
  ],
  [43, "ATT_KEY_CERT_DATA_INVALID", PCCS],
  [44, "NO_PLATFORM_CERT_DATA", PCCS],
  [45, "ERROR_REPORT", JOURNAL],
  [46, "ENCLAVE_LOST", "the machine slept or lost power; ask again, and start enclaves anew"],
  [47, "INVALID_REPORT", REPORT],
  [48, "ENCLAVE_LOAD_ERROR", "see that the service's enclaves are installed and may be loaded"],
  [
    49,
    "UNABLE_TO_GENERATE_QE_REPORT",
    "check the TARGETINFO that the quoting enclave's report is for",
  ],
  [50, "KEY_CERTIFICATION_ERROR", PCCS],
  [51, "CONFIG_UNSUPPORTED", "the platform does not support this configuration"],
];

/** The numbers that this project's own code names. */
export const AESM = {
  success: 0,
  unexpected: 1,
  parameter: 3,
  launchTokenRefused: 6,
  serviceUnavailable: 30,
  unsupportedKeyId: 38,
  keyNotInitialized: 42,
  invalidReport: 47,
  noQeReport: 49,
} as const;

const known = new Map(table.map(([number, name, hint]) => [number, { name, hint }]));

/** All numbers with name and hint, for the protocol page. */
export const aesmErrors = table.map(([number, name, hint]) => ({
  number,
  name: `AESM_${name}`,
  hint,
}));

/** "AESM_BUSY (18)". */
export function describeAesmError(number: number): string {
  const entry = known.get(number);
  return entry === undefined ? `AESM error ${number}` : `AESM_${entry.name} (${number})`;
}

/** The number rides on the error, for whoever retries or answers. */
class AesmStatus extends Error {
  readonly number: number;

  constructor(number: number) {
    super(describeAesmError(number));
    this.number = number;
  }
}

/** The service's refusal; thrown by a platform too, to choose the number that its client gets. */
export function aesmRefusal(number: number, doing: string, hint?: string): RuneError {
  return new RuneError({
    code: "AESM_REFUSED",
    doing,
    reason: `the service answered ${describeAesmError(number)}`,
    hint: hint ?? known.get(number)?.hint ?? JOURNAL,
    cause: new AesmStatus(number),
  });
}

/** The service's number in an error, however deep; undefined if it holds none. */
export function aesmNumberOf(error: unknown): number | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    if (one instanceof AesmStatus) return one.number;
  }
  return undefined;
}

/** Bytes that are not of the protocol, or a peer that is silent. */
export function protocolError(doing: string, reason: string, cause?: unknown): RuneError {
  return new RuneError({
    code: "AESM_PROTOCOL",
    doing,
    reason,
    ...(cause === undefined ? {} : { cause }),
  });
}
