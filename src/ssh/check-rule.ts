import type {SubmoduleSettings} from '../config/configuration.ts';
import type {Problem} from '../config/text/problems.ts';
import {howToPin, knownHostsFor} from './host/host-keys.ts';
import {readRuleKey} from './read-rule-key.ts';
import type {Environment} from '../text/environment.ts';

/**
 * Returns what is wrong with a rule for submodules, as far as that shows without the network: its key, if it is in the
 * configuration or in a file that we can read, and the host's key, if the rule pins its own.
 */
export async function checkRule(
  rule: Pick<SubmoduleSettings, 'privateKey' | 'host' | 'knownHosts' | 'place' | 'organizations'>,
  environment: Environment,
): Promise<Problem[]> {
  const {place, knownHosts, privateKey} = rule;
  const [host = '', port = '22'] = rule.host.split(':');
  const problems: Problem[] = [];
  // an agent may be another one for the daemon
  const reading = privateKey.from === 'ssh-agent' ? undefined : await readRuleKey(rule, environment);
  if (reading?.kind === 'failed' && reading.isUnread !== true)
    problems.push({
      place,
      message: `the key of ${rule.organizations.join(', ')}: ${reading.reason}`,
      hint: reading.hint,
    });
  if (knownHosts !== undefined && !knownHostsFor(host, knownHosts, '').mayKnow(host))
    problems.push({
      place,
      message: `knownHosts has no key of ${host}`,
      hint: howToPin(host, Number(port), knownHosts),
    });
  return problems;
}
