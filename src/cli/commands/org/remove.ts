import {readIfThere} from '../../../files/replace-file.ts';
import type {Configuration} from '../../../config/configuration.ts';
import {printable} from '../../../text/printable.ts';
import {CommandError, usageError} from '../../command-error.ts';
import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {explainUnknown} from '../../organizations/explain-unknown.ts';
import {isRunning, withDaemon} from '../../find-daemon.ts';
import {readOrganization, type NamedOrganization} from '../../organizations/named-organization.ts';
import {invalidChange, spread} from '../../setup/change-configuration.ts';
import {isNamed, withoutOrganizations} from '../../setup/change-rules.ts';
import {pathFor} from '../../setup/plan-configuration.ts';
import {requireInForce, writeConfiguration} from '../../setup/write-configuration.ts';
import {loadFor, readConfiguration, reportProblems} from '../../read-configuration.ts';
import {shownName} from '../../../organization/owner.ts';

interface RemoveOptions extends Places {
  readonly organization?: readonly string[] | undefined;
  readonly host?: string | undefined;
}

/** Runs `orgkey org remove`: removes organizations from the configuration. Files with secrets stay. */
export async function removeOrganizations(options: RemoveOptions, context: Context): Promise<ExitCode> {
  const {organization: words = [], host} = options;
  if (words.length === 0) throw usageError('<organization> is missing', 'run: orgkey org remove --help');
  const named = words.map((word) => readOrganization(word, host));
  const path = await pathFor({...options, system: false}, context);
  const was = await readIfThere(path);
  const current = await readConfiguration(options, context);
  const [first] = named;
  if (was === undefined && first !== undefined) throw explainUnknown(shownName(first), current.bindings);
  const {text, changes} = withoutOrganizations(was?.toString('utf8') ?? '', named, (one) =>
    isNamed(one, current.bindings) ? elsewhere(one, path) : explainUnknown(shownName(one), current.bindings),
  );
  const configuration = await checkRemoval(text, named, current, {
    options: {...options, config: path},
    context,
  });
  await writeConfiguration({path, configuration, was, text, changes, secrets: []}, {system: false}, context);
  const places = {...options, config: path};
  await spread(places, context, configuration.problems);
  if (await isRunning(places, context))
    await withDaemon(places, context, (daemon) => requireInForce({path, changes}, daemon));
  reportFallback(named, configuration, context);
  return EXIT.ok;
}

/** Returns the configuration without the organizations. Problems that it had before do not count. */
async function checkRemoval(
  text: string,
  named: readonly NamedOrganization[],
  before: Configuration,
  {options, context}: {readonly options: Places; readonly context: Context},
): Promise<Configuration> {
  const loaded = await loadFor(options, context, {content: Buffer.from(text), need: 'sound parts'});
  const known = new Set(before.problems.map(({message}) => message));
  const problems = loaded.kind === 'invalid' ? loaded.problems : loaded.configuration.problems;
  const fresh = problems.filter(({message}) => !known.has(message));
  if (loaded.kind === 'invalid' || fresh.length > 0) {
    reportProblems('error', fresh, context);
    throw invalidChange('remove what still uses the organization: orgkey config edit');
  }
  const left = named.find((one) => isNamed(one, loaded.configuration.bindings));
  if (left !== undefined) throw elsewhere(left, options.config ?? before.source);
  return loaded.configuration;
}

/** A credential without organizations serves what no other one names: the user must know. */
function reportFallback(
  named: readonly NamedOrganization[],
  {bindings}: Configuration,
  {terminal}: Context,
): void {
  for (const one of named) {
    const fallback = bindings.find(
      ({host, organizations}) => host === one.host && organizations.length === 0,
    );
    if (fallback !== undefined)
      terminal.warn(
        `${printable(shownName(one), 80)} is now served by the credential for all other organizations, at ${printable(fallback.place)}`,
      );
  }
}

function elsewhere(one: NamedOrganization, path: string): CommandError {
  return new CommandError(
    EXIT.badConfiguration,
    `${printable(shownName(one), 80)} is not written in ${printable(path)} in a form that can be removed safely`,
    {hint: 'remove it by hand: orgkey config edit'},
  );
}
