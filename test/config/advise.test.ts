import test from 'ava';
import {adviceOn} from '../../src/config/advise.ts';
import {loadText, soundIn} from '../helpers/load-text.ts';

const token = 'personalAccessToken: a';

/** A credential, whether git is 2.46 or later, and what the warnings are about. */
const rows: readonly (readonly [
  host: string,
  fields: string,
  takesBearer: boolean | undefined,
  about: RegExp[],
])[] = [
  ['dev.azure.com', `organizations: [a], ${token}`, false, []],
  ['dev.azure.com', `organizations: [a, b], ${token}`, true, [/global personal access token/]],
  ['dev.azure.com', token, true, [/global personal access token/]],
  ['dev.azure.com', 'clientId: system-assigned', true, []],
  ['dev.azure.com', 'signIn: browser', true, [/client id of the Azure CLI/]],
  ['dev.azure.com', 'signIn: device-code', undefined, [/client id of the Azure CLI/]],
  ['dev.azure.com', 'signIn: browser, clientId: 11111111-1111-4111-8111-111111111111', true, []],
  ['tfs.example.com', token, true, []],
  ['tfs.example.com', token, undefined, []],
  ['tfs.example.com', token, false, [/git older than 2\.46 .*NTLM/]],
  ['tfs.example.com/devops', token, false, [/git older than 2\.46 .*NTLM/]],
  ['tfs.example.com', 'stored: true', false, [/git older than 2\.46 .*NTLM/]],
  ['"*"', 'stored: true', false, []],
];

for (const [host, fields, takesBearer, about] of rows)
  test(`${host}, {${fields}}, git with Bearer: ${takesBearer}`, async (t) => {
    const text = `integrations: {azure: [{host: ${host}, credentials: [{${fields}}]}]}\n`;
    const loaded = await loadText(t, text);
    const advice = adviceOn(soundIn(t, loaded).bindings, {takesBearer});
    t.is(advice.length, about.length);
    for (const [at, pattern] of about.entries()) t.regex(advice[at]?.message ?? '', pattern);
    for (const {place, hint} of advice) {
      t.regex(place, /config\.yaml:1:\d+$/);
      t.truthy(hint);
    }
  });
