import {lowerName} from '../../../organization/organization.ts';
import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {withDaemon} from '../../find-daemon.ts';
import {explainUnknown} from '../../organizations/explain-unknown.ts';
import {nameTyped} from '../../organizations/named-organization.ts';
import {readConfiguration} from '../../read-configuration.ts';
import {
  describeResult,
  exitCodeOf,
  resultsAsJson,
  testOrganizations,
} from '../../organizations/test-organizations.ts';
import {shownName} from '../../../organization/owner.ts';
import {usageError} from '../../command-error.ts';

interface TestOptions extends Places {
  readonly organization?: string | undefined;
  readonly json: boolean;
}

/** Runs `orgkey org test`: asks each organization whether it accepts the credential. */
export async function testEach(
  {organization, json, ...places}: TestOptions,
  context: Context,
): Promise<ExitCode> {
  const {bindings} = await readConfiguration(places, context);
  const wanted = organization === undefined ? undefined : nameTyped(organization);
  const chosen = bindings
    .map((binding) => ({
      ...binding,
      organizations: binding.organizations.filter(
        (name) => wanted === undefined || isSame(wanted, binding.host, name),
      ),
    }))
    .filter(({organizations}) => organizations.length > 0);
  if (chosen.length === 0)
    throw wanted === undefined
      ? usageError('no organization is configured by name', 'add one: orgkey org add')
      : explainUnknown(wanted, bindings);
  const {terminal, now} = context;
  const results = await withDaemon(places, context, (daemon) =>
    testOrganizations(chosen, daemon, context, (result) => {
      if (!json) terminal.print(describeResult(result, now()).join('\n'));
    }),
  );
  if (json) terminal.printJson(resultsAsJson(results));
  const code = exitCodeOf(results);
  // a test that could not run has not succeeded
  return code === EXIT.ok && results.some(({outcome}) => outcome === 'unchecked') ? EXIT.unhealthy : code;
}

/** A collection is known by its name alone, too. */
function isSame(wanted: string, host: string, name: string): boolean {
  const lowered = lowerName(wanted);
  return lowered === lowerName(name) || lowered === lowerName(shownName({host, organization: name}));
}
