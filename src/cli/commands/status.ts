import {SCHEMA_VERSION, type OrganizationStatus, type Status} from '../../control/control-protocol.ts';
import {lowerName} from '../../organization/organization.ts';
import {printable} from '../../text/printable.ts';
import type {Context, Places} from '../context.ts';
import {describeStatus} from '../describe-status.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {explainError} from '../explain-error.ts';
import {withDaemon} from '../find-daemon.ts';
import {escapedJson} from '../terminal.ts';
import {shownName} from '../../organization/owner.ts';
import {usageError} from '../command-error.ts';

interface StatusOptions extends Places {
  /** Default: all. */
  readonly organization?: string | readonly string[] | undefined;
  readonly failed: boolean;
  readonly 'fail-on': 'warning' | 'error';
  readonly watch: boolean;
  readonly json: boolean;
}

export async function status(options: StatusOptions, context: Context): Promise<ExitCode> {
  if (options.watch) return watchStatus(options, context);
  const all = await ask(options, context);
  const found = select(all, options);
  show(found, all, options, context);
  const isWell = found.health === 'ok' || (found.health === 'warning' && options['fail-on'] === 'error');
  return isWell ? EXIT.ok : EXIT.unhealthy;
}

async function ask(options: StatusOptions, context: Context): Promise<Status> {
  return withDaemon(options, context, (daemon) => daemon.call('status', undefined));
}

/** Runs until it is interrupted or its reader hangs up. If the daemon restarts meanwhile, it is found again. */
async function watchStatus(options: StatusOptions, context: Context): Promise<ExitCode> {
  const {terminal, wait} = context;
  while (terminal.hasReader()) {
    try {
      await withDaemon(options, context, async (daemon) => {
        while (terminal.hasReader()) {
          const all = await daemon.call('status', undefined);
          show(select(all, options), all, options, context);
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

/** Leaves out what was not asked for, and judges the health by the rest. What affects every organization stays. */
function select(found: Status, {organization, failed}: StatusOptions): Status {
  if (organization === undefined && !failed) return found;
  const names = [organization ?? []].flat().map(lowerName);
  const unknown = names.find((name) => !found.organizations.some((one) => isNamed(one, name)));
  if (unknown !== undefined)
    throw usageError(`${printable(unknown, 60)} is not configured`, 'run: orgkey org list');
  const organizations = found.organizations.filter(
    (one) =>
      (names.length === 0 || names.some((name) => isNamed(one, name))) && (!failed || one.health !== 'ok'),
  );
  const shown = new Set(organizations.map(shownName));
  const notices = found.notices.filter(
    (notice) => notice.organizations?.some((name) => shown.has(name)) ?? true,
  );
  const health = notices.some(({level}) => level === 'error')
    ? 'error'
    : notices.length > 0
      ? 'warning'
      : 'ok';
  return {...found, health, notices, organizations};
}

function isNamed(one: OrganizationStatus, name: string): boolean {
  return (
    lowerName(shownName(one)) === name ||
    (one.organization !== undefined && lowerName(one.organization) === name)
  );
}

function show(found: Status, all: Status, options: StatusOptions, {terminal, now}: Context): void {
  const {json, watch, failed, organization} = options;
  if (json && watch) {
    terminal.write(`${escapedJson(JSON.stringify({schemaVersion: SCHEMA_VERSION, ...found}))}\n`);
    return;
  }
  if (json) {
    terminal.printJson({schemaVersion: SCHEMA_VERSION, ...found});
    return;
  }
  const isPart = failed && organization === undefined;
  const total = (isPart ? all : found).organizations.length;
  const text = describeStatus(found, now(), terminal.columns, total).join('\n');
  if (watch && terminal.isScreen) terminal.redraw(text);
  else terminal.print(text);
}

/** In milliseconds. */
const INTERVAL = 1000;
