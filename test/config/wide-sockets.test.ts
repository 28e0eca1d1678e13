import test from 'ava';
import {wideSockets} from '../../src/config/wide-sockets.ts';
import {loadText, soundIn} from '../helpers/load-text.ts';

const secret =
  'clientId: 9f0d1c2b-0000-4000-8000-000000000001, clientSecret: x, tenantId: 9f0d1c2b-0000-4000-8000-000000000002';

const rows: readonly [title: string, credentials: string, expected: RegExp | undefined][] = [
  [
    'an identity of two organizations',
    `{organizations: [contoso, fabrikam], ${secret}}`,
    /team are also valid for fabrikam/,
  ],
  [
    'two rules with one identity',
    `{organizations: [contoso], ${secret}}, {organizations: [fabrikam], ${secret}}`,
    /for fabrikam/,
  ],
  ['a fallback', `{${secret}}`, /for all other organizations/],
  ['an identity of one organization', `{organizations: [contoso], ${secret}}`, undefined],
  [
    'an identity outside the socket',
    `{organizations: [contoso], personalAccessToken: x}, {organizations: [a, b], ${secret}}`,
    undefined,
  ],
];

for (const [title, credentials, expected] of rows)
  test(`tokens of a scoped socket: ${title}`, async (t) => {
    const loaded = await loadText(
      t,
      `integrations: {azure: [{credentials: [${credentials}]}]}\norgkey: {sockets: [{name: team, organizations: [contoso]}]}\n`,
    );
    const found = wideSockets(soundIn(t, loaded));
    if (expected === undefined) t.deepEqual(found, []);
    else t.regex(found.map(({message}) => message).join('\n'), expected);
  });
