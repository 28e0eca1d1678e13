/** What the store can't do, and what repairs it. Neither tells a secret. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  /** A sentence or a command. */
  readonly hint: string | undefined;

  constructor(
    code: StoreErrorCode,
    message: string,
    options: {readonly hint?: string; readonly cause?: unknown} = {},
  ) {
    super(message, {cause: options.cause});
    this.code = code;
    this.hint = options.hint;
  }
}

export type StoreErrorCode =
  /** The directory is a link, somebody else's, or open to others. */
  | 'ERR_STORE_DIRECTORY'
  /** The disk or the quota is full. What was there before is still there. */
  | 'ERR_STORE_FULL'
  /** We may not write there. What was there before is still there. */
  | 'ERR_STORE_READ_ONLY'
  /** The disk fails. What was there before is still there, unless it was to be replaced and the new one is. */
  | 'ERR_STORE_IO'
  /** An entry is not as it was written, or can be read by others. */
  | 'ERR_STORE_DAMAGED'
  /** The entries are encrypted, and the key is not at hand, or another one. */
  | 'ERR_STORE_LOCKED'
  /** A key was given that can't be used. */
  | 'ERR_STORE_KEY'
  /** A name or a secret that the store does not take. */
  | 'ERR_STORE_REFUSED';

/** `doing` continues `cannot`: `write to /var/lib/orgkey/store`. */
export function storeErrorFrom(error: unknown, doing: string): StoreError {
  if (error instanceof StoreError) return error;
  const code = systemCodeOf(error) ?? 'unknown error';
  const [kind, why, hint] = explanations.get(code) ?? [
    'ERR_STORE_IO',
    'the disk reports an error',
    undefined,
  ];
  return new StoreError(kind, `cannot ${doing}: ${why} (${code})`, {cause: error, ...(hint && {hint})});
}

/** `ENOENT`. */
export function systemCodeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

type Explanation = readonly [StoreErrorCode, string, string | undefined];

const full: Explanation = ['ERR_STORE_FULL', 'no space is left', 'make room on the disk'];
const readOnly: Explanation = [
  'ERR_STORE_READ_ONLY',
  'it may not be written by us',
  'check its owner, modes and mount',
];

const explanations: ReadonlyMap<string, Explanation> = new Map([
  ['ENOSPC', full],
  ['EDQUOT', full],
  ['EFBIG', full],
  ['EROFS', readOnly],
  ['EACCES', readOnly],
  ['EPERM', readOnly],
]);
