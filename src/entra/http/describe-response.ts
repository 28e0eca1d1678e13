import type {IncomingHttpHeaders} from 'node:http';
import {parseRecord} from '../../text/record.ts';

/** The facts in a response that says no. */
interface Rejected {
  /** The `error` of OAuth, or the service's equivalent. */
  readonly error: string | undefined;
  /** `AADSTS7000222`, in the server's order. */
  readonly codes: readonly string[];
  readonly description: string;
}

/** Reads the body of a rejection. Entra, metadata services and Key Vault each have their own form. Fact 85. */
export function describeResponse(text: string): Rejected {
  const answer = parseRecord(text);
  const error = answer?.['error'];
  if (typeof error === 'string') {
    const given = answer?.['error_description'];
    const description = typeof given === 'string' ? given : '';
    return {error, description, codes: codesIn(answer, description)};
  }
  const nested: Readonly<Record<string, unknown>> =
    typeof error === 'object' && error !== null ? {...error} : (answer ?? {});
  const {code, message} = nested;
  const otherwise = answer === undefined ? firstLineOf(text) : '';
  const description = typeof message === 'string' ? message : otherwise;
  return {
    error: typeof code === 'string' ? code : undefined,
    description,
    codes: codesIn(answer, description),
  };
}

function firstLineOf(text: string): string {
  return text.trimStart().startsWith('<') ? 'a web page' : (text.trim().split('\n')[0] ?? '');
}

function codesIn(answer: Readonly<Record<string, unknown>> | undefined, description: string): string[] {
  const listed = Array.isArray(answer?.['error_codes']) ? answer['error_codes'] : [];
  const named = listed.filter((code) => Number.isInteger(code)).map((code) => `AADSTS${String(code)}`);
  const written = description.match(/\b(?:AADSTS\d{4,8}|(?:TF|VS)\d{4,7})\b/g) ?? [];
  return [...new Set([...written, ...named])].slice(0, 4);
}

/** A longer `Retry-After` is cut, in milliseconds: one try every few minutes harms no server, and ends its mistakes. */
const LONGEST_REST = 5 * 60_000;

/** Reads `Retry-After`, in seconds or as a date, and Azure's own header. Returns milliseconds from `now`. */
export function retryAfterOf(headers: IncomingHttpHeaders, now: number): number | undefined {
  const milliseconds = Number(headers['retry-after-ms'] ?? headers['x-ms-retry-after-ms'] ?? Number.NaN);
  if (milliseconds >= 0) return Math.min(milliseconds, LONGEST_REST);
  const given = headers['retry-after'];
  if (given === undefined) return undefined;
  const rest = /^\d+$/.test(given) ? Number(given) * 1000 : Date.parse(given) - now;
  return Number.isNaN(rest) ? undefined : Math.min(Math.max(0, rest), LONGEST_REST);
}
