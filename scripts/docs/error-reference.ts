import {readFileSync, readdirSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {allExplanations, type Explanation} from '../../src/entra/explanations.ts';
import {exitCodes} from './command-reference.ts';
import {code, page, table} from './markdown.ts';

interface ExplainedCode {
  readonly code: string;
  readonly meaning: string;
  readonly action: string;
}

/** Node's codes, which the program only compares with. */
const CODES_OF_NODE: ReadonlySet<string> = new Set([
  'ERR_PROXY_TUNNEL',
  'ERR_SSL',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

const root = resolve(import.meta.dirname, '../..');

const ownCodes: readonly ExplainedCode[] = JSON.parse(
  readFileSync(join(root, 'scripts/own-error-codes.json'), 'utf8'),
);

/** Returns docs/errors.md. */
export function errorReference(): string {
  return page([
    '# Errors',
    'Every error has a code, which does not change between versions. To search by the text of a message, see [troubleshooting.md](troubleshooting.md).',
    '## Exit codes',
    table(
      ['Code', ''],
      exitCodes().map(([number, meaning]) => [code(String(number)), meaning]),
    ),
    '## Codes of orgkey',
    codeTable(ownCodes),
    '## Codes of Entra and Azure DevOps',
    'Place says who repairs it: `app` is the owner of the app registration, `tenant` an admin of the tenant, `organization` an admin of the organization, `connection` the owner of the service connection, `machine` the operator of this machine and its configuration, `person` the user who signs in.',
    table(
      ['Code', 'Place', 'Meaning', 'Repair'],
      [...allExplanations()].map((entry) => [code(entry.code), entry.place, entry.meaning, repairs(entry)]),
    ),
  ]);
}

/** Returns what is wrong with the list of codes: each code in `src` is explained once, and no other is. */
export function codeProblems(): string[] {
  const shown = shownCodes();
  const explained = ownCodes.map(({code: name}) => name);
  return [
    ...[...shown]
      .filter((name) => !explained.includes(name))
      .map((name) => `scripts/own-error-codes.json lacks ${name}`),
    ...explained
      .filter((name) => !shown.has(name))
      .map((name) => `scripts/own-error-codes.json explains ${name}, which is not in src/`),
    ...explained
      .filter((name, at) => explained.indexOf(name) !== at)
      .map((name) => `scripts/own-error-codes.json explains ${name} twice`),
    ...(explained.toSorted().join() === explained.join()
      ? []
      : ['scripts/own-error-codes.json is not sorted']),
  ];
}

function shownCodes(): ReadonlySet<string> {
  const files = readdirSync(join(root, 'src'), {recursive: true, encoding: 'utf8'});
  const names = files
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => [...readFileSync(join(root, 'src', file), 'utf8').matchAll(/'(ERR_[A-Z0-9_]+)'/g)])
    .map(([, name = '']) => name);
  return new Set(names.filter((name) => !CODES_OF_NODE.has(name)));
}

/** Returns the repair, and the one of other kinds of identity if it differs. */
function repairs({action, actions = {}}: Explanation): string {
  const others = Object.entries(actions).map(([actor, other]) => `${ACTORS[actor] ?? actor}: ${other}`);
  return [action, ...others].join(' ');
}

const ACTORS: Readonly<Record<string, string>> = {
  person: 'Users',
  app: 'Applications',
  machine: 'Managed identities',
  pat: 'Personal access tokens',
};

function codeTable(codes: Iterable<ExplainedCode>): string {
  return table(
    ['Code', 'Meaning', 'Repair'],
    [...codes].map(({code: name, meaning, action}) => [code(name), meaning, action]),
  );
}
