import type {Remote} from '../organization/remote.ts';
import type {StoredLogin} from '../protocol/answer.ts';
import {parseAttributes} from '../protocol/attributes.ts';
import {Secret} from '../secret/secret.ts';

/** A login and the place that it is for, as they outlive a restart. */
export interface LoginRecord {
  readonly place: Remote;
  readonly login: StoredLogin;
}

/** Encodes a login as git does, in lines of `key=value`. The caller erases the result. */
export function encodeLogin({place, login}: LoginRecord): Secret {
  const fields: readonly (readonly [string, string | Secret | undefined])[] = [
    ['protocol', place.protocol],
    ['host', place.host],
    ['path', place.path],
    ['username', login.username],
    ['password', login.password],
    ['authtype', login.authtype],
    ['credential', login.credential],
    ['expires_at', login.expiresAt?.toString()],
    ['oauth_refresh_token', login.refreshToken],
  ];
  const lines = fields.flatMap(([key, value]) =>
    value === undefined ? [] : [{head: encoder.encode(`${key}=`), value}],
  );
  const texts = lines.map(({head, value}) => ({
    head,
    value: typeof value === 'string' ? encoder.encode(value) : value,
  }));
  const bytes = new Uint8Array(texts.reduce((sum, {head, value}) => sum + head.length + value.length + 1, 0));
  let at = 0;
  for (const {head, value} of texts) {
    bytes.set(head, at);
    at += head.length;
    const start = at;
    if (value instanceof Secret) value.use((secret) => bytes.set(secret, start));
    else bytes.set(value, start);
    at += value.length;
    bytes[at++] = LF;
  }
  return new Secret(bytes);
}

/** Decodes a login. Its secrets are copies. `undefined`: the bytes are not a login. */
export function decodeLogin(record: Secret): LoginRecord | undefined {
  try {
    return record.use((bytes) =>
      recordFrom(new Map(parseAttributes(bytes).map(({key, value}) => [key, value]))),
    );
  } catch {
    return undefined;
  }
}

function recordFrom(values: ReadonlyMap<string, Uint8Array>): LoginRecord | undefined {
  const text = (key: string) => {
    const value = values.get(key);
    return value && decoder.decode(value);
  };
  const secret = (key: string) => {
    const value = values.get(key);
    return value && new Secret(new Uint8Array(value));
  };
  const [protocol, host, username] = [text('protocol'), text('host'), text('username')];
  if (protocol === undefined || host === undefined) return undefined;
  const expiresAt = Number(text('expires_at'));
  return {
    place: {protocol, host, path: text('path'), username},
    login: {
      username,
      password: secret('password'),
      authtype: text('authtype'),
      credential: secret('credential'),
      expiresAt: Number.isSafeInteger(expiresAt) ? expiresAt : undefined,
      refreshToken: secret('oauth_refresh_token'),
    },
  };
}

const LF = 0x0a;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});
