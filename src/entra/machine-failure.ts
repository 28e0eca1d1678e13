import {accessSync, constants} from 'node:fs';
import {userInfo} from 'node:os';
import {codeOf} from '../text/orgkey-error.ts';
import {shellWord} from '../text/quote-for-shell.ts';
import {localFailure, type AcquirerFailure} from './failure.ts';

/**
 * Explains an error of the SDK's managed identities whose cause lies on this machine. `challenge` is the last one that
 * the machine's agent sent. `undefined`: it is another error.
 */
export function machineFailure(error: Error, challenge: string | undefined): AcquirerFailure | undefined {
  // fact 18, 20 and 22
  const code = 'errorCode' in error ? error.errorCode : undefined;
  switch (code) {
    case 'unable_to_read_secret_file':
      return unreadableKey(challenge?.split('Basic realm=')[1]?.trim() ?? '');
    case 'user_assigned_managed_identity_not_confirmed':
      return noUserAssigned("the machine's agent of Azure Arc").failure;
    case 'invalid_secret':
    case 'invalid_file_path':
    case 'invalid_file_extension':
    case 'www_authenticate_header_missing':
    case 'www_authenticate_header_unsupported_format':
      return localFailure(
        'ERR_ARC_CHALLENGE',
        `the agent of Azure Arc sent a challenge that cannot be answered (${code})`,
        'Update the agent, and check what answers at IDENTITY_ENDPOINT: azcmagent show',
      ).failure;
    default:
      return undefined;
  }
}

/** Returns the error for a machine that has only its own identity. */
export function noUserAssigned(who: string) {
  return localFailure(
    'ERR_NO_USER_ASSIGNED',
    `${who} offers only its own identity, and takes no client id`,
    'Set clientId: system-assigned.',
  );
}

/** The agent proves with a file, which only its group may read, that a client is on the machine. Facts 18 and 19. */
function unreadableKey(file: string): AcquirerFailure {
  const reason = whyUnreadable(file);
  return localFailure(
    'ERR_ARC_KEY_FILE',
    `the key file of Azure Arc's agent, ${file}, cannot be read (${reason})`,
    reason === 'EACCES'
      ? `Add the user of the daemon to the group himds (usermod -aG himds ${shellWord(userName())}), and SupplementaryGroups=himds to a systemd unit; then restart it.`
      : 'Check that the agent runs: azcmagent show',
  ).failure;
}

/** In a container a user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'USER';
  }
}

function whyUnreadable(file: string): string {
  try {
    accessSync(file, constants.R_OK);
    return 'it changed';
  } catch (error) {
    return codeOf(error) ?? 'unreadable';
  }
}
