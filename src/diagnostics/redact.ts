import {secretForms} from '../secret/secret-forms.ts';

/** Replaces known secrets, in every form in which they travel, and everything that looks like a secret. */
export class Redactor {
  readonly #needles: readonly string[];

  /** `secrets`: texts that may not appear in a report. Short ones are ignored: ordinary words contain them. */
  constructor(secrets: Iterable<string>) {
    const needles = new Set<string>();
    for (const secret of secrets) {
      if (secret.length < SHORTEST) continue;
      for (const form of secretForms(secret)) needles.add(form);
    }
    // the longest first: one may be part of another
    this.#needles = [...needles].toSorted((one, other) => other.length - one.length);
  }

  text(text: string): string {
    let safe = text;
    for (const needle of this.#needles) safe = safe.replaceAll(needle, REDACTED);
    for (const [pattern, replacement] of SHAPES) safe = safe.replaceAll(pattern, replacement);
    return safe;
  }

  /** Redacts every text and every name in a JSON value. */
  value(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((item: unknown) => this.value(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, item]: [string, unknown]) => [this.text(name), this.value(item)]),
    );
  }
}

const REDACTED = '[redacted]';

/** In UTF-16 code units. */
const SHORTEST = 8;

/**
 * Logins and queries of URLs, tokens of three parts, Authorization headers, personal access tokens of both lengths. A
 * login ends at the last `@`: passwords may hold `@` and `/`.
 */
const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/(:\/\/)[^\s"']*@/g, `$1${REDACTED}@`],
  [/(:\/\/[^\s"'?#]*\?)[^\s"']+/g, `$1${REDACTED}`],
  [/eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g, REDACTED],
  [/\b(bearer|basic)\s+[\w+/=.~-]{16,}/gi, `$1 ${REDACTED}`],
  [/\b(?:[a-z2-7]{52}|[A-Za-z0-9]{84})\b/g, REDACTED],
];
