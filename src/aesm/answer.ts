// SPDX-License-Identifier: Apache-2.0
/** The server core: a request's bytes in, a reply's bytes out. Secrets stay in the platform. */
import { EINITTOKEN_BYTES } from "../sgx/einittoken.ts";
import {
  answerInitQuoteEx,
  answerQuoteEx,
  answerQuoteSizeEx,
  answerSelectKey,
  answerSupportedKeys,
} from "./answer-ecdsa.ts";
import { answerEpidInit, answerEpidQuote } from "./answer-epid.ts";
import { decodeRequest, encodeResponse, unknownRequestNumber } from "./codec.ts";
import { AESM, aesmNumberOf } from "./errors.ts";
import type { AesmPlatform } from "./platform.ts";
import { part, produced, requireBytes } from "./requirements.ts";
import type { AnyRequest, AnyResponse, RequestOf, ResponseOf } from "./schema.ts";

/** Told of each answer: the request's name ("unsupportedRequest" for none) and the error's number. */
export type OnAnswer = (name: AnyResponse["name"], errorCode: number) => void;

/** Told of what the platform threw without choosing a number: clients get no more than "unexpected". */
export type OnFault = (error: unknown) => void;

/**
 * Answers one request. Throws AESM_PROTOCOL for what is none, whose sender gets no reply; every other
 * failure is a reply with its number.
 */
export async function answer(
  platform: AesmPlatform,
  message: Uint8Array,
  onFault: OnFault = () => {},
  onAnswer: OnAnswer = () => {},
): Promise<Uint8Array> {
  const response =
    unknownRequestNumber(message) === undefined
      ? await answerRequest(platform, decodeRequest(message), onFault)
      : refused("unsupportedRequest", AESM.serviceUnavailable);
  onAnswer(response.name, response.value.errorCode);
  return encodeResponse(response);
}

/** The same for decoded messages. */
export async function answerRequest(
  platform: AesmPlatform,
  request: AnyRequest,
  onFault: OnFault = () => {},
): Promise<AnyResponse> {
  try {
    return await answerAny(platform, request);
  } catch (error) {
    const number = aesmNumberOf(error);
    if (number === undefined) onFault(error);
    return refused(request.name, number ?? AESM.unexpected);
  }
}

async function answerAny(platform: AesmPlatform, request: AnyRequest): Promise<AnyResponse> {
  const { epid, ecdsa } = platform;
  switch (request.name) {
    case "initQuote":
      return { name: request.name, value: await answerEpidInit(part(epid)) };
    case "getQuote":
      return { name: request.name, value: await answerEpidQuote(part(epid), request.value) };
    case "getLaunchToken":
      return { name: request.name, value: await answerLaunch(platform, request.value) };
    case "getExtendedEpidGroupId": {
      const { extendedGroupId } = part(epid);
      return { name: request.name, value: { errorCode: AESM.success, extendedGroupId } };
    }
    case "initQuoteEx":
      return { name: request.name, value: await answerInitQuoteEx(part(ecdsa), request.value) };
    case "getQuoteSizeEx":
      return { name: request.name, value: answerQuoteSizeEx(part(ecdsa), request.value) };
    case "getQuoteEx":
      return { name: request.name, value: await answerQuoteEx(part(ecdsa), request.value) };
    case "selectAttKeyId":
      return { name: request.name, value: answerSelectKey(part(ecdsa), request.value) };
    case "getSupportedAttKeyIdNum":
      part(ecdsa);
      return { name: request.name, value: { errorCode: AESM.success, attKeyIdNum: 1 } };
    case "getSupportedAttKeyIds":
      return { name: request.name, value: answerSupportedKeys(part(ecdsa), request.value) };
    case "reportAttestationError":
    case "getWhiteListSize":
    case "getWhiteList":
    case "switchExtendedEpidGroup":
    case "register":
    case "checkUpdateStatus":
      // They belong to provisioning by Intel, which no platform of ours has.
      return refused(request.name, AESM.serviceUnavailable);
    default:
      return request satisfies never;
  }
}

async function answerLaunch(
  { launch }: AesmPlatform,
  request: RequestOf<"getLaunchToken">,
): Promise<ResponseOf<"getLaunchToken">> {
  const control = part(launch);
  requireBytes(request.mrEnclave, 32, "mr_enclave");
  requireBytes(request.modulus, 384, "mr_signer");
  requireBytes(request.attributes, 16, "se_attributes");
  const token = produced(await control.token(request), EINITTOKEN_BYTES, "EINITTOKEN");
  return { errorCode: AESM.success, token };
}

function refused(name: AnyResponse["name"], errorCode: number): AnyResponse {
  return { name, value: { errorCode } };
}
