import {tmpdir} from 'node:os';
import {setTimeout as wait} from 'node:timers/promises';
import {SCHEMA_VERSION} from '../control/control-protocol.ts';
import {homeDirectory} from '../places/home-directory.ts';
import {CommandError} from './command-error.ts';
import {commands, groups} from './line/command-line.ts';
import {complete} from './line/complete.ts';
import type {Context, Program} from './context.ts';
import {EXIT} from './exit-code.ts';
import {explainError} from './explain-error.ts';
import {findProgram} from './find-program.ts';
import {parseCommandLine} from './line/parse-command-line.ts';
import {Terminal} from './terminal.ts';
import {namesIn} from '../identity/bindings.ts';

/** Runs every command except `daemon`. Returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const terminal = new Terminal(process, process.env);
  try {
    return await run(argv, terminal);
  } catch (error) {
    const {code, message, hint, exitCode} = explainError(error);
    if (wantsJson(argv)) terminal.printJson({schemaVersion: SCHEMA_VERSION, error: {code, message, hint}});
    terminal.error(message, hint);
    return exitCode;
  }
}

/** What follows `--` belongs to another program. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end === -1 ? argv : argv.slice(0, end)).includes('--json');
}

async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  if (process.platform === 'win32')
    throw new CommandError(EXIT.unhealthy, 'Node cannot serve Unix sockets on native Windows', {
      hint: 'run orgkey inside WSL',
    });
  const program = await findProgram(process.execPath);
  const context = contextOf(program, terminal);
  if (argv[0] === '--complete') {
    const names = () => organizationNames(context);
    terminal.write((await complete(argv.slice(1), commands, names)).map((word) => `${word}\n`).join(''));
    return EXIT.ok;
  }
  const parsed = await parseCommandLine(argv, {
    commands,
    groups,
    version: program.version,
    columns: Math.min(80, terminal.columns),
  });
  if (parsed.kind === 'command') return parsed.run(context);
  terminal.print(parsed.text);
  return EXIT.ok;
}

function contextOf(program: Program, terminal: Terminal): Context {
  return {
    terminal,
    environment: process.env,
    platform: process.platform,
    uid: process.getuid?.() ?? 0,
    home: homeDirectory(process.env),
    directory: process.cwd(),
    temporary: tmpdir(),
    program,
    now: () => Date.now(),
    wait: (milliseconds) => wait(milliseconds),
  };
}

/** Returns names for the completion, which proposes nothing if the configuration cannot be read. */
async function organizationNames(context: Context): Promise<string[]> {
  const {loadFor} = await import('./read-configuration.ts');
  const loaded = await loadFor({}, context);
  return loaded.kind === 'loaded' ? namesIn(loaded.configuration.bindings) : [];
}
