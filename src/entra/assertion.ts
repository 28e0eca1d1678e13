import {printable} from '../text/printable.ts';
import {isRecord, parseRecord} from '../text/record.ts';

/** What a client assertion says of itself, for advice only. No part of it is secret. */
export interface AssertionFacts {
  readonly issuer?: string | undefined;
  readonly subject?: string | undefined;
  readonly audience?: string | undefined;
  /** Milliseconds since it was issued, by the clock of the server that rejected it. */
  readonly age?: number | undefined;
  /** Whether its time had passed by that clock. */
  readonly hasExpired?: boolean | undefined;
}

/** Reads an assertion without checking it. `now` is the server's time, in milliseconds since epoch. */
export function readAssertion(token: string, now: number): AssertionFacts {
  const claims = parseRecord(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  const {iss, sub, aud, iat, nbf, exp} = claims ?? {};
  const issuedAt = typeof iat === 'number' ? iat : nbf;
  return {
    issuer: textOf(iss),
    subject: textOf(sub),
    audience: textOf(aud),
    age: typeof issuedAt === 'number' ? now - issuedAt * 1000 : undefined,
    hasExpired: typeof exp === 'number' ? exp * 1000 < now : undefined,
  };
}

/** Reads the facts that an acquirer sent. */
export function assertionFactsFrom(value: unknown): AssertionFacts | undefined {
  if (!isRecord(value)) return undefined;
  const {issuer, subject, audience, age, hasExpired} = value;
  return {
    issuer: textOf(issuer),
    subject: textOf(subject),
    audience: textOf(audience),
    age: typeof age === 'number' ? age : undefined,
    hasExpired: typeof hasExpired === 'boolean' ? hasExpired : undefined,
  };
}

/**
 * Returns what Entra compared with the federated credential. Its description names one part in a sentence, or several
 * after the sentence; what it does not name, the assertion itself does.
 * Fact 89.
 */
export function comparedParts(description: string, own: AssertionFacts | undefined): AssertionFacts {
  const single = /presented assertion (issuer|subject|audience) '([^']+)'/.exec(description);
  if (single !== null) return {[single[1] ?? '']: single[2]};
  const parts: Record<string, string> = {};
  for (const [, name = '', value = ''] of description.matchAll(PART))
    parts[name.toLowerCase()] = value.replaceAll(/^['`]|['`]?\.?['`]?$/g, '');
  return {issuer: own?.issuer, subject: own?.subject, ...parts};
}

const PART = /Assertion (Issuer|Subject|Audience): (.+?)(?=\s+Assertion |\s+Trace ID|\s+https:|[\r\n]|$)/g;

/** Describes these parts as the end of a sentence; empty if none is known. */
export function describeParts({issuer, subject, audience}: AssertionFacts): string {
  const named = [
    ['issuer', issuer],
    ['subject', subject],
    ['audience', audience],
  ].flatMap(([name, value]) => (value === undefined ? [] : [`${name ?? ''} ${printable(value, 300)}`]));
  const [first, ...others] = named;
  return first === undefined
    ? ''
    : [`: the assertion's ${first.replace(' ', ' is ')}`, ...others.map((part) => `its ${part}`)].join(', ');
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
