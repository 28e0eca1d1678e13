import type {AssertionFacts} from './assertion.ts';
import type {Explanation} from './explanations.ts';
import {repairFor, type Repairer} from './repair-for.ts';

interface Sender extends Repairer {
  readonly assertion?: AssertionFacts | undefined;
}

/**
 * Returns the repair where the assertion decides it: by its age, or by the issuer of a service connection.
 * `undefined`: the code alone decides.
 */
export function repairAssertion(
  explanation: Explanation,
  compared: AssertionFacts,
  sender: Sender,
): string | undefined {
  switch (explanation.code) {
    case 'AADSTS700024':
    case 'AADSTS500133':
      return isMadeHere(sender.kind) ? undefined : repairByAge(sender.assertion);
    case 'AADSTS70021':
      return repairConnection(explanation, compared, sender);
    default:
      return undefined;
  }
}

/** Whether the assertion is made at each exchange, so that only a clock can be the reason. */
function isMadeHere(kind: string): boolean {
  return kind === 'client-certificate' || kind === 'managed-identity-assertion';
}

const MINUTES = 60_000;

/** Pipelines' tokens live for minutes; the tokens of a service connection's app for about an hour. Fact 30. */
function repairByAge({age, hasExpired}: AssertionFacts = {}): string {
  if (age === undefined) return `${EARLY} ${RENEWED}`;
  if (age > 60 * MINUTES) return RENEWED;
  return age >= 10 * MINUTES || hasExpired === true ? EARLY : CLOCK;
}

const CLOCK = 'Check the clock of this machine, and that of the issuer: timedatectl status';

const EARLY =
  'Request the token early in the job, with orgkey token ORGANIZATION as its first step: orgkey keeps the access token for later commands.';

const RENEWED =
  'Let orgkey request the token instead of a fixed one (oidc: azure-pipelines or github-actions), or see that its file is renewed; a service connection with a managed identity has tokens that live about 24 hours.';

/** @see https://learn.microsoft.com/azure/devops/pipelines/release/troubleshoot-workload-identity */
function repairConnection(
  explanation: Explanation,
  {issuer = '', subject = ''}: AssertionFacts,
  sender: Sender,
): string | undefined {
  if (issuer.startsWith('https://app.vstoken.visualstudio.com'))
    return "Edit the service connection and save it, which moves it to the new issuer; if you made its identity by hand, set the federated credential's issuer to the one in the edit dialog.";
  if (!subject.startsWith('sc://')) return undefined;
  const action =
    'Set the subject of the federated credential to the current names: the organization, the project or the service connection was probably renamed.';
  return repairFor({...explanation, action}, sender);
}
