import test from 'ava';
import {namesOf} from '../../src/cli/line/command.ts';
import {commands} from '../../src/cli/line/command-line.ts';
import {isCommand, stepsOf} from '../../src/diagnostics/steps-of.ts';

const rows: readonly [repair: string, commands: readonly string[], advice: readonly string[]][] = [
  ['orgkey setup', ['orgkey setup'], []],
  ['start the daemon: orgkey service start', ['orgkey service start'], []],
  [
    'git remote set-url origin https://dev.azure.com/contoso/web/_git/site\nand revoke the password',
    ['git remote set-url origin https://dev.azure.com/contoso/web/_git/site'],
    ['and revoke the password'],
  ],
  ['orgkey logs\nthen: orgkey service restart', ['orgkey logs', 'orgkey service restart'], []],
  [
    'launchctl setenv https_proxy …, then: orgkey service restart',
    [],
    ['launchctl setenv https_proxy …, then: orgkey service restart'],
  ],
  ['usermod --append --groups orgkey USER', [], ['usermod --append --groups orgkey USER']],
  ['orgkey doctor --bundle FILE', [], ['orgkey doctor --bundle FILE']],
  [
    'orgkey asks again automatically; see https://status.dev.azure.com',
    [],
    ['orgkey asks again automatically; see https://status.dev.azure.com'],
  ],
  ['set http.sslCAInfo to the file', [], ['set http.sslCAInfo to the file']],
];

for (const [repair, commands, advice] of rows)
  test(`the steps of a repair: ${repair.split('\n', 1)[0] ?? ''}`, (t) => {
    t.deepEqual(stepsOf(repair), {commands, advice});
  });

test('every command of orgkey is one that can be run', (t) => {
  const names = commands.flatMap((command) => namesOf(command).slice(0, 1));
  const unknown = [...new Set(names)].filter((name) => !isCommand(`orgkey ${name}`));
  t.deepEqual(
    unknown,
    ['help', 'completion', 'helper', 'version', 'metrics'].filter((name) => unknown.includes(name)),
  );
});
