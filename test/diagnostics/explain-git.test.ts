import test from 'ava';
import {explainGit} from '../../src/diagnostics/explain-git.ts';

const url = 'https://dev.azure.com/contoso/web/_git/site';
const world = {settings: [], environment: {}};

test('no second start is suggested if the daemon does not answer: its own check names the cause', (t) => {
  const said =
    'orgkey: error: the orgkey daemon does not answer\norgkey: hint: start it: orgkey service start\nfatal: could not read Username\n';
  t.deepEqual(explainGit({url, said, world}), {
    detail: 'the orgkey daemon does not answer',
    repair: undefined,
  });
});

test('the hint of another error is its repair', (t) => {
  const said =
    'orgkey: error: contoso: rejected (ERR_NOT_ACCEPTED)\norgkey: hint: run: orgkey login contoso\norgkey: hint: run: orgkey doctor contoso\n';
  t.deepEqual(explainGit({url, said, world}), {
    detail: 'contoso: rejected (ERR_NOT_ACCEPTED)',
    repair: 'orgkey login contoso',
  });
});
