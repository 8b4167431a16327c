// SPDX-License-Identifier: Apache-2.0
/**
 * How much enclave memory a container on the simulated platform may have: what the kernel's misc
 * controller bounds on hardware, `linux.resources.unified["misc.max"]` with a line `sgx_epc BYTES`. The
 * simulator's enclaves are files of a tmpfs of that size (docs/protocol/simulation.md), so the line is
 * taken out of what the cgroup is told, whose kernel may not know it.
 */
import { RuneError } from "../errors/error.ts";
import type { Config, Mount } from "../oci/config.ts";

const PAGE = 4096n;
const MIB = 1n << 20n;
/** The most that `sgxsim --epc` takes. */
const LARGEST_MIB = 1n << 20n;

/** EPC_POOL of native/sgxsim/epc.h. */
const pool = "/dev/.sgx_epc";
const file = "misc.max";

export type SimulatedEpc = {
  /** The configuration without the line. */
  readonly config: Config;
  /** Whole pages; absent where nothing bounds it. */
  readonly bytes?: number;
};

/** @throws RuneError for a limit that is none */
export function takeEpcLimit(config: Config): SimulatedEpc {
  const unified = config.linux?.resources?.unified;
  const content = unified?.[file];
  if (unified === undefined || content === undefined) return { config };
  const lines = content.split("\n").filter((line) => line !== "");
  const mine = lines.filter((line) => line.split(" ")[0] === "sgx_epc");
  if (mine.length === 0) return { config };
  const { [file]: _, ...others } = unified;
  const rest = lines.filter((line) => !mine.includes(line)).join("\n");
  const bytes = readLimit(mine.at(-1) ?? "");
  return {
    config: {
      ...config,
      linux: {
        ...config.linux,
        resources: {
          ...config.linux?.resources,
          unified: rest === "" ? others : { ...others, [file]: rest },
        },
      },
    },
    ...(bytes === undefined ? {} : { bytes }),
  };
}

function readLimit(line: string): number | undefined {
  const value = line.slice("sgx_epc".length).trim();
  if (value === "max") return undefined;
  const bytes = /^\d{1,19}$/.test(value) ? (BigInt(value) / PAGE) * PAGE : 0n;
  if (bytes > 0n) return Number(bytes < LARGEST_MIB * MIB ? bytes : LARGEST_MIB * MIB);
  throw new RuneError({
    code: "ENCLAVE_CONFIG",
    doing: `read \`linux.resources.unified["${file}"]\``,
    reason: `\`${line}\` does not say how many bytes of enclave memory there may be`,
    hint: "write `sgx_epc` and a number of bytes, at least 4096, or `max`",
  });
}

/**
 * Enclaves are executed from their files, hence no noexec. Everybody may make a file in it and nobody
 * sees whose there are: an enclave's file never has a name.
 */
export function epcMount(bytes: number): Mount {
  const options = ["nosuid", "nodev", `size=${bytes}`, "mode=1733"];
  return { destination: pool, type: "tmpfs", source: "sgx_epc", options };
}
