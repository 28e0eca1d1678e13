import {parseArgs} from 'node:util';
import {endProcess} from './end-process.ts';
import {LOG_LEVELS} from './record/log.ts';
import {runDaemon} from './run-daemon.ts';

/** `orgkey daemon`. Gives the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv.slice(1));
  if ('error' in options) {
    process.stderr.write(`orgkey: error: ${options.error}\norgkey: hint: run: orgkey daemon --help\n`);
    return USAGE;
  }
  // not by running out of work: Node closes its listeners then, and would remove a socket that is somebody else's by now
  return endProcess(await codeOf(runDaemon(options, process.env)));
}

/** Of a life that failed as well: some socket may be bound by then, and would keep the process. */
async function codeOf(life: Promise<number>): Promise<number> {
  try {
    return await life;
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`orgkey: error: ${why}\n`);
    return FAILED;
  }
}

const FAILED = 1;

const USAGE = 2;

interface Options {
  readonly config: string | undefined;
  readonly runtimeDir: string | undefined;
  readonly stateDir: string | undefined;
  readonly logLevel: string | undefined;
}

function readOptions(args: string[]): Options | {readonly error: string} {
  try {
    const {values} = parseArgs({
      args,
      options: {
        config: {type: 'string'},
        'runtime-dir': {type: 'string'},
        'state-dir': {type: 'string'},
        'log-level': {type: 'string'},
      },
    });
    const logLevel = values['log-level'];
    if (logLevel !== undefined && !LOG_LEVELS.some((level) => level === logLevel)) {
      return {error: `the log level is one of ${LOG_LEVELS.join(', ')}`};
    }
    return {
      config: values.config,
      runtimeDir: values['runtime-dir'],
      stateDir: values['state-dir'],
      logLevel,
    };
  } catch (error) {
    return {error: error instanceof Error ? error.message : String(error)};
  }
}
