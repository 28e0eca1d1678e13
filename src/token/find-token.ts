import {CLAIMS_CHALLENGE, repairClaims} from '../identity/claims-challenge.ts';
import {repairMembership} from '../identity/repair-membership.ts';
import type {Failure, Wanted} from './acquire.ts';
import {sameAgain} from './cache-failures.ts';
import type {Verdict} from './organization-rejections.ts';
import type {Asker} from './asker.ts';
import type {Rejections} from './rejections.ts';
import type {Found, TokenCache} from './token-cache.ts';
import type {Token} from './token.ts';

export interface FindTokenParts {
  readonly tokens: Pick<TokenCache, 'get' | 'peek'>;
  readonly rejections: Rejections;
  /** Asks Azure DevOps about a token that the asker reported as rejected. Does not reject. */
  readonly verify: (token: Token) => Promise<Verdict>;
}

/**
 * Returns the token for one asker. A rejected one is replaced once; after that Azure DevOps is asked, and the failure is
 * explained. `rejectedNow` is the fingerprint of the token that was rejected just now, according to the client.
 */
export async function findToken(
  wanted: Wanted,
  asker: Asker,
  rejectedNow: string | undefined,
  parts: FindTokenParts,
): Promise<Found> {
  const {tokens, rejections} = parts;
  // a client can make up a fingerprint, and a token that is no longer held need not be replaced
  if (rejectedNow !== undefined && rejectedNow === tokens.peek(wanted)?.fingerprint)
    rejections.reject(asker, rejectedNow);
  const isPat = wanted.identity.kind === 'pat';
  const isExplained = rejections.isExplained(asker);
  // an issuer always has another access token; a personal access token may have been replaced at its source
  if (!isPat && rejections.organizations.isLocked(asker))
    return {kind: 'failed', failure: whyLocked(wanted, asker, rejections)};
  if (!isPat && (isExplained || isReportedAgain(wanted, asker, parts))) return explain(wanted, asker, parts);
  const found = await replaceRejected(wanted, asker, parts);
  if (found.kind === 'token') {
    if (isExplained) rejections.startAfresh(asker);
    return found;
  }
  if (rejections.forgive(asker)) return tokens.get(wanted);
  if (found.failure !== sameAgain) return found;
  rejections.giveUp(asker);
  return explain(wanted, asker, parts);
}

/** Whether the asker rejects a token although Azure DevOps contradicted it a moment ago. */
function isReportedAgain(wanted: Wanted, asker: Asker, {tokens, rejections}: FindTokenParts): boolean {
  const held = tokens.peek(wanted)?.fingerprint;
  return held !== undefined && rejections.isContradicted(asker) && rejections.isRejected(asker, held);
}

/** Returns another token in place of a rejected one, or any token if none was rejected. */
async function replaceRejected(
  wanted: Wanted,
  asker: Asker,
  {tokens, rejections}: FindTokenParts,
): Promise<Found> {
  const isRejected = (fingerprint: string) => rejections.isRejected(asker, fingerprint);
  const held = tokens.peek(wanted)?.fingerprint;
  if (held === undefined || !isRejected(held)) return tokens.get(wanted, isRejected);
  // on the main socket, the source of a personal access token may be read at any time
  const isFree = wanted.identity.kind === 'pat' && !asker.scoped;
  if (!isFree && !rejections.startForcing(asker, held)) return {kind: 'failed', failure: notAcceptedHere};
  try {
    return await tokens.get(wanted, isRejected);
  } finally {
    rejections.endForcing(asker, held);
  }
}

/** Asks Azure DevOps before a token is withheld: a client's report may be wrong, or concern one repository only. */
async function explain(wanted: Wanted, asker: Asker, parts: FindTokenParts): Promise<Found> {
  const {tokens, rejections} = parts;
  const token = tokens.peek(wanted);
  if (token !== undefined && rejections.organizations.mayVerify(asker)) {
    const verdict = await parts.verify(token);
    rejections.judge(asker, verdict, token.fingerprint);
    if (verdict === 'works') return tokens.get(wanted);
  }
  const isOrganization = rejections.organizations.isLocked(asker);
  return {kind: 'failed', failure: isOrganization ? whyLocked(wanted, asker, rejections) : notAcceptedHere};
}

function whyLocked({identity: {kind}}: Wanted, asker: Asker, {organizations}: Rejections): Failure {
  return organizations.isEnded(asker)
    ? {
        code: CLAIMS_CHALLENGE,
        message: 'a policy of the tenant ended this token, and a fresh one too',
        hint: repairClaims(kind),
      }
    : {
        code: NOT_ACCEPTED,
        message: 'Azure DevOps rejects the credential, and a fresh one is rejected too or cannot be acquired',
        hint: repairMembership(kind),
      };
}

/** The code if Azure DevOps rejects a credential. */
export const NOT_ACCEPTED = 'ERR_NOT_ACCEPTED';

const notAcceptedHere: Failure = {
  code: 'ERR_REPOSITORY_REJECTED',
  message: 'Azure DevOps rejects the credential for this repository; other repositories are not affected',
  hint: 'Check the address of the repository, and give the identity Read on it.',
};

/** A client reports that Azure DevOps rejected the token. */
export const reportedRejection: Failure = {
  code: NOT_ACCEPTED,
  message: 'Azure DevOps rejected the credential',
  hint: undefined,
};
