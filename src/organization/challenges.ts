/** One challenge of a `WWW-Authenticate` header. */
interface Challenge {
  /** In lower case: `bearer`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * Reads challenges by the grammar of the header: a header may have several, and parameters may be in any order.
 * Values without quotes may be addresses, as Azure DevOps sends them.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
 */
export function readChallenges(headers: readonly string[]): Challenge[] {
  return headers.flatMap(readHeader);
}

function readHeader(header: string): Challenge[] {
  const challenges: {scheme: string; parameters: Map<string, string>}[] = [];
  for (const [, name, quoted, plain, scheme] of header.matchAll(PIECE)) {
    if (scheme !== undefined) challenges.push({scheme: scheme.toLowerCase(), parameters: new Map()});
    else if (name !== undefined)
      challenges
        .at(-1)
        ?.parameters.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '');
  }
  return challenges;
}

const TOKEN = "[\\w!#$%&'*+.^`|~-]+";

/** A parameter, or a scheme; both follow a comma, a space or the start. */
const PIECE = new RegExp(
  String.raw`(?<=^|[\s,])(?:(${TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))|(${TOKEN}))(?=[\s,]|$)`,
  'g',
);
