import {adviceOn} from '../../../config/advise.ts';
import type {Configuration, Problem} from '../../../config/configuration.ts';
import {NO_CONFIGURATION} from '../../../config/default-settings.ts';
import {wideSockets} from '../../../config/wide-sockets.ts';
import {SCHEMA_VERSION} from '../../../control/control-protocol.ts';
import {gitFrom} from '../../../git/run-git.ts';
import {whetherItTakesBearer} from '../../../git/version.ts';
import type {Context, Places} from '../../context.ts';
import {checkRule} from '../../../ssh/check-rule.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {loadFor, problemsOfDaemon, reportProblems} from '../../read-configuration.ts';
import {noConfiguration} from './path.ts';
import {countOf} from '../../../text/count-of.ts';

export async function check(options: Places & {readonly json: boolean}, context: Context): Promise<ExitCode> {
  const loaded = await loadFor(options, context, {need: 'whole'});
  const configuration = loaded.kind === 'loaded' ? loaded.configuration : undefined;
  if (configuration?.source === NO_CONFIGURATION.source) throw noConfiguration();
  const found = configuration === undefined ? [] : await warningsOf(configuration, context);
  const source = loaded.kind === 'loaded' ? loaded.configuration.source : loaded.source;
  const problems =
    loaded.kind === 'invalid'
      ? loaded.problems
      : [
          ...(await problemsOfDaemon(source, options, context)),
          ...(await problemsOfRules(loaded.configuration, context)),
        ];
  const valid = problems.length === 0;
  // what the daemon reports as an error is not a warning, too
  const places = new Set(problems.map(({place}) => place));
  const warnings = found.filter(({place}) => !places.has(place));
  if (options.json) {
    context.terminal.printJson({schemaVersion: SCHEMA_VERSION, source, valid, problems, warnings});
  } else {
    reportProblems('error', problems, context);
    reportProblems('warning', warnings, context);
    if (configuration !== undefined && valid)
      context.terminal.print(`${source}: ${summaryOf(configuration)}`);
  }
  return valid ? EXIT.ok : EXIT.badConfiguration;
}

async function warningsOf(
  {warnings, bindings, settings}: Configuration,
  {environment}: Context,
): Promise<readonly Problem[]> {
  const takesBearer = await whetherItTakesBearer(gitFrom(environment));
  return [...warnings, ...adviceOn(bindings, {takesBearer}), ...wideSockets({bindings, settings})];
}

async function problemsOfRules({settings}: Configuration, {environment}: Context): Promise<Problem[]> {
  const found = await Promise.all(settings.submodules.map((rule) => checkRule(rule, environment)));
  return found.flat();
}

function summaryOf({bindings}: Configuration): string {
  const organizations = bindings.reduce((sum, binding) => sum + binding.organizations.length, 0);
  const fallbacks = bindings.filter((binding) => binding.organizations.length === 0).length;
  const more = fallbacks === 0 ? '' : ` and ${countOf(fallbacks, 'fallback')}`;
  return `valid, ${countOf(bindings.length, 'credential')} for ${countOf(organizations, 'organization')}${more}`;
}
