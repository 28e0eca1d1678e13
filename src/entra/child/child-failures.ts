import {codeOf, type OrgkeyError} from '../../text/orgkey-error.ts';
import {timedOut} from '../../text/timed-out.ts';
import {lateFailure, type AcquirerFailure} from '../failure.ts';

export const noPlace: AcquirerFailure = {
  kind: 'local',
  code: 'ERR_BUSY',
  detail: 'too many tokens are being acquired at the same time',
  hint: 'Ask again in a few seconds.',
};

export const cancelled: AcquirerFailure = {
  kind: 'local',
  code: 'ERR_CANCELLED',
  detail: 'sign-in cancelled',
  hint: 'Run orgkey login again when you are ready.',
};

export function brokenProxy({code, message, hint}: OrgkeyError): AcquirerFailure {
  return {kind: 'local', code, detail: message, hint};
}

export const tooMuch: AcquirerFailure = {
  kind: 'local',
  code: 'ERR_ACQUIRER_OUTPUT',
  detail: 'the acquirer sent more than a token',
  hint: 'Check what answers in place of the issuer: orgkey doctor',
};

export function tooLate(life: number): AcquirerFailure {
  const hint = 'Check the network of this machine, and whether it needs a proxy.';
  return lateFailure(timedOut('the issuer did not answer', life, hint));
}

export function notStarted(error: Error): AcquirerFailure {
  return {
    kind: 'local',
    code: 'ERR_ACQUIRER_NOT_STARTED',
    detail: `the acquirer could not be started (${codeOf(error) ?? error.message})`,
    hint: 'Check the limits on processes and memory for the user of the daemon.',
  };
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
    return {
      kind: 'local',
      code: KILLED,
      detail: `the acquirer was ended by ${signal}`,
      hint: 'The next request starts a new one; if it happens again, look for a lack of memory.',
    };
  const reason = /^(?:\w*Error.*|node: .*)$/m.exec(complaint)?.[0];
  return {
    kind: 'unexpected',
    detail: `${WITHOUT_RESULT}${reason === undefined ? '' : `: ${reason}`}`,
  };
}
