import {type Lock, type Notice, type OrganizationStatus, type Status} from '../control/control-protocol.ts';
import {printable} from '../text/printable.ts';
import {withHintsOnce} from '../text/hints-once.ts';
import {describeDuration} from './describe-time.ts';
import {layTable} from './table.ts';
import {style} from './terminal.ts';
import {wrap} from './wrap.ts';
import {countOf} from '../text/count-of.ts';
import {shownName} from '../organization/owner.ts';

/** Lays a status out as lines of at most `columns` columns. `total`: of which it shows some organizations. What fails comes first. */
export function describeStatus(
  found: Status,
  now: number,
  columns: number,
  total = found.organizations.length,
): string[] {
  const {served, passed, failed, medianMs} = found.requests;
  const median = medianMs === undefined ? '' : `, median ${medianMs.toFixed(medianMs < 10 ? 1 : 0)} ms`;
  const about = [
    `${served} served, ${passed} passed on, ${failed} failed${median}`,
    `orgkey ${printable(found.version, 20)}, up ${describeDuration(now - Date.parse(found.startedAt))}`,
    `${Math.round(found.memory.residentBytes / 1e6)} MB`,
    `pid ${found.pid}`,
  ];
  return [
    ...summarize(found, total),
    ...describeOrganizations(found, now, columns),
    ...joinParts(about, columns),
    ...found.sockets.filter(({organizations}) => organizations !== undefined).map(describeSocket),
    ...found.gateways.map(describeGateway),
    ...found.locks.map((lock) => style('yellow', describeLock(lock))),
    ...withHintsOnce(found.notices).flatMap((notice) => describeNotice(notice, columns)),
    ...(found.health === 'ok' ? [summaryOf(found)] : []),
  ];
}

/** Nothing is known of an identity without its first token. */
function summaryOf({organizations}: Status): string {
  const waiting = organizations.filter(
    ({state, expiresAt}) => state === 'refreshing' && expiresAt === undefined,
  );
  const [first, ...others] = waiting;
  if (first === undefined) return style('green', 'everything is well');
  const whose = others.length === 0 ? printable(shownName(first)) : `${waiting.length} organizations`;
  return style('yellow', `waiting for the first token of ${whose}`);
}

/** Returns how many organizations fail, in one line, or nothing if none does. */
function summarize({organizations}: Status, total: number): string[] {
  const all = countOf(total, 'organization');
  const failing = numberOf(organizations, 'error');
  const warned = numberOf(organizations, 'warning');
  const others = warned === 0 ? '' : `${failing === 0 ? '' : ', '}${warned} with a warning`;
  if (failing > 0)
    return [style('red', `${failing} of ${all} ${failing === 1 ? 'fails' : 'fail'}${others}`), ''];
  return warned === 0 ? [] : [style('yellow', `${all}: ${others}`), ''];
}

function numberOf(
  organizations: readonly OrganizationStatus[],
  health: OrganizationStatus['health'],
): number {
  return organizations.filter((one) => one.health === health).length;
}

/** Leaves the table out without an organization. If the configuration is invalid, a notice says so. */
function describeOrganizations({organizations, notices}: Status, now: number, columns: number): string[] {
  if (organizations.length === 0) {
    const isExplained = notices.some(({about, level}) => about === 'configuration' && level === 'error');
    return isExplained ? [] : [style('dim', 'no organization to show'), ''];
  }
  const cells = organizations.map((one) => rowOf(one, now));
  const [titles = '', ...rows] = layTable(COLUMNS, cells, columns);
  return [style('bold', titles), ...rows.map((row, at) => colored(row, organizations[at])), ''];
}

function rowOf(one: OrganizationStatus, now: number): string[] {
  const name = one.organization === undefined ? anyOther(one) : shownName(one);
  return [
    printable(name),
    printable(one.identity),
    describeToken(one, now),
    String(one.requests),
    one.lastFailure === undefined ? '' : printable(one.lastFailure.code),
  ];
}

function anyOther({host}: OrganizationStatus): string {
  return host === 'dev.azure.com' ? '(any other)' : `${host}/(any other)`;
}

function describeToken({state, expiresAt}: OrganizationStatus, now: number): string {
  const left = expiresAt === undefined ? '' : `, ${describeDuration(Date.parse(expiresAt) - now)}`;
  return state === 'none' ? '–' : `${state}${left}`;
}

function colored(row: string, one: OrganizationStatus | undefined): string {
  if (one?.health === 'error') return style('red', row);
  return one?.health === 'warning' ? style('yellow', row) : row;
}

function describeSocket({name, path, organizations}: Status['sockets'][number]): string {
  return style(
    'dim',
    `socket ${printable(name, 40)}: ${printable((organizations ?? []).join(', '))}, ${printable(path)}`,
  );
}

/** Names what gets no credential for a while. */
export function describeLock({organization, path, covers, until}: Lock): string {
  const where = path === '' ? organization : path;
  return covers === 'organization'
    ? `${printable(organization)}: no credential until ${until}, because Azure DevOps rejected it for ${printable(where)}`
    : `${printable(where)}: no credential until ${until}, because Azure DevOps rejected it; other repositories are served`;
}

function describeGateway({name, path, listen, requests}: Status['gateways'][number]): string {
  const {carried, denied, failed} = requests;
  const port = listen === undefined ? '' : `, ${printable(listen)}`;
  return style(
    'dim',
    `gateway ${printable(name, 40)}: ${carried} carried, ${denied} denied, ${failed} failed, ${printable(path)}${port}`,
  );
}

/** A repair is not wrapped, so that its command can be copied. */
function describeNotice({level, message, hint}: Notice, columns: number): string[] {
  const [first = '', ...more] = wrap(`${level}: ${printable(message, MESSAGE_LIMIT)}`, columns, columns - 2);
  const lines = [first, ...more.map((line) => `  ${line}`)].map((line) =>
    style(level === 'error' ? 'red' : 'yellow', line),
  );
  return hint === undefined ? lines : [...lines, `  repair: ${printable(hint)}`];
}

/** The names of many organizations are in one message. */
const MESSAGE_LIMIT = 20_000;

/** Fills lines with parts, which are not broken. */
function joinParts(parts: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
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
