import type * as z from 'zod';
import {chosenKind} from '../build/build-identity.ts';
import {CREDENTIAL_KINDS, type CredentialKind} from './credential-kinds.ts';
import {isMisspelt, nearestWord} from '../../text/nearest-word.ts';
import type {Problems} from '../text/problems.ts';
import {
  anyCredentialSchema,
  credentialSchema,
  FLAG,
  integrationSchema,
  LIST,
  MAPPING,
  orgkeySchema,
} from './schema.ts';
import {hasPlaceholder} from '../value/substitute.ts';
import {sourceOf, type Parts, type Written, type WrittenMap} from '../text/written.ts';

/** Holds what is written against the schema. Only keys and types are looked at: values are not known yet. */
export function checkShape({azure, orgkey, sources}: Parts, problems: Problems): void {
  for (const {name, at} of sources) tellSource(name, at, problems);
  refuseIncludes(azure, problems);
  refuseIncludes(orgkey, problems);
  if (isThere(orgkey)) check(orgkey, 'orgkey', orgkeySchema, problems);
  if (!isThere(azure)) return;
  if (azure.kind !== 'list') {
    if (!isInclude(azure)) problems.error(azure.at, `azure must be ${LIST}: begin each host with a hyphen`);
    return;
  }
  for (const integration of azure.items) {
    check(integration, 'azure', integrationSchema, problems);
    const credentials =
      integration.kind === 'map' ? integration.entries.get('credentials')?.value : undefined;
    if (credentials?.kind === 'list') for (const item of credentials.items) checkCredential(item, problems);
  }
}

/** What is absent or empty has no shape to be checked. */
function isThere(written: Written | undefined): written is Written {
  return written !== undefined && written.kind !== 'nothing';
}

const SCHEMAS: ReadonlyMap<CredentialKind['kind'], z.ZodObject> = new Map(
  CREDENTIAL_KINDS.map((kind) => [kind.kind, credentialSchema(kind)]),
);

const ANY_CREDENTIAL = anyCredentialSchema();

function checkCredential(credential: Written, problems: Problems): void {
  if (credential.kind !== 'map') {
    problems.refuse(credential.at, `a credential must be ${MAPPING}`);
    return;
  }
  const chosen = chosenKind(credential);
  const schema = chosen.kind === 'fits' ? SCHEMAS.get(chosen.fits.kind) : undefined;
  check(credential, 'credentials', schema ?? ANY_CREDENTIAL, problems);
}

/** Whole parts of the file cannot come from elsewhere: who gives out which credential must stand in one place. */
function refuseIncludes(written: Written | undefined, problems: Problems): void {
  if (written?.kind === 'list') for (const item of written.items) refuseIncludes(item, problems);
  if (written?.kind !== 'map') return;
  for (const [key, {keyAt, value}] of written.entries) {
    if (key === INCLUDE) tellSource(key, keyAt, problems);
    else refuseIncludes(value, problems);
  }
}

const INCLUDE = '$include';

function isInclude(written: Written): boolean {
  return written.kind === 'map' && written.entries.has(INCLUDE);
}

/** A key that begins with `$` where a mapping or a list belongs. */
function tellSource(name: string, at: number, problems: Problems): void {
  if (name === INCLUDE)
    problems.error(
      at,
      '$include is not supported: it must show in one file who acts for which organization',
      'write it here, and secrets with $file',
    );
  else problems.error(at, 'unknown key', SINGLE);
}

const SINGLE = 'what begins with $ stands for a single value, as in personalAccessToken: {$file: …}';

/** `name` is the key that the value stands under. */
function check(written: Written, name: string, schema: z.ZodType, problems: Problems): void {
  // only a single value can come from elsewhere
  const {error} = schema.safeParse(written.kind === 'map' ? plainMap(written) : plain(written));
  for (const issue of error?.issues ?? []) tell(issue, written, name, problems);
}

/** What stands for text that is not known yet. */
const UNKNOWN = '${}';

function plain(written: Written): unknown {
  switch (written.kind) {
    case 'text':
      return hasPlaceholder(written.text) ? UNKNOWN : written.text;
    case 'number':
    case 'flag':
      return written.value;
    case 'nothing':
      return null;
    case 'list':
      return written.items.map(plain);
    case 'map':
      // what a source must look like is told by who reads it
      return sourceOf(written) === undefined ? plainMap(written) : UNKNOWN;
  }
}

function plainMap(map: WrittenMap): unknown {
  // without a prototype, or a key __proto__ would be none
  const result: Record<string, unknown> = Object.create(null);
  for (const [key, {value}] of map.entries) result[key] = plain(value);
  return result;
}

function tell(issue: z.core.$ZodIssue, root: Written, rootName: string, problems: Problems): void {
  const {found, parent, entryAt, label} = locate(root, issue.path, rootName);
  if (issue.code === 'unrecognized_keys') {
    if (found?.kind === 'map') tellUnknown(found, issue.keys, issue.message.split(' '), problems);
    return;
  }
  const expected = issue.message;
  if (found === undefined) return tellMissing(parent, label, problems);
  if (found.kind === 'nothing') {
    // where YAML made nothing of what stands there, that is told already
    if (!problems.isToldAt(found.at)) problems.refuse(entryAt ?? found.at, `${label} has no value`);
    return;
  }
  if ((found.kind === 'number' || found.kind === 'flag') && !UNQUOTED.has(expected)) {
    const taken = found.kind === 'number' ? 'a number' : 'true or false';
    return problems.refuse(found.at, `YAML reads this as ${taken}: put quotes around it`);
  }
  if (isInclude(found)) return;
  const hint = sourceOf(found) === undefined ? undefined : SINGLE;
  problems.refuse(found.at, `${label} must be ${expected}`, hint);
}

/** What is expected where quotes would not help. */
const UNQUOTED: ReadonlySet<string> = new Set([LIST, MAPPING, FLAG, 'a number', 'a size as in 10MiB']);

function tellMissing(parent: Written | undefined, label: string, problems: Problems): void {
  if (parent?.kind !== 'map') return;
  if (!isMisspelt(label, parent.entries.keys())) problems.error(parent.at, `${label} is missing`);
}

/** An unknown key is not shown: where quotes or a space are missing, it can be a secret. */
function tellUnknown(
  map: WrittenMap,
  keys: readonly string[],
  known: readonly string[],
  problems: Problems,
): void {
  for (const key of keys) {
    const at = map.entries.get(key)?.keyAt ?? map.at;
    if (key.startsWith('$')) {
      tellSource(key, at, problems);
      continue;
    }
    const meant = nearestWord(
      key,
      known.filter((word) => !map.entries.has(word)),
    );
    if (meant === undefined) problems.error(at, 'unknown key', `possible here: ${known.join(', ')}`);
    else problems.error(at, 'unknown key', `did you mean ${meant}?`);
  }
}

interface Located {
  /** `undefined`: the key is missing. */
  readonly found: Written | undefined;
  readonly parent: Written | undefined;
  /** Where the key stands. */
  readonly entryAt: number | undefined;
  /** The last key on the way. */
  readonly label: string;
}

function locate(root: Written, path: readonly PropertyKey[], rootName: string): Located {
  let located: Located = {found: root, parent: undefined, entryAt: undefined, label: rootName};
  for (const step of path) {
    const here = located.found;
    if (here?.kind === 'list' && typeof step === 'number') {
      located = {...located, found: here.items[step], parent: here};
    } else {
      const key = String(step);
      const entry = here?.kind === 'map' ? here.entries.get(key) : undefined;
      located = {found: entry?.value, parent: here, entryAt: entry?.keyAt, label: key};
    }
  }
  return located;
}
