// SPDX-License-Identifier: Apache-2.0
/** TCB info: which security versions of a platform Intel calls what (PCS API v3: 2, v4: 3). */
import { formatError } from "../error.ts";
import { type Fields, parseJson } from "./signed-json.ts";
import {
  COMPONENT_STATUSES,
  type ComponentStatus,
  PLATFORM_STATUSES,
  type PlatformStatus,
  readStatus,
} from "./status.ts";

export type TcbLevel = {
  readonly sgx: readonly number[];
  readonly pceSvn: number;
  /** TDX only. */
  readonly tdx: readonly number[] | undefined;
  readonly status: PlatformStatus;
  /** Milliseconds since 1970: platforms of this level have all that was known then. */
  readonly tcbDate: number;
  readonly advisoryIds: readonly string[];
};

/** A level of something with one ISVSVN: a quoting enclave, a TDX module. */
export type SvnLevel = {
  readonly isvSvn: number;
  readonly status: ComponentStatus;
  readonly tcbDate: number;
  readonly advisoryIds: readonly string[];
};

/** Who may have signed the TDX module, and its attributes. */
export type TdxModule = {
  readonly mrSigner: Uint8Array;
  readonly attributes: Uint8Array;
  readonly attributesMask: Uint8Array;
};

export type TdxModuleIdentity = TdxModule & {
  /** "TDX_03": the module's major version. */
  readonly id: string;
  readonly levels: readonly SvnLevel[];
};

export type TcbInfo = {
  readonly version: 2 | 3;
  readonly id: "SGX" | "TDX";
  /** Milliseconds since 1970. */
  readonly issueDate: number;
  readonly nextUpdate: number;
  readonly fmspc: Uint8Array;
  readonly pceId: Uint8Array;
  readonly evaluationDataNumber: number;
  readonly levels: readonly TcbLevel[];
  readonly tdxModule: TdxModule | undefined;
  readonly tdxModuleIdentities: readonly TdxModuleIdentity[];
};

const MOST_LEVELS = 256;

/** Reads the text whose signature holds. */
export function parseTcbInfo(text: string): TcbInfo {
  const what = "TCB info";
  const fields = parseJson(text, what);
  const version = fields.integer("version", 0xffff);
  if (version !== 2 && version !== 3) throw formatError(what, `version ${version}, not 2 or 3`);
  const id = version === 2 ? "SGX" : fields.text("id");
  if (id !== "SGX" && id !== "TDX") throw formatError(what, `id "${id}", neither SGX nor TDX`);
  // Type 0: SVNs are compared one by one. No other type was ever defined.
  if (fields.integer("tcbType", 0xffff) !== 0) throw formatError(what, "tcbType is not 0");
  return {
    version,
    id,
    issueDate: fields.time("issueDate"),
    nextUpdate: fields.time("nextUpdate"),
    fmspc: fields.bytes("fmspc", 6),
    pceId: fields.bytes("pceId", 2),
    evaluationDataNumber: fields.integer("tcbEvaluationDataNumber", 0xffff_ffff),
    levels: limited(fields.objects("tcbLevels"), what).map((level) =>
      readLevel(level, version, id),
    ),
    tdxModule: id === "TDX" ? readModule(fields.object("tdxModule")) : undefined,
    tdxModuleIdentities:
      id === "TDX" && fields.has("tdxModuleIdentities")
        ? limited(fields.objects("tdxModuleIdentities"), what).map(readModuleIdentity)
        : [],
  };
}

function readLevel(level: Fields, version: 2 | 3, id: "SGX" | "TDX"): TcbLevel {
  const tcb = level.object("tcb");
  return {
    sgx: version === 2 ? readNamedSvns(tcb) : readSvns(tcb, "sgxtcbcomponents"),
    pceSvn: tcb.integer("pcesvn", 0xffff),
    tdx: id === "TDX" ? readSvns(tcb, "tdxtcbcomponents") : undefined,
    status: readStatus(level.text("tcbStatus"), PLATFORM_STATUSES, "TCB info"),
    tcbDate: level.time("tcbDate"),
    advisoryIds: readAdvisories(level),
  };
}

/** Version 2 has a member for each component: sgxtcbcomp01svn to sgxtcbcomp16svn. */
function readNamedSvns(tcb: Fields): number[] {
  return Array.from({ length: 16 }, (_, index) =>
    tcb.integer(`sgxtcbcomp${String(index + 1).padStart(2, "0")}svn`, 0xff),
  );
}

function readSvns(tcb: Fields, name: string): number[] {
  const components = tcb.objects(name);
  if (components.length !== 16) {
    throw formatError("TCB info", `${components.length} ${name} instead of 16`);
  }
  return components.map((component) => component.integer("svn", 0xff));
}

function readModule(fields: Fields): TdxModule {
  return {
    mrSigner: fields.bytes("mrsigner", 48),
    attributes: fields.bytes("attributes", 8),
    attributesMask: fields.bytes("attributesMask", 8),
  };
}

function readModuleIdentity(fields: Fields): TdxModuleIdentity {
  return { id: fields.text("id"), ...readModule(fields), levels: readSvnLevels(fields) };
}

/** `tcbLevels` of a TDX module or of an enclave identity. */
export function readSvnLevels(fields: Fields): SvnLevel[] {
  return limited(fields.objects("tcbLevels"), "TCB levels").map((level) => ({
    isvSvn: level.object("tcb").integer("isvsvn", 0xffff),
    status: readStatus(level.text("tcbStatus"), COMPONENT_STATUSES, "TCB levels"),
    tcbDate: level.time("tcbDate"),
    advisoryIds: readAdvisories(level),
  }));
}

function readAdvisories(level: Fields): readonly string[] {
  return level.has("advisoryIDs") ? level.texts("advisoryIDs") : [];
}

function limited(list: Fields[], what: string): Fields[] {
  if (list.length > MOST_LEVELS) throw formatError(what, `more than ${MOST_LEVELS} levels`);
  return list;
}
