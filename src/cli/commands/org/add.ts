import {readIfThere} from '../../../files/replace-file.ts';
import {readManifest} from '../../../git/manifest.ts';
import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {isRunning, withDaemon} from '../../find-daemon.ts';
import {setupDirectory} from '../../locate.ts';
import {readOrganization} from '../../organizations/named-organization.ts';
import {askForCredential} from '../../setup/ask-for-configuration.ts';
import {spread} from '../../setup/change-configuration.ts';
import {isNamed} from '../../setup/change-rules.ts';
import {pathFor, planChange, planNew, type PlannedConfiguration} from '../../setup/plan-configuration.ts';
import {readStarter} from '../../setup/read-starter.ts';
import {namesMethod, type StarterOptions} from '../../setup/starter-configuration.ts';
import {requireInForce, writeConfiguration} from '../../setup/write-configuration.ts';
import {testAndSignIn} from '../../organizations/sign-in.ts';
import {usageError} from '../../command-error.ts';

type AddOptions = Places & StarterOptions;

/** Runs `orgkey org add`: adds organizations to the configuration, or changes how orgkey signs in to them. */
export async function addOrganizations(options: AddOptions, context: Context): Promise<ExitCode> {
  const starter = await starterFor(options, context);
  const scene = {options: {...options, config: options.config, system: false}, context};
  const path = await pathFor(scene.options, context);
  const was = await readIfThere(path);
  const planned =
    was === undefined ? await planNew(path, [starter], scene) : await planChange(path, was, [starter], scene);
  await writeConfiguration(planned, scene.options, context);
  return useChange(planned, starter, {options: {...options, config: path}, context});
}

async function starterFor(options: AddOptions, context: Context): Promise<StarterOptions> {
  const {organization = []} = options;
  if (namesMethod(options)) {
    if (organization.length === 0 && options['from-env'] !== true)
      throw usageError('<organization> is missing', 'run: orgkey org add --help');
    return readStarter(options, context);
  }
  if (!context.terminal.isInteractive)
    throw usageError(
      'no option says how to sign in',
      'add one of: --managed-identity, --client-secret-file, --pat-file, --sign-in …',
    );
  const named = organization.map((name) => readOrganization(name, options.host));
  return readStarter(await askForCredential(named, context, {forMachine: false}), context);
}

/** Brings the change to git and to the daemon, and tests the organizations. */
async function useChange(
  {path, configuration, changes}: PlannedConfiguration,
  {organization: organizations = [], host = 'dev.azure.com'}: StarterOptions,
  {options, context}: {readonly options: AddOptions; readonly context: Context},
): Promise<ExitCode> {
  const {terminal} = context;
  await spread(options, context, configuration.problems);
  if ((await readManifest(setupDirectory(options, context))).length === 0)
    terminal.hint('git does not use orgkey yet, run: orgkey setup');
  if (!(await isRunning(options, context))) {
    terminal.say('test: skipped, the daemon is not running');
    return EXIT.ok;
  }
  const isForOthers = organizations.length === 0;
  const bindings = configuration.bindings
    .filter((binding) => binding.host === host && (binding.organizations.length === 0) === isForOthers)
    .map((binding) => ({
      ...binding,
      organizations: binding.organizations.filter((name) =>
        organizations.some((organization) =>
          isNamed({host, organization}, [{...binding, organizations: [name]}]),
        ),
      ),
    }))
    .filter((binding) => isForOthers || binding.organizations.length > 0);
  return withDaemon(options, context, async (daemon) => {
    await requireInForce({path, changes}, daemon);
    return testAndSignIn(bindings, daemon, context);
  });
}
