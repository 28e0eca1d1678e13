import type {Capability} from '../../gateway/door/capabilities.ts';
import type {Answer} from '../../protocol/answer.ts';
import type {GetRequest} from '../../protocol/request.ts';

/** Returns the answer that hands a capability to git. A git that can does not store it. */
export function capabilityAnswer(
  {password, fingerprint, issuedAt, expiresAt}: Capability,
  {announced}: GetRequest,
): Answer {
  return {
    kind: 'credential',
    token: {
      kind: 'pat',
      secret: password,
      fingerprint,
      acquiredAt: issuedAt,
      acquiredUptime: 0,
      expiresAt,
      refreshAt: undefined,
    },
    username: 'orgkey',
    authtype: announced.authtype,
    state: undefined,
    isSettled: false,
  };
}
