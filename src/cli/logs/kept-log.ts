import {execFile} from 'node:child_process';
import {readFile} from 'node:fs/promises';
import {promisify} from 'node:util';
import {daemonLog} from '../../service/daemon-log.ts';
import {parseRecord, type JsonRecord} from '../../text/record.ts';
import type {Context, Places} from '../context.ts';
import {runtimeDirectoryOfDaemon, setupDirectories, stateDirectoryOf, SYSTEM_RUNTIME} from '../locate.ts';
import {recallFirst} from '../setup/remember-service.ts';

export interface Wanted {
  /** The last ones only. */
  readonly most: number;
  /** Milliseconds since epoch. */
  readonly from: number;
}

/**
 * Returns the lines of the log that outlive the daemon, as JSON: those of the journal if systemd runs it, else those of
 * the file that a daemon without a supervisor logs to.
 */
export async function readKeptLog(
  wanted: Wanted,
  options: Places,
  context: Context,
): Promise<readonly string[] | undefined> {
  const runtime = runtimeDirectoryOfDaemon(options, context);
  const remembered = await recallFirst(setupDirectories(options, context));
  const kind = runtime === SYSTEM_RUNTIME ? 'systemd-system' : remembered?.kind;
  if (kind === 'systemd-system' || kind === 'systemd-user') return readJournal(kind, wanted, context);
  const path = daemonLog(stateDirectoryOf(runtime, options, context));
  const texts = await Promise.all(
    [`${path}.1`, path].map((one) => readFile(one, 'utf8').catch(() => undefined)),
  );
  if (texts.every((text) => text === undefined)) return undefined;
  return texts.flatMap((text) => text?.split('\n') ?? []).filter((line) => line !== '');
}

/** `undefined`: this machine has no journal, or we may not read it. */
async function readJournal(
  kind: 'systemd-user' | 'systemd-system',
  {most, from}: Wanted,
  {environment}: Context,
): Promise<readonly string[] | undefined> {
  const unit = kind === 'systemd-user' ? '--user-unit=orgkey.service' : '--unit=orgkey.service';
  const since = Number.isFinite(from) ? [`--since=@${Math.floor(from / 1000)}`] : [];
  const isAll = Number.isFinite(from) && !Number.isFinite(most);
  const lines = isAll ? [] : [`--lines=${Math.min(most, MOST_LINES)}`];
  const format = ['--output=json', '--output-fields=MESSAGE,PRIORITY', '--no-pager', '--quiet'];
  try {
    const {stdout} = await promisify(execFile)('journalctl', [unit, ...format, ...since, ...lines], {
      env: {...environment},
      maxBuffer: MOST_BYTES,
    });
    return stdout.split('\n').flatMap((line) => lineFrom(parseRecord(line)) ?? []);
  } catch {
    return undefined;
  }
}

/** Returns an entry of the journal as the daemon's own line. Details follow the message as JSON. */
function lineFrom(entry: JsonRecord | undefined): string | undefined {
  const {__REALTIME_TIMESTAMP: microseconds, MESSAGE: message, PRIORITY: priority} = entry ?? {};
  if (typeof microseconds !== 'string' || typeof message !== 'string') return undefined;
  const time = new Date(Number(microseconds) / 1000).toISOString();
  const at = message.indexOf(' {"');
  const details = at === -1 ? undefined : parseRecord(message.slice(at));
  return JSON.stringify({
    time,
    level: LEVELS[Number(priority)] ?? 'error',
    message: details === undefined ? message : message.slice(0, at),
    ...details,
  });
}

/** By syslog's priorities; those before are errors. */
const LEVELS: Readonly<Record<number, string>> = {4: 'warn', 5: 'info', 6: 'info', 7: 'debug'};

/** As many as a daemon keeps in memory. */
const MOST_LINES = 500;

const MOST_BYTES = 256 * 1024 * 1024;
