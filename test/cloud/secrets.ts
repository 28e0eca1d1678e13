import {randomBytes, randomInt} from 'node:crypto';

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

function randomText(length: number, alphabet = letters): string {
  return Array.from({length}, () => alphabet[randomInt(alphabet.length)]).join('');
}

/** In the form of Entra's client secrets: 40 characters with a `8Q~` mark. */
export const createClientSecret = (): string => `${randomText(3)}8Q~${randomText(34)}`;

/**
 * 84 characters with the mark that Azure DevOps puts near the end, or the older 52 of lower case and digits.
 * Fact 51.
 */
export function createPat(length: 52 | 84 = 84): string {
  return length === 52
    ? randomText(52, 'abcdefghijklmnopqrstuvwxyz234567')
    : `${randomText(76)}AZDO${randomText(4)}`;
}

export const createRefreshToken = (): string => `1.A${randomBytes(120).toString('base64url')}`;
export const createCode = (): string => `0.A${randomBytes(60).toString('base64url')}`;
/** Nine letters, as a person types them. */
export const createUserCode = (): string => randomText(9, 'BCDFGHJKLMNPQRSTVWXYZ23456789');
