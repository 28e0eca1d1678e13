import {OrgkeyError, codeOf} from '../text/orgkey-error.ts';

/** What the store cannot do. Neither message nor hint has a secret. */
export class StoreError extends OrgkeyError {
  override readonly name = 'StoreError';
  override readonly code: StoreErrorCode;

  constructor(
    code: StoreErrorCode,
    message: string,
    options: {readonly hint?: string | undefined; readonly cause?: unknown} = {},
  ) {
    super(code, message, options);
    this.code = code;
  }
}

type StoreErrorCode =
  /** The directory is a link, belongs to another user, or is open to others. */
  | 'ERR_STORE_DIRECTORY'
  /** The disk or the quota is full. The old entry is still there. */
  | 'ERR_STORE_FULL'
  /** We may not write there. The old entry is still there. */
  | 'ERR_STORE_READ_ONLY'
  /** The disk failed. The old entry is still there, or its replacement is. */
  | 'ERR_STORE_IO'
  /** An entry is not what was written, or others can read it. */
  | 'ERR_STORE_DAMAGED'
  /** The entries are encrypted, and the key is missing or another one. */
  | 'ERR_STORE_LOCKED'
  /** The given key cannot be used. */
  | 'ERR_STORE_KEY'
  /** The store does not accept this name or secret. */
  | 'ERR_STORE_REFUSED';

/** Returns a store error for an error of the disk. `doing` continues `cannot`: `write to /var/lib/orgkey/store`. */
export function storeErrorFrom(error: unknown, doing: string): StoreError {
  if (error instanceof StoreError) return error;
  const code = codeOf(error) ?? 'unknown error';
  const [kind, why, hint] = explanations.get(code) ?? ['ERR_STORE_IO', 'the disk reports an error'];
  return new StoreError(kind, `cannot ${doing}: ${why} (${code})`, {cause: error, hint});
}

type Explanation = readonly [code: StoreErrorCode, message: string, hint?: string];

const full: Explanation = ['ERR_STORE_FULL', 'no space is left', 'make room on the disk'];
const readOnly: Explanation = [
  'ERR_STORE_READ_ONLY',
  'we may not write to it',
  'check its owner, mode and mount',
];

const explanations: ReadonlyMap<string, Explanation> = new Map([
  ['ENOSPC', full],
  ['EDQUOT', full],
  ['EFBIG', full],
  ['EROFS', readOnly],
  ['EACCES', readOnly],
  ['EPERM', readOnly],
]);
