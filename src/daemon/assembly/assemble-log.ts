import {messageOf} from '../../text/orgkey-error.ts';
import {LiveSecrets} from '../record/live-secrets.ts';
import {LOG_LEVELS, createLog, type Log} from '../record/log.ts';
import {LogLines} from '../record/log-lines.ts';

/** The log and what belongs to it. */
export interface Logging {
  readonly log: Log;
  readonly logLines: LogLines;
  /** What the log hides. */
  readonly liveSecrets: LiveSecrets;
  /** Logs an error that is our own mistake. */
  readonly onUnexpected: (error: unknown) => void;
}

/** Makes the log. Without a `level` from the command line, the environment's counts. */
export function assembleLog(level: string | undefined, environment: NodeJS.ProcessEnv): Logging {
  const logLines = new LogLines();
  const liveSecrets = new LiveSecrets();
  const wanted = level ?? environment['ORGKEY_LOG_LEVEL'];
  const log = createLog({
    level: LOG_LEVELS.find((known) => known === wanted) ?? 'info',
    form: logForm(environment),
    write(line) {
      logLines.add(line);
      process.stderr.write(`${line}\n`);
    },
    now: Date.now,
    secrets: () => liveSecrets.all(),
  });
  const onUnexpected = (error: unknown) => log('error', `unexpected: ${stackOf(error)}`);
  return {log, logLines, liveSecrets, onUnexpected};
}

function stackOf(error: unknown): string {
  return (error instanceof Error ? error.stack : undefined) ?? messageOf(error);
}

function logForm(environment: NodeJS.ProcessEnv): 'journal' | 'terminal' | 'json' {
  if (environment['JOURNAL_STREAM'] !== undefined) return 'journal';
  return process.stderr.isTTY ? 'terminal' : 'json';
}
