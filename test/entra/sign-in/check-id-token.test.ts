import test from 'ava';
import {checkIdToken} from '../../../src/entra/sign-in/check-id-token.ts';
import {codeOf} from '../../../src/text/orgkey-error.ts';

const tid = '8f000000-0000-4000-8000-000000000001';
const now = Date.UTC(2026, 10, 30);
const microsoft = 'https://login.microsoftonline.com';
const good = {iss: `${microsoft}/${tid}/v2.0`, tid, aud: 'app', nonce: 'n', exp: now / 1000 + 3600};
const expected = {issuer: `${microsoft}/${tid}/v2.0`, clientId: 'app', nonce: 'n', now};

const check = test.macro({
  exec(
    t,
    claims: Readonly<Record<string, unknown>>,
    code: string | undefined,
    issuer: string = expected.issuer,
  ) {
    const act = () => checkIdToken({...good, ...claims}, {...expected, issuer});
    if (code === undefined) t.notThrows(act);
    else t.is(codeOf(t.throws(act)), code);
  },
  title: (_, claims: object, code: string | undefined, issuer: string = expected.issuer) =>
    `an ID token for ${issuer} with ${JSON.stringify(claims)}: ${code ?? 'accepted'}`,
});

test(check, {}, undefined);
test(check, {aud: ['app']}, undefined);
test(check, {}, undefined, `${microsoft}/contoso.example/v2.0`);
test(check, {}, undefined, `${microsoft}/organizations/v2.0/`);
test(check, {}, undefined, 'https://login.windows.net/contoso.example/v2.0');
test(check, {exp: now / 1000 - 60}, undefined);
test(check, {iss: 'https://issuer.example/realm/'}, undefined, 'https://issuer.example/realm');
test(check, {nonce: 'other'}, 'ERR_NONCE');
test(check, {nonce: null}, 'ERR_NONCE');
test(check, {aud: 'other'}, 'ERR_NONCE');
test(check, {aud: null}, 'ERR_NONCE');
test(check, {iss: 'https://evil.example'}, 'ERR_ID_TOKEN');
test(check, {iss: null}, 'ERR_ID_TOKEN');
test(check, {iss: `https://evil.example/${tid}/v2.0`}, 'ERR_ID_TOKEN', `${microsoft}/organizations/v2.0`);
test(check, {}, 'ERR_ID_TOKEN', `${microsoft}/8f000000-0000-4000-8000-000000000002/v2.0`);
test(check, {}, 'ERR_ID_TOKEN', 'https://issuer.example/realm');
test(check, {exp: now / 1000 - 3600}, 'ERR_ID_TOKEN');
test(check, {exp: null}, 'ERR_ID_TOKEN');
