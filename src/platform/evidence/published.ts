// SPDX-License-Identifier: Apache-2.0
/** All that is published about the platform at a time, made once for a state and a day. */
import type { PlatformKeys } from "../keys.ts";
import { type AuthorityKeys, type Chain, makeChain, makeCrls, pemChain } from "./authority.ts";
import { type SignedAnswers, signedAnswers } from "./collateral.ts";
import { PCK_AUTHORITIES, type PckAuthority, type TcbState } from "./tcb-state.ts";
import { windowOf } from "./window.ts";

export type Published = {
  readonly state: TcbState;
  readonly answers: SignedAnswers;
  readonly chain: Chain;
  readonly rootCrl: Uint8Array;
  readonly pckCrl: Readonly<Record<PckAuthority, Uint8Array>>;
  /** PEM of issuer chains. */
  readonly tcbIssuers: string;
  readonly pckIssuers: Readonly<Record<PckAuthority, string>>;
};

export function publisher(
  keys: PlatformKeys,
  authority: AuthorityKeys,
  tcbState: () => TcbState,
  now: () => Date,
): () => Published {
  let last: { readonly of: string; readonly published: Published } | undefined;
  return () => {
    const state = tcbState();
    const window = windowOf(state.collateral, now());
    const of = JSON.stringify([state, window]);
    if (last?.of !== of) last = { of, published: publish() };
    return last.published;

    function publish(): Published {
      const chain = makeChain(keys, authority, state);
      const each = PCK_AUTHORITIES.map((ca) => {
        const own = makeChain(keys, authority, state, ca);
        const crls = makeCrls(own, authority, state, ca, window);
        return { ca, crls, issuers: pemChain(own.authority, own.root) };
      });
      const [platform, processor] = each;
      if (platform === undefined || processor === undefined) throw new Error("two PCK CAs");
      return {
        state,
        answers: signedAnswers(keys, authority, state, window),
        chain,
        rootCrl: (state.ca === "platform" ? platform : processor).crls.root,
        pckCrl: { platform: platform.crls.pck, processor: processor.crls.pck },
        tcbIssuers: pemChain(chain.tcbSigner, chain.root),
        pckIssuers: { platform: platform.issuers, processor: processor.issuers },
      };
    }
  };
}
