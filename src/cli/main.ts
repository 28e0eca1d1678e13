import {homedir, tmpdir} from 'node:os';
import {setTimeout as wait} from 'node:timers/promises';
import {CommandError} from './command-error.ts';
import {commands} from './command-line.ts';
import type {Context} from './context.ts';
import {EXIT, type ExitCode} from './exit-code.ts';
import {explainError} from './explain-error.ts';
import {findProgram} from './find-program.ts';
import {parseCommandLine} from './parse-command-line.ts';
import {Terminal} from './terminal.ts';

/** Every command but `daemon`. Gives the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const terminal = new Terminal(process, process.env);
  try {
    return await run(argv, terminal);
  } catch (error) {
    const {message, hint, exitCode} = explainError(error);
    terminal.error(message, hint);
    return exitCode;
  }
}

async function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  if (process.platform === 'win32')
    throw new CommandError(EXIT.unhealthy, 'native Windows has no Unix sockets that Node could serve', {
      hint: 'run orgkey inside WSL',
    });
  const program = await findProgram(process.execPath);
  const parsed = await parseCommandLine(argv, commands, program.version);
  if (parsed.kind === 'text') {
    terminal.print(parsed.text);
    return EXIT.ok;
  }
  const context: Context = {
    terminal,
    environment: process.env,
    platform: process.platform,
    uid: process.getuid?.() ?? 0,
    home: process.env['HOME'] || homedir(),
    directory: process.cwd(),
    temporary: tmpdir(),
    program,
    now: () => Date.now(),
    wait: (milliseconds) => wait(milliseconds),
  };
  return parsed.run(context);
}
