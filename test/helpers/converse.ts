import {spawn} from 'node:child_process';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import type {Person} from './command-line.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

/** Returns why this machine cannot make a terminal, or `undefined` if it can. */
export const whyNoTerminal = existsSync('/usr/bin/script')
  ? undefined
  : 'no script(1) to make a terminal with';

/** Runs a command on its own terminal, and answers each question when it comes. */
export function converse(
  person: Person,
  argv: readonly string[],
  answers: readonly [question: RegExp, answer: string][],
  environment: Readonly<Record<string, string>> = {},
): Promise<{code: number | null; screen: string}> {
  const command = [process.execPath, main, ...argv].map((word) => `'${word}'`).join(' ');
  const child = spawn(
    '/usr/bin/script',
    ['--quiet', '--flush', '--return', '--command', command, '/dev/null'],
    {
      cwd: person.home,
      env: {...person.environment, TERM: 'xterm', ...environment},
    },
  );
  const waiting = [...answers];
  let screen = '';
  let seen = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
    const [next] = waiting;
    const asked = next?.[0].exec(screen.slice(seen));
    if (next === undefined || !asked) return;
    seen += asked.index + asked[0].length;
    waiting.shift();
    child.stdin.write(next[1]);
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({code, screen})));
}
