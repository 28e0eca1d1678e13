import {fstatSync} from 'node:fs';
import type {DaemonOptions} from '../place.ts';
import {messageOf} from '../../text/orgkey-error.ts';
import {LiveSecrets} from '../record/live-secrets.ts';
import {LOG_LEVELS, createLog, type Log} from '../record/log.ts';
import {LogLines} from '../record/log-lines.ts';

export interface Logging {
  readonly log: Log;
  readonly logLines: LogLines;
  /** What the log hides. */
  readonly liveSecrets: LiveSecrets;
  /** Logs an error that is our own mistake. */
  readonly onUnexpected: (error: unknown) => void;
}

/** Makes the log. Without a `level` from the command line, the environment's counts. */
export function assembleLog(
  {logLevel: level, logFormat}: Pick<DaemonOptions, 'logLevel' | 'logFormat'>,
  environment: NodeJS.ProcessEnv,
): Logging {
  const logLines = new LogLines();
  const liveSecrets = new LiveSecrets();
  const wanted = level ?? environment['ORGKEY_LOG_LEVEL'];
  const log = createLog({
    level: LOG_LEVELS.find((known) => known === wanted) ?? 'info',
    form: logForm(logFormat ?? environment['ORGKEY_LOG_FORMAT'], environment),
    write: (line) => void process.stderr.write(`${line}\n`),
    record: (line) => logLines.add(line),
    now: Date.now,
    secrets: () => liveSecrets.all(),
  });
  const onUnexpected = (error: unknown) => log('error', `unexpected: ${stackOf(error)}`);
  return {log, logLines, liveSecrets, onUnexpected};
}

function stackOf(error: unknown): string {
  return (error instanceof Error ? error.stack : undefined) ?? messageOf(error);
}

function logForm(
  wanted: string | undefined,
  environment: NodeJS.ProcessEnv,
): 'journal' | 'terminal' | 'json' {
  if (wanted === 'json' || wanted === 'journal') return wanted;
  if (wanted === 'text') return 'terminal';
  if (isJournal(environment['JOURNAL_STREAM'])) return 'journal';
  return process.stderr.isTTY ? 'terminal' : 'json';
}

/** Whether stderr is the journal. The variable alone proves nothing: every child of a service inherits it. */
function isJournal(stream: string | undefined): boolean {
  if (stream === undefined) return false;
  try {
    const {dev, ino} = fstatSync(2, {bigint: true});
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
