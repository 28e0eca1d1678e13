import {parseArgs} from 'node:util';
import {messageOf} from '../text/orgkey-error.ts';
import {endProcess} from './end-process.ts';
import {absolutePaths, joinPaths} from '../places/paths.ts';
import type {DaemonOptions} from './place.ts';
import {LOG_LEVELS} from './record/log.ts';
import {runDaemon} from './run-daemon.ts';

/** Runs `orgkey daemon`. Returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv.slice(1));
  if ('error' in options) {
    process.stderr.write(`orgkey: error: ${options.error}\norgkey: hint: run: orgkey daemon --help\n`);
    return USAGE;
  }
  // a process that runs out of work closes its listeners, which would remove a socket that is another process' by now
  return endProcess(await exitCodeOf(runDaemon(options, process.env)));
}

/** Handles failures too: a socket may be bound already, and would keep the process alive. */
async function exitCodeOf(life: Promise<number>): Promise<number> {
  try {
    return await life;
  } catch (error) {
    const why = (error instanceof Error ? error.stack : undefined) ?? messageOf(error);
    process.stderr.write(`orgkey: error: ${why}\n`);
    return FAILED;
  }
}

const FAILED = 1;

const USAGE = 2;

const LOG_FORMATS: readonly string[] = ['json', 'journal', 'text'];

function readOptions(args: string[]): DaemonOptions | {readonly error: string} {
  try {
    const {values} = parseArgs({
      args,
      options: {
        config: {type: 'string', multiple: true},
        'runtime-dir': {type: 'string'},
        'state-dir': {type: 'string'},
        'log-level': {type: 'string'},
        'log-format': {type: 'string'},
      },
    });
    const logLevel = values['log-level'];
    const base = {directory: process.cwd(), home: undefined};
    if (logLevel !== undefined && !LOG_LEVELS.some((level) => level === logLevel)) {
      return {error: `the log level must be one of ${LOG_LEVELS.join(', ')}`};
    }
    const logFormat = values['log-format'];
    if (logFormat !== undefined && !LOG_FORMATS.includes(logFormat))
      return {error: `the log format must be one of ${LOG_FORMATS.join(', ')}`};
    return {
      config: values.config && joinPaths(values.config.map((path) => absolutePaths(path, base))),
      runtimeDir: values['runtime-dir'],
      stateDir: values['state-dir'],
      logLevel,
      logFormat,
    };
  } catch (error) {
    return {error: messageOf(error)};
  }
}
