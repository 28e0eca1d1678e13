import test from 'ava';
import {execFileSync} from 'node:child_process';
import {shellWord} from '../../src/text/quote-for-shell.ts';

const words: readonly [text: string, word: string][] = [
  ['/home/me/.config/orgkey/config.yaml', '/home/me/.config/orgkey/config.yaml'],
  ['credential.https://dev.azure.com/contoso.helper', 'credential.https://dev.azure.com/contoso.helper'],
  [`/home/h o'm "x/it`, `'/home/h o'\\''m "x/it'`],
  ['~/it', "'~/it'"],
  ['$(reboot)', "'$(reboot)'"],
  ['', "''"],
];

for (const [text, word] of words) {
  test(`one word of a command: ${text}`, (t) => {
    t.is(shellWord(text), word);
    t.is(execFileSync('sh', ['-c', `printf %s ${word}`], {encoding: 'utf8'}), text);
  });
}

test('what moves the cursor is shown as an escape, however long it is', (t) => {
  t.is(shellWord('/tmp/\u001b[2J'), String.raw`'/tmp/\u{1b}[2J'`);
  const long = `/${'directory/'.repeat(100)}`;
  t.is(shellWord(long), long);
});
