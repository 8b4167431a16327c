// SPDX-License-Identifier: Apache-2.0
/** Checks in words: what was compared. */

import type { TcbInfo, TcbLevel } from "../collateral/tcb-info.ts";
import type { Quote } from "../quote/quote.ts";
import { isoTime, type Path } from "../x509/chain.ts";
import type { Crl } from "../x509/crl.ts";

export function describeQuote(quote: Quote): string {
  const trailing = quote.trailingBytes > 0 ? `, ${quote.trailingBytes} bytes follow it` : "";
  return `version ${quote.version} of ${quote.body.tee.toUpperCase()}, ${quote.bytes} bytes${trailing}`;
}

export function describePath({ certificates, root }: Path): string {
  const names = certificates.map(({ subject }) => subject.commonName || subject.text);
  return [...names, `trusted ${root.name}`].join(" < ");
}

export function describeDates(piece: {
  issueDate: number;
  nextUpdate: number;
  evaluationDataNumber: number;
}): string {
  return `${isoTime(piece.issueDate)} to ${isoTime(piece.nextUpdate)}, evaluation data number ${piece.evaluationDataNumber}`;
}

export function describeCrl(crl: Crl): string {
  return `of ${crl.issuer.commonName}, ${crl.revoked.size} revoked, ${isoTime(crl.thisUpdate)} to ${isoTime(crl.nextUpdate)}`;
}

export function describeLevel(
  tcbInfo: TcbInfo,
  level: TcbLevel,
  lacking: readonly string[],
): string {
  const number = tcbInfo.levels.indexOf(level) + 1;
  const below = lacking.length > 0 ? `; below the newest: ${lacking.join(", ")}` : "";
  return `level ${number} of ${tcbInfo.levels.length}, ${isoTime(level.tcbDate).slice(0, 10)}: ${level.status}${below}`;
}
