// SPDX-License-Identifier: Apache-2.0
/** Evidence and collateral as plain objects, in the same form as the records of `describe.ts`. */
import type { Collateral } from "../attest/collateral/collateral.ts";
import { type EnclaveIdentity, parseEnclaveIdentity } from "../attest/collateral/qe-identity.ts";
import { splitSignedJson } from "../attest/collateral/signed-json.ts";
import { parseTcbInfo, type SvnLevel, type TcbInfo } from "../attest/collateral/tcb-info.ts";
import { iasReportOfJson } from "../attest/ias/files.ts";
import { type IasReportBody, parseIasReportBody } from "../attest/ias/report.ts";
import { type EpidQuoteBody, parseEpidQuote } from "../attest/quote/epid.ts";
import { parseQuote, type Quote, type QuoteBody } from "../attest/quote/quote.ts";
import { TD_ATTRIBUTE, type TdReport } from "../attest/quote/td-report.ts";
import { verifyQuoteOrigin } from "../attest/verify/verify-quote.ts";
import {
  type Certificate,
  parseCertificate,
  parseCertificates,
} from "../attest/x509/certificate.ts";
import { isoTime } from "../attest/x509/chain.ts";
import { crlBytes, parseCrl } from "../attest/x509/crl.ts";
import { isPck, readPlatformIdentity } from "../attest/x509/sgx-extension.ts";
import { bitNames } from "../sgx/attributes.ts";
import { toHex } from "../sgx/bytes.ts";
import { type Description, describeReportBody, hex } from "./describe.ts";

/** A quote; whether its chain and signatures hold now under Intel's root, too. */
export function describeQuote(bytes: Uint8Array): Description {
  const quote = parseQuote(bytes, { allowTrailing: true });
  const origin = verifyQuoteOrigin(bytes, [], { at: new Date(), allowTrailing: true });
  return {
    version: quote.version,
    tee: quote.body.tee,
    bytes: quote.bytes,
    trailingBytes: quote.trailingBytes,
    chainAndSignaturesHold: origin.verified,
    fault: origin.verified ? null : origin.failure.message,
    qeSvn: quote.qeSvn,
    pceSvn: quote.pceSvn,
    qeVendorId: toHex(quote.qeVendorId),
    userData: toHex(quote.userData),
    body: describeBody(quote.body),
    attestationKey: toHex(quote.attestationKey),
    signature: toHex(quote.signature),
    qe: {
      ...describeReportBody(quote.qe.report),
      authenticationData: toHex(quote.qe.authenticationData),
      reportSignature: toHex(quote.qe.reportSignature),
    },
    certification: describeCertification(quote),
  };
}

function describeCertification({ qe: { certification } }: Quote): Description {
  const { type } = certification;
  if ("pem" in certification) {
    return { type, ...numbered(parseCertificates(certification.pem, "quote's chain")) };
  }
  if ("manifest" in certification) return { type, manifest: toHex(certification.manifest) };
  return {
    type,
    ppid: toHex(certification.ppid),
    cpuSvn: toHex(certification.cpuSvn),
    pceSvn: certification.pceSvn,
    pceId: toHex(certification.pceId),
  };
}

export function describeBody(body: QuoteBody): Description {
  return body.tee === "sgx" ? describeReportBody(body.report) : describeTdReport(body.td);
}

function describeTdReport(td: TdReport): Description {
  return {
    mrTd: toHex(td.mrTd),
    rtmr0: toHex(td.rtmrs[0]),
    rtmr1: toHex(td.rtmrs[1]),
    rtmr2: toHex(td.rtmrs[2]),
    rtmr3: toHex(td.rtmrs[3]),
    reportData: toHex(td.reportData),
    tdAttributes: hex(td.tdAttributes),
    tdAttributeNames: bitNames(td.tdAttributes, TD_ATTRIBUTE),
    xfam: hex(td.xfam),
    teeTcbSvn: toHex(td.teeTcbSvn),
    mrSeam: toHex(td.mrSeam),
    mrSignerSeam: toHex(td.mrSignerSeam),
    seamAttributes: toHex(td.seamAttributes),
    mrConfigId: toHex(td.mrConfigId),
    mrOwner: toHex(td.mrOwner),
    mrOwnerConfig: toHex(td.mrOwnerConfig),
    ...(td.teeTcbSvn2 === undefined ? {} : { teeTcbSvn2: toHex(td.teeTcbSvn2) }),
    ...(td.mrServiceTd === undefined ? {} : { mrServiceTd: toHex(td.mrServiceTd) }),
  };
}

export function describeEpidQuote(bytes: Uint8Array): Description {
  const quote = parseEpidQuote(bytes);
  return { ...describeEpidBody(quote), signatureBytes: quote.signatureBytes };
}

function describeEpidBody(body: EpidQuoteBody): Description {
  return {
    version: body.version,
    signType: body.signType,
    groupId: toHex(body.groupId),
    qeSvn: body.qeSvn,
    pceSvn: body.pceSvn,
    extendedGroupId: body.extendedGroupId,
    basename: toHex(body.basename),
    body: describeReportBody(body.report),
  };
}

/** One certificate in DER, or several in PEM. */
export function describeCertificates(bytes: Uint8Array): Description {
  if (bytes[0] === 0x30) return describeCertificate(parseCertificate(bytes));
  return numbered(parseCertificates(Buffer.from(bytes).toString("latin1"), "certificates"));
}

function numbered(certificates: readonly Certificate[]): Description {
  const [only, second] = certificates;
  if (only !== undefined && second === undefined) return describeCertificate(only);
  return Object.fromEntries(
    certificates.map((one, index) => [`certificate${index + 1}`, describeCertificate(one)]),
  );
}

function describeCertificate(certificate: Certificate): Description {
  return {
    subject: certificate.subject.text,
    issuer: certificate.issuer.text,
    serial: certificate.serial,
    notBefore: isoTime(certificate.notBefore),
    notAfter: isoTime(certificate.notAfter),
    authority: certificate.authority,
    pathLength: certificate.pathLength ?? null,
    key: certificate.publicKey.kind,
    publicKey: toHex(certificate.publicKey.spki),
    extensions: [...certificate.extensions.keys()],
    ...(isPck(certificate) ? describePlatform(certificate) : {}),
  };
}

function describePlatform(certificate: Certificate): Description {
  const identity = readPlatformIdentity(certificate);
  return {
    platform: {
      fmspc: toHex(identity.fmspc),
      pceId: toHex(identity.pceId),
      ppid: toHex(identity.ppid),
      components: identity.tcb.components.map(String),
      pceSvn: identity.tcb.pceSvn,
      cpuSvn: toHex(identity.tcb.cpuSvn),
      sgxType: identity.sgxType,
      ...(identity.platformInstanceId === undefined
        ? {}
        : { platformInstanceId: toHex(identity.platformInstanceId) }),
      ...(identity.configuration ?? {}),
    },
  };
}

export function describeCrl(bytes: Uint8Array): Description {
  const crl = parseCrl(crlBytes(bytes));
  return {
    issuer: crl.issuer.text,
    number: crl.number === undefined ? null : String(crl.number),
    thisUpdate: isoTime(crl.thisUpdate),
    nextUpdate: isoTime(crl.nextUpdate),
    revokedCertificates: crl.revoked.size,
    revoked: [...crl.revoked].map(([serial, time]) => `${serial}@${isoTime(time)}`),
  };
}

export function describeTcbInfoFile(bytes: Uint8Array): Description {
  const { text, signature } = splitSignedJson(Buffer.from(bytes).toString("utf8"), "tcbInfo");
  return { ...describeTcbInfo(parseTcbInfo(text)), signature: toHex(signature) };
}

function describeTcbInfo(info: TcbInfo): Description {
  return {
    id: info.id,
    version: info.version,
    issueDate: isoTime(info.issueDate),
    nextUpdate: isoTime(info.nextUpdate),
    fmspc: toHex(info.fmspc),
    pceId: toHex(info.pceId),
    evaluationDataNumber: info.evaluationDataNumber,
    levels: Object.fromEntries(
      info.levels.map((level, index) => [
        String(index + 1),
        {
          status: level.status,
          tcbDate: isoTime(level.tcbDate),
          components: level.sgx.map(String),
          pceSvn: level.pceSvn,
          ...(level.tdx === undefined ? {} : { tdxComponents: level.tdx.map(String) }),
          advisories: level.advisoryIds,
        },
      ]),
    ),
    ...(info.tdxModuleIdentities.length === 0
      ? {}
      : {
          modules: Object.fromEntries(
            info.tdxModuleIdentities.map((one) => [one.id, describeSvnLevels(one.levels)]),
          ),
        }),
  };
}

export function describeIdentityFile(bytes: Uint8Array): Description {
  const answer = Buffer.from(bytes).toString("utf8");
  const { text, signature } = splitSignedJson(answer, "enclaveIdentity");
  return { ...describeIdentity(parseEnclaveIdentity(text)), signature: toHex(signature) };
}

function describeIdentity(identity: EnclaveIdentity): Description {
  return {
    id: identity.id,
    issueDate: isoTime(identity.issueDate),
    nextUpdate: isoTime(identity.nextUpdate),
    evaluationDataNumber: identity.evaluationDataNumber,
    mrsigner: toHex(identity.mrSigner),
    isvProdId: identity.isvProdId,
    miscSelect: toHex(identity.miscSelect),
    miscSelectMask: toHex(identity.miscSelectMask),
    attributes: toHex(identity.attributes),
    attributesMask: toHex(identity.attributesMask),
    levels: describeSvnLevels(identity.levels),
  };
}

function describeSvnLevels(levels: readonly SvnLevel[]): Description {
  return Object.fromEntries(
    levels.map((level, index) => [
      String(index + 1),
      {
        isvSvn: level.isvSvn,
        status: level.status,
        tcbDate: isoTime(level.tcbDate),
        advisories: level.advisoryIds,
      },
    ]),
  );
}

/** A report's body alone, or an object with signature and certificates. */
export function describeIasReport(bytes: Uint8Array): Description {
  const text = Buffer.from(bytes).toString("utf8");
  const body = text.includes('"isvEnclaveQuoteStatus"') && !/"(raReport|report|Body)"/.test(text);
  const report = body ? text : Buffer.from(iasReportOfJson(text).body).toString("utf8");
  return describeIasBody(parseIasReportBody(report));
}

function describeIasBody(report: IasReportBody): Description {
  return {
    id: report.id,
    timestamp: isoTime(report.timestamp),
    version: report.version ?? null,
    status: report.status,
    advisories: report.advisoryIds,
    advisoryUrl: report.advisoryUrl ?? null,
    nonce: report.nonce ?? null,
    revocationReason: report.revocationReason ?? null,
    platformInfoBlob: report.platformInfoBlob ?? null,
    epidPseudonym: report.epidPseudonym ?? null,
    quote: describeEpidBody(report.quoteBody),
  };
}

/** What an archive holds, in short. */
export function describeCollateral(collateral: Collateral): Description {
  const { rootCrl, pckCrl } = collateral;
  const crl = (bytes: Uint8Array | undefined): Description | null =>
    bytes === undefined ? null : describeCrl(bytes);
  return {
    tcbInfo: describeTcbInfo(parseTcbInfo(collateral.tcbInfo.text)),
    qeIdentity: describeIdentity(parseEnclaveIdentity(collateral.qeIdentity.text)),
    rootCrl: crl(rootCrl),
    pckCrl: crl(pckCrl),
    certificates: collateral.certificates.map((der) => {
      const { subject, notAfter } = parseCertificate(der);
      return `${subject.commonName}@${isoTime(notAfter)}`;
    }),
  };
}
