import type {Payload} from './message.ts';

/** The versions of the protocol that we speak. */
const NEWEST = [2, 0, 0] as const;
const OLDEST = [1, 0, 0] as const;

export const ourHandshake = {
  ProtocolVersion: NEWEST.join('.'),
  MinimumProtocolVersion: OLDEST.join('.'),
};

/** Answers the client's handshake with the newest version that both speak, or with an error if they have none in common. */
export function answerHandshake(payload: Payload): object {
  const newest = versionIn(payload.text('ProtocolVersion'));
  const oldest = versionIn(payload.text('MinimumProtocolVersion'));
  if (newest === undefined || oldest === undefined || isOlder(newest, oldest)) return {ResponseCode: 'Error'};
  const common = isOlder(newest, NEWEST) ? newest : NEWEST;
  if (isOlder(common, OLDEST) || isOlder(common, oldest)) return {ResponseCode: 'Error'};
  return {ResponseCode: 'Success', ProtocolVersion: common.join('.')};
}

function versionIn(text: string | undefined): readonly number[] | undefined {
  return text !== undefined && /^\d{1,4}\.\d{1,4}\.\d{1,4}$/.test(text)
    ? text.split('.').map(Number)
    : undefined;
}

function isOlder(one: readonly number[], other: readonly number[]): boolean {
  const at = one.findIndex((part, index) => part !== other[index]);
  return at >= 0 && (one[at] ?? 0) < (other[at] ?? 0);
}
