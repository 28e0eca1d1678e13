import {stat} from 'node:fs/promises';
import type {SubmoduleSettings} from '../../../config/configuration.ts';
import {SCHEMA_VERSION} from '../../../control/control-protocol.ts';
import {KEY_LIFE} from '../../../ssh/key/private-key.ts';
import {isoTime} from '../../../text/iso-time.ts';
import {messageOf} from '../../../text/orgkey-error.ts';
import {printable} from '../../../text/printable.ts';
import type {Context, Places} from '../../context.ts';
import {describeDuration} from '../../describe-time.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {readConfiguration} from '../../read-configuration.ts';
import {readKeyOf} from './read-key.ts';
import {printTable} from '../../table.ts';

export async function list(options: Places & {readonly json: boolean}, context: Context): Promise<ExitCode> {
  const {settings} = await readConfiguration(options, context);
  const keys = await Promise.all(settings.submodules.map((rule) => describeRule(rule, context)));
  const {terminal, now} = context;
  if (options.json) {
    const shown = keys.map(({savedAt, ...key}) => ({...key, savedAt: isoTime(savedAt)}));
    terminal.printJson({schemaVersion: SCHEMA_VERSION, keys: shown});
    return EXIT.ok;
  }
  printTable(
    COLUMNS,
    keys.map(({organizations, type, size, savedAt, fingerprint, problem}) => [
      printable(organizations.join(', '), 60),
      type === undefined ? '–' : `${type.replace(/^ssh-/, '').toUpperCase()} ${size}`,
      savedAt === undefined ? '–' : describeDuration(now() - savedAt),
      fingerprint ?? problem,
    ]),
    terminal,
  );
  for (const {organizations, savedAt} of keys) {
    if (savedAt !== undefined && now() - savedAt > KEY_LIFE)
      terminal.warn(
        `the key of ${organizations.join(', ')} is older than a year; Azure DevOps no longer accepts it`,
      );
  }
  return EXIT.ok;
}

const COLUMNS = [
  {title: 'ORGANIZATION', least: 12},
  {title: 'KEY', least: 3},
  {title: 'AGE', least: 3},
  {title: 'FINGERPRINT', least: 50},
] as const;

async function describeRule(rule: SubmoduleSettings, context: Context) {
  const {organizations, host, place, keyFile} = rule;
  const saved = keyFile === undefined ? undefined : await stat(keyFile).catch(() => undefined);
  const about = {organizations, host, place, savedAt: saved?.mtimeMs};
  try {
    const {type, size, fingerprint} = await readKeyOf(rule, context);
    return {...about, type, size, fingerprint, problem: undefined};
  } catch (error) {
    return {...about, type: undefined, size: undefined, fingerprint: undefined, problem: messageOf(error)};
  }
}
