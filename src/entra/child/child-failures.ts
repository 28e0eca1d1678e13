import {codeOf, type OrgkeyError} from '../../text/orgkey-error.ts';
import {timedOut} from '../../text/timed-out.ts';
import {lateFailure, type AcquirerFailure, local} from '../failure.ts';

export const noPlace = local(
  'ERR_BUSY',
  'too many tokens are being acquired at the same time',
  'Ask again in a few seconds.',
);

export const cancelled = local(
  'ERR_CANCELLED',
  'sign-in cancelled',
  'Run orgkey login again when you are ready.',
);

export function brokenProxy({code, message, hint}: OrgkeyError): AcquirerFailure {
  return local(code, message, hint);
}

export const tooMuch = local(
  'ERR_ACQUIRER_OUTPUT',
  'the acquirer sent more than a token',
  'Check what answers in place of the issuer: orgkey doctor',
);

export function tooLate(life: number): AcquirerFailure {
  const hint = 'Check the network of this machine, and whether it needs a proxy.';
  return lateFailure(timedOut('the issuer did not answer', life, hint));
}

export function notStarted(error: Error): AcquirerFailure {
  return local(
    'ERR_ACQUIRER_NOT_STARTED',
    `the acquirer could not be started (${codeOf(error) ?? error.message})`,
    'Check the limits on processes and memory for the user of the daemon.',
  );
}

const KILLED = 'ERR_ACQUIRER_KILLED';

export function wasKilled(failure: AcquirerFailure): boolean {
  return failure.kind === 'local' && failure.code === KILLED;
}

/** Whether the child ended before its work, or because a part of the program is missing. */
export function lacksProgram(failure: AcquirerFailure): boolean {
  if (failure.kind !== 'unexpected') return false;
  const {detail} = failure;
  return detail.startsWith(WITHOUT_RESULT) || /Cannot find (?:module|package)|SyntaxError/.test(detail);
}

const WITHOUT_RESULT = 'the acquirer ended without a result';

export function died(signal: string | null, complaint: string): AcquirerFailure {
  if (signal !== null)
    return local(
      KILLED,
      `the acquirer was ended by ${signal}`,
      'The next request starts a new one; if it happens again, look for a lack of memory.',
    );
  const reason = /^(?:\w*Error.*|node: .*)$/m.exec(complaint)?.[0];
  return {
    kind: 'unexpected',
    detail: `${WITHOUT_RESULT}${reason === undefined ? '' : `: ${reason}`}`,
  };
}
