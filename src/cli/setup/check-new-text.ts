import type {Configuration, Problem} from '../../config/configuration.ts';
import {CommandError} from '../command-error.ts';
import type {Context, Places} from '../context.ts';
import {EXIT} from '../exit-code.ts';
import {loadFor, reportProblems} from '../read-configuration.ts';
import type {StarterOptions} from './starter-configuration.ts';

export interface Scene {
  readonly options: Places & {readonly system: boolean};
  readonly context: Context;
}

interface NewText {
  readonly path: string;
  /** The problems that the file has now. `undefined`: it does not exist. */
  readonly before: readonly Problem[] | undefined;
  /** What the text was made from. */
  readonly starters: readonly StarterOptions[];
}

/**
 * Returns the configuration that a new text gives. A problem is reported at the option that causes it, because the user
 * has not seen the text. @throws {CommandError} after every problem was reported.
 */
export async function checkNewText(
  text: string,
  {path, before, starters}: NewText,
  {options, context}: Scene,
): Promise<Configuration> {
  const loaded = await loadFor({...options, config: path}, context, {
    absent: 'error',
    content: Buffer.from(text),
    need: 'sound parts',
  });
  const known = new Set(before?.map(({message}) => message));
  const problems = loaded.kind === 'invalid' ? loaded.problems : loaded.configuration.problems;
  const fresh = loaded.kind === 'invalid' ? problems : problems.filter(({message}) => !known.has(message));
  if (loaded.kind === 'loaded' && fresh.length === 0) {
    if (before === undefined) reportProblems('warning', loaded.configuration.warnings, context);
    return loaded.configuration;
  }
  const from = starters.find((starter) => starter.from !== undefined)?.from;
  const inSource = from === undefined ? [] : await problemsIn(from, {options, context});
  const placed = fresh.map((problem) => ({
    ...problem,
    place: placeOf(problem, text, {from, known: inSource}),
  }));
  reportProblems('error', placed, context);
  const state = before === undefined ? 'written' : 'changed';
  throw new CommandError(EXIT.badConfiguration, `${path} was not ${state}: it would be invalid`, {
    hint: from === undefined ? 'correct the options, and run the command again' : `correct ${from}`,
  });
}

async function problemsIn(from: string, {options, context}: Scene): Promise<readonly Problem[]> {
  const loaded = await loadFor({...options, config: from}, context, {absent: 'error', need: 'whole'});
  return loaded.kind === 'invalid' ? loaded.problems : [];
}

/** Returns the option, or the place in the file that the text was copied from. */
function placeOf(
  {place, message}: Problem,
  text: string,
  {from, known}: {readonly from: string | undefined; readonly known: readonly Problem[]},
): string {
  if (from !== undefined) return known.find((problem) => problem.message === message)?.place ?? from;
  const line = Number(/:(\d+)(?::\d+)?$/.exec(place)?.[1] ?? 0);
  const written = text.split('\n')[line - 1] ?? '';
  const option = OPTIONS.find(([key]) => written.includes(`${key}:`))?.[1];
  return option ?? place;
}

/** The options, by the keys that are made from them. */
const OPTIONS: readonly (readonly [key: string, option: string])[] = [
  ['managedIdentityClientId', '--managed-identity'],
  ['clientId', '--client-id'],
  ['tenantId', '--tenant-id'],
  ['clientSecret', '--client-secret-file'],
  ['clientCertificate', '--client-certificate-file'],
  ['federatedTokenFile', '--federated-token-file'],
  ['personalAccessToken', '--pat-file'],
  ['serviceConnectionId', '--service-connection-id'],
  ['oidc', '--oidc'],
  ['signIn', '--sign-in'],
  ['environment', '--from-env'],
  ['organizations', '--organization'],
  ['host', '--host'],
];
