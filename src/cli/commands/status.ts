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
import {withDaemon} from '../find-daemon.ts';
import {layTable} from '../table.ts';
import {style} from '../terminal.ts';

interface StatusOptions extends Places {
  readonly watch: boolean;
  readonly json: boolean;
}

/** Runs `orgkey status`. */
export async function status(options: StatusOptions, context: Context): Promise<ExitCode> {
  if (options.watch) return watchStatus(options, context);
  const found = await withDaemon(options, context, (daemon) => daemon.call('status', undefined));
  show(found, options, context);
  return found.health === 'red' ? EXIT.unhealthy : EXIT.ok;
}

/** Runs until it is interrupted or its reader hangs up. If the daemon restarts meanwhile, it is found again. */
async function watchStatus(options: StatusOptions, context: Context): Promise<ExitCode> {
  const {terminal, wait} = context;
  while (terminal.hasReader()) {
    try {
      await withDaemon(options, context, async (daemon) => {
        while (terminal.hasReader()) {
          show(await daemon.call('status', undefined), options, context);
          await wait(INTERVAL);
        }
      });
    } catch (error) {
      const {message, hint} = explainError(error);
      terminal.error(message, hint);
      await wait(INTERVAL);
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

/** Lays the whole status out as lines of at most `columns` columns. */
export function describeStatus(found: Status, now: number, columns: number): string[] {
  const {served, passed, failed, medianMs} = found.requests;
  const median = medianMs === undefined ? '' : `, median ${medianMs.toFixed(medianMs < 10 ? 1 : 0)} ms`;
  const about = [
    `${served} served, ${passed} passed on, ${failed} failed${median}`,
    `orgkey ${printable(found.version, 20)}, up ${describeDuration(now - found.startedAt)}`,
    `${Math.round(found.memory.residentBytes / 1e6)} MB`,
    `pid ${found.pid}`,
  ];
  return [
    ...describeOrganizations(found, now, columns),
    ...wrap(about.join(' · '), columns),
    ...found.sockets.filter(({organizations}) => organizations !== undefined).map(describeSocket),
    ...found.notices.flatMap((notice) => describeNotice(notice)),
    ...(found.health === 'green' ? [style('green', 'everything is well')] : []),
  ];
}

/** Leaves the table out without an organization. If the configuration is invalid, a notice says so. */
function describeOrganizations({organizations, notices}: Status, now: number, columns: number): string[] {
  if (organizations.length === 0) {
    const isExplained = notices.some(({about, level}) => about === 'configuration' && level === 'red');
    return isExplained ? [] : [style('dim', 'no organization is configured'), ''];
  }
  const cells = organizations.map((one) => rowOf(one, now));
  const [titles = '', ...rows] = layTable(COLUMNS, cells, columns);
  return [style('bold', titles), ...rows.map((row, at) => colored(row, organizations[at])), ''];
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
  const line = style(level, `${level === 'red' ? 'error' : 'warning'}: ${printable(message)}`);
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
const INTERVAL = 1000;
