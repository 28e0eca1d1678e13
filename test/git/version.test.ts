import test from 'ava';
import {canBeSetUp, parseGitVersion, takesBearer} from '../../src/git/version.ts';
import {helperValue, pathInHelper} from '../../src/git/setting.ts';

for (const [text, setUp, bearer] of [
  ['git version 2.20.1', false, false],
  ['git version 2.30.0', true, false],
  ['git version 2.39.5 (Apple Git-154)', true, false],
  ['git version 2.45.9', true, false],
  ['git version 2.46.0-rc1', true, true],
  ['git version 2.55.GIT', true, true],
  ['git version 3.0.0', true, true],
] as const) {
  test(`the abilities of ${text}`, (t) => {
    const version = parseGitVersion(`${text}\n`);
    t.truthy(version);
    if (version === undefined) return;
    t.is(canBeSetUp(version), setUp);
    t.is(takesBearer(version), bearer);
  });
}

for (const text of ['', 'hub version 2', 'git version', 'git version x.y'])
  test(`not a version: ${JSON.stringify(text)}`, (t) => t.is(parseGitVersion(text), undefined));

for (const [value, ours] of [
  [helperValue('/opt/orgkey/git-credential-orgkey'), true],
  [helperValue("/opt/or'g key/git-credential-orgkey"), true],
  ["!'/opt/orgkey/git-credential-orgkey'", true],
  ["!'/opt/git-credential-orgkey' --mine", false],
  [`${helperValue('/opt/git-credential-orgkey')} --mine`, false],
  [`!script='/opt/git-credential-orgkey'; f() { echo mine; }; f`, false],
  ['orgkey', false],
  ['/opt/git-credential-orgkey', false],
  ["!'/opt/git-credential-orgkey-next'", false],
  ['', false],
] as const)
  test(`${value === '' ? 'nothing' : value} is ${ours ? '' : 'not '}ours`, (t) =>
    t.is(pathInHelper(value) !== undefined, ours));
