import {secretForms} from '../secret/secret-forms.ts';

/** Replaces secrets that are known, in every form in which they travel, and whatever looks like one. */
export class Redactor {
  readonly #needles: readonly string[];

  /** Texts that must not stand in a report; what is shorter than eight signs would be found in innocent words. */
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

  /** A value of JSON: every text in it, and every name. */
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

/** Logins in URLs, tokens with three parts, Authorization headers, personal access tokens of both lengths. */
const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/(:\/\/)[^/\s"'@]*@/g, `$1${REDACTED}@`],
  [/eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g, REDACTED],
  [/\b(bearer|basic)\s+[\w+/=.~-]{16,}/gi, `$1 ${REDACTED}`],
  [/\b(?:[a-z2-7]{52}|[A-Za-z0-9]{84})\b/g, REDACTED],
];
