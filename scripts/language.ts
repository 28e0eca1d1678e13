// usage: node scripts/language.ts [PATH...]
// Prints each construction that reads as a calque or costs a second reading, with its place and a better form.
// Scope: src whole, the titles and comments of tests and scripts, documents whole. Exit code 1 if there is any.
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {resolve} from 'node:path';
import {pathToFileURL} from 'node:url';

export interface Finding {
  readonly place: string;
  readonly words: string;
  readonly better: string;
}

const RULES: readonly (readonly [pattern: RegExp, better: string])[] = [
  [/\bwhoever\b/i, 'name the role: client, caller, user, administrator'],
  [/\bnobod(?:y|ies)\b/i, '"no client", "not …"; the anonymous user of a server: anonymous'],
  [/\bsomebod(?:y|ies)\b/i, 'another process, a user'],
  [/\b(?:is|are|was|were|be|been) told\b/i, 'is reported, is logged, we say'],
  [/\banew\b/i, 'again'],
  [/\bby (?:itself|themselves)\b/i, 'automatically, or the subject alone'],
  [/\b(?:is|are|was) over\b(?!\s+\d)/i, 'has ended, has expired'],
  [/(?:\/\*\*|^\s*\*) Gives\b/, 'Returns'],
  [/\b(?:is|are|was) no (?!longer\b|more than\b)/i, 'is not a …'],
  [/\b(?:is|are|was|were) none\b/i, 'is invalid, does not exist'],
  [/\b(?:he|him|his|himself)\b/i, 'the user, they'],
  [/(?:\/\/|\/\*\*?|^\s*\*|[.;:] ) ?Where\b(?! (?:is|are|to|it|state|logs)\b)/, 'If, When'],
  [/\bof (?:ours|yours|theirs)\b/i, 'our, your, their'],
  [/\bstands? (?:in|before|beside|between)\b/i, 'is in, precedes, is next to'],
  [/\bmend(?:s|ed|ing)?\b/i, 'repair'],
  [/\bfor good\b/i, 'permanently'],
  [/\bgoes? by it\b/i, 'uses it'],
];

/** Places that may use a listed construction, each with its reason. At most 10. */
const ALLOWED: readonly (readonly [path: string, words: RegExp, reason: string])[] = [
  ['scripts/language.ts', /.*/, 'the list itself'],
];

const root = resolve(import.meta.dirname, '..');

/** Returns every listed construction in the tracked files below `paths` (default: the whole repository). */
export function findConstructions(paths: readonly string[] = []): Finding[] {
  const listed = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard', '--', ...paths], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed
    .split('\0')
    .filter((path) => /^(?:src\/.*(?<!\.json)|(?:test|scripts)\/.*\.ts|[^/]*\.md|docs\/.*\.md)$/.test(path))
    .filter((path) => path !== 'CHANGELOG.md')
    .flatMap(findIn);
}

function findIn(path: string): Finding[] {
  const isWhole = path.startsWith('src/') || path.endsWith('.md');
  let text: string;
  try {
    text = readFileSync(resolve(root, path), 'utf8');
  } catch {
    return []; // deleted, not yet committed
  }
  return text.split('\n').flatMap((line, index) => {
    const scanned = isWhole ? line : proseOf(line);
    return RULES.flatMap(([pattern, better]) => {
      const words = pattern.exec(scanned)?.[0].trim();
      if (words === undefined || isAllowed(path, words)) return [];
      return [{place: `${path}:${index + 1}`, words, better}];
    });
  });
}

/** Comments, and the titles of tests: the first string of a call of `test`, and strings that are keys of tables. */
function proseOf(line: string): string {
  const comment = /(?:^|\s)(?:\/\/|\/\*\*?|\*) .*/.exec(line)?.[0] ?? '';
  const title =
    /\btest(?:\.\w+)*\(\s*(['"`].*)/.exec(line)?.[1] ?? /^\s*\[?(['"`].*['"`])\s*[:,]/.exec(line)?.[1] ?? '';
  return `${title} ${comment}`;
}

function isAllowed(path: string, words: string): boolean {
  return ALLOWED.some(([allowed, pattern]) => allowed === path && pattern.test(words));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const found = findConstructions(process.argv.slice(2));
  for (const {place, words, better} of found) console.log(`${place}: "${words}": ${better}`);
  console.log(`${found.length} constructions`);
  process.exitCode = found.length === 0 ? 0 : 1;
}
