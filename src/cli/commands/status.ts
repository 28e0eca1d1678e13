import {
  SCHEMA_VERSION,
  type Notice,
  type OrganizationStatus,
  type Status,
} from '../../control/control-protocol.ts';
import {printable} from '../../text/printable.ts';
import type {Context, Places} from '../context.ts';
import {describeDuration} from '../describe-time.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {explainError} from '../explain-error.ts';
import {connectDaemon, withDaemon} from '../find-daemon.ts';
import {layTable} from '../table.ts';
import {style} from '../terminal.ts';

interface StatusOptions extends Places {
  readonly watch: boolean;
  readonly json: boolean;
}

/** `orgkey status` */
export async function status(options: StatusOptions, context: Context): Promise<ExitCode> {
  if (options.watch) return watch(options, context);
  const found = await withDaemon(options, context, (daemon) => daemon.call('status', undefined));
  show(found, options, context);
  return found.health === 'red' ? EXIT.unhealthy : EXIT.ok;
}

/** Until it is interrupted, or nobody reads any more. A daemon that is restarted meanwhile is found again. */
async function watch(options: StatusOptions, context: Context): Promise<ExitCode> {
  while (context.terminal.isHeard) {
    try {
      const daemon = await connectDaemon(options, context);
      try {
        while (context.terminal.isHeard) {
          show(await daemon.call('status', undefined), options, context);
          await context.wait(EACH);
        }
      } finally {
        daemon.close();
      }
    } catch (error) {
      const {message, hint} = explainError(error);
      context.terminal.error(message, hint);
      await context.wait(EACH);
    }
  }
  return EXIT.ok;
}

function show(found: Status, {json, watch}: StatusOptions, {terminal, now}: Context): void {
  if (json && watch) {
    terminal.write(`${JSON.stringify({schemaVersion: SCHEMA_VERSION, ...found})}\n`);
    return;
  }
  if (json) {
    terminal.printJson({schemaVersion: SCHEMA_VERSION, ...found});
    return;
  }
  const text = describeStatus(found, now(), terminal.columns).join('\n');
  if (watch && terminal.isScreen) terminal.redraw(text);
  else terminal.print(text);
}

/** The whole status, in lines of at most so many columns. */
export function describeStatus(found: Status, now: number, columns: number): string[] {
  const [titles = '', ...rows] = layTable(
    COLUMNS,
    found.organizations.map((one) => rowOf(one, now)),
    columns,
  );
  const {served, passed, failed, medianMs} = found.requests;
  const median = medianMs === undefined ? '' : `, median ${medianMs.toFixed(medianMs < 10 ? 1 : 0)} ms`;
  const about = [
    `${served} served, ${passed} passed on, ${failed} failed${median}`,
    `orgkey ${printable(found.version, 20)}, up ${describeDuration(now - found.startedAt)}`,
    `${Math.round(found.memory.residentBytes / 1e6)} MB`,
    `pid ${found.pid}`,
  ];
  return [
    style('bold', titles),
    ...rows.map((row, at) => colored(row, found.organizations[at])),
    ...(rows.length === 0 ? [style('dim', 'no organization is configured')] : []),
    '',
    ...wrap(about.join(' · '), columns),
    ...found.sockets.filter(({organizations}) => organizations !== undefined).map(describeSocket),
    ...found.notices.flatMap((notice) => describeNotice(notice)),
    ...(found.health === 'green' ? [style('green', 'everything is well')] : []),
  ];
}

function rowOf(one: OrganizationStatus, now: number): string[] {
  const host = one.host === 'dev.azure.com' ? '' : `${one.host}/`;
  return [
    printable(`${host}${one.organization ?? '(any other)'}`, 60),
    printable(one.identity, 60),
    describeToken(one, now),
    String(one.requests),
    one.lastFailure === undefined ? '' : printable(one.lastFailure.code, 40),
  ];
}

function describeToken({state, expiresAt}: OrganizationStatus, now: number): string {
  const left = expiresAt === undefined ? '' : `, ${describeDuration(expiresAt - now)}`;
  return state === 'none' ? '–' : `${state}${left}`;
}

function colored(row: string, one: OrganizationStatus | undefined): string {
  if (one?.state === 'failed') return style('red', row);
  return one?.state === 'refreshing' ? style('yellow', row) : row;
}

function describeSocket({name, path, organizations}: Status['sockets'][number]): string {
  return style(
    'dim',
    `socket ${printable(name, 40)}: ${printable((organizations ?? []).join(', '))}, ${printable(path)}`,
  );
}

function describeNotice({level, message, hint}: Notice): string[] {
  const line = style(level, `${level}: ${printable(message)}`);
  return hint === undefined ? [line] : [line, `  repair: ${printable(hint)}`];
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const part of text.split(' · ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + part.length + 3 <= columns)
      lines[lines.length - 1] = `${last} · ${part}`;
    else lines.push(part);
  }
  return lines;
}

const COLUMNS = [
  {title: 'ORGANIZATION', least: 12},
  {title: 'IDENTITY', least: 12},
  {title: 'TOKEN', least: 12},
  {title: 'REQUESTS', align: 'right', least: 8},
  {title: 'LAST ERROR', least: 10},
] as const;

/** In milliseconds. */
const EACH = 1000;
