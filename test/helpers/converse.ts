import {spawn} from 'node:child_process';
import {existsSync} from 'node:fs';
import {main, type Person} from './command-line.ts';

/** Why no terminal can be made here; `undefined` if one can. */
export const whyNoTerminal = existsSync('/usr/bin/script')
  ? undefined
  : 'script(1), which makes a terminal, is not installed';

/**
 * Runs a command on a terminal of its own and answers its questions, each when it is asked. Fails with what is on the
 * screen if a question is not asked, or if the command does not end.
 */
export function converse(
  person: Person,
  argv: readonly string[],
  answers: readonly [question: RegExp, answer: string | ((found: RegExpExecArray) => string)][],
  environment: Readonly<Record<string, string>> = {},
): Promise<{code: number | null; screen: string}> {
  const command = [process.execPath, main, ...argv].map((word) => `'${word}'`).join(' ');
  const child = spawn(
    '/usr/bin/script',
    ['--quiet', '--flush', '--return', '--command', command, '/dev/null'],
    {cwd: person.home, env: {...person.environment, TERM: 'xterm', ...environment}},
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
    const [, answer] = next;
    child.stdin.write(typeof answer === 'string' ? answer : answer(asked));
  });
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => {
      child.kill();
      const [next] = waiting;
      reject(
        new Error(`${next === undefined ? 'no end' : `no question ${next[0]}`} on the screen:\n${screen}`),
      );
    }, LONGEST);
    child.once('close', (code) => {
      clearTimeout(limit);
      resolve({code, screen});
    });
  });
}

/** In milliseconds. Long, because it only ends a test that fails anyway. */
const LONGEST = 60_000;
