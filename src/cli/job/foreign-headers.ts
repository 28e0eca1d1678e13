import type {Binding} from '../../identity/bindings.ts';
import {coversUrl} from '../../git/match-url.ts';
import {describeHeader, isAuthorization, ownHeaderFor} from '../../git/own-header.ts';
import {gitHere} from '../../git/run-git.ts';
import {partsOfKey, readSeenSettings, type SeenSetting} from '../../git/seen-settings.ts';
import {takeOut} from '../../diagnostics/repair-setting.ts';
import {addressesOf} from '../../organization/addresses.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import type {Context} from '../context.ts';

/**
 * Finds the Authorization headers that the platform wrote for repositories of our organizations, as a checkout with
 * persistCredentials does: git sends them instead of asking orgkey. They are reported with key, file and line, and
 * removed if that is wanted.
 */
export async function treatForeignHeaders(
  bindings: readonly Binding[],
  treatment: 'report' | 'remove',
  context: Context,
): Promise<void> {
  const {environment, terminal} = context;
  const places = [context.directory, environment['GITHUB_WORKSPACE'], environment['BUILD_SOURCESDIRECTORY']];
  for (const directory of new Set(places.flatMap((place) => place || []))) {
    const git = gitHere(environment, directory);
    const settings = await readSeenSettings(git).catch((): readonly SeenSetting[] => []);
    for (const setting of headersFor(bindings, settings)) {
      const place = await describeHeader(setting, directory);
      const isRemoved = treatment === 'remove' && (await remove(setting, git));
      if (isRemoved) terminal.say(`git: removed the Authorization header ${place}`);
      else
        terminal.warn(
          `git sends an Authorization header of its own and does not ask orgkey: ${place}`,
          repairFor(setting, directory),
        );
    }
  }
}

/** One for each key and file, if it is in force for any repository of an organization. */
function headersFor(bindings: readonly Binding[], settings: readonly SeenSetting[]): readonly SeenSetting[] {
  const organizations = bindings.flatMap(({host, organizations: names}) =>
    names.length === 0 ? [`https://${host}`] : names.flatMap((name) => addressesOf(host, name)),
  );
  const inForce = settings.filter(isAuthorization).flatMap(({key}) => {
    const {between} = partsOfKey(key);
    const urls = organizations.flatMap((organization) =>
      between !== undefined && coversUrl(organization, between)
        ? [between]
        : [`${organization}/project/_git/repository`],
    );
    return urls.flatMap((url) => ownHeaderFor(url, settings) ?? []);
  });
  return [...new Map(inForce.map((one) => [`${one.origin} ${one.key}`, one])).values()];
}

/** Removes the credentials of exactly this key in its file: other values of the key stay. */
async function remove({scope, origin, key}: SeenSetting, git: ReturnType<typeof gitHere>): Promise<boolean> {
  if (scope === 'command' || !origin.startsWith('file:')) return false;
  const file =
    scope === 'local' || scope === 'worktree' ? [`--${scope}`] : ['--file', origin.slice('file:'.length)];
  const {status} = await git(['config', ...file, '--unset-all', key, AUTHORIZATION]);
  return status === 0;
}

/** For git, which matches case. */
const AUTHORIZATION = '^[[:space:]]*[Aa][Uu][Tt][Hh][Oo][Rr][Ii][Zz][Aa][Tt][Ii][Oo][Nn][[:space:]]*:';

function repairFor(setting: SeenSetting, directory: string): string {
  return setting.scope === 'command'
    ? 'do not pass it to the steps that use orgkey'
    : `set persistCredentials: false for the checkout, or run in ${shellWord(directory)}: ${takeOut(setting)}`;
}
