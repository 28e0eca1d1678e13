import * as oauth from 'oauth4webapi';
import {codeOf, messageOf} from '../../text/orgkey-error.ts';
import {isRecord} from '../../text/record.ts';
import {localFailure, type AcquirerError} from '../failure.ts';

/** Explains why the library did not accept what an issuer answered or says of itself. Returns other errors as they are. */
export function explainAnswer(error: unknown): unknown {
  const code = codeOf(error) ?? '';
  switch (code) {
    case oauth.JWT_CLAIM_COMPARISON:
      return claimIn(error) === 'iss'
        ? invalidIdToken(
            'was made by another issuer',
            'Compare issuer in the configuration with the tenant of the app.',
          )
        : anotherSignIn();
    case oauth.JWT_TIMESTAMP_CHECK:
      return invalidIdToken(
        'has expired, or is not valid yet',
        "Check this machine's clock, then run: orgkey login.",
      );
    case oauth.HTTP_REQUEST_FORBIDDEN:
      return localFailure(
        'ERR_ISSUER',
        'an address of the issuer is not an https address',
        'Correct issuer in the configuration.',
      );
    case oauth.MISSING_SERVER_METADATA:
      return localFailure('ERR_NO_DEVICE_CODE', 'the issuer has no device code flow', 'Use signIn: browser.');
    default:
      if (!code.startsWith('OAUTH_')) return error;
      return localFailure(
        'ERR_UNUSABLE_ANSWER',
        `the issuer answered against the rules of OpenID Connect: ${messageOf(error)}`,
        'Check issuer and clientId in the configuration.',
      );
  }
}

function anotherSignIn(): AcquirerError {
  return localFailure(
    'ERR_NONCE',
    'the issuer answered with the tokens of another sign-in',
    'Start the sign-in again; if it happens again, this may be a man-in-the-middle attack.',
  );
}

function invalidIdToken(why: string, hint: string): AcquirerError {
  return localFailure('ERR_ID_TOKEN', `the ID token ${why}`, hint);
}

function claimIn(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  return isRecord(cause) ? cause['claim'] : undefined;
}
