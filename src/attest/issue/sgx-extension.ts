// SPDX-License-Identifier: Apache-2.0
/** Writes what a PCK certificate says about its platform; x509/sgx-extension.ts reads it. */
import { type PlatformIdentity, SGX_EXTENSION, SGX_TYPES } from "../x509/sgx-extension.ts";
import * as der from "./der-writer.ts";

/** A flag that is undefined is left out, as Intel's certificates of some platforms do. */
export type IssuedIdentity = Omit<PlatformIdentity, "configuration"> & {
  readonly configuration:
    | {
        readonly dynamicPlatform: boolean | undefined;
        readonly cachedKeys: boolean | undefined;
        readonly smtEnabled: boolean | undefined;
      }
    | undefined;
};

/** The extension's value. */
export function sgxExtension(identity: IssuedIdentity): Uint8Array {
  const { tcb, platformInstanceId, configuration } = identity;
  return der.sequence(
    field("1", der.octets(identity.ppid)),
    field(
      "2",
      der.sequence(
        ...tcb.components.map((svn, index) => field(`2.${index + 1}`, der.integer(svn))),
        field("2.17", der.integer(tcb.pceSvn)),
        field("2.18", der.octets(tcb.cpuSvn)),
      ),
    ),
    field("3", der.octets(identity.pceId)),
    field("4", der.octets(identity.fmspc)),
    field("5", der.integer(SGX_TYPES.indexOf(identity.sgxType), 0x0a)),
    ...(platformInstanceId === undefined ? [] : [field("6", der.octets(platformInstanceId))]),
    ...(configuration === undefined ? [] : [field("7", flags(configuration))]),
  );
}

function flags(configuration: NonNullable<IssuedIdentity["configuration"]>): Uint8Array {
  const { dynamicPlatform, cachedKeys, smtEnabled } = configuration;
  const given = [dynamicPlatform, cachedKeys, smtEnabled].flatMap((value, index) =>
    value === undefined ? [] : [field(`7.${index + 1}`, der.boolean(value))],
  );
  return der.sequence(...given);
}

function field(arc: string, value: Uint8Array): Uint8Array {
  return der.sequence(der.oid(`${SGX_EXTENSION}.${arc}`), value);
}
