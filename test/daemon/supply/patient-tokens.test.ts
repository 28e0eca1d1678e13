import test from 'ava';
import {patientTokens} from '../../../src/daemon/supply/patient-tokens.ts';
import {TokenCache, type Found} from '../../../src/token/token-cache.ts';
import {daemonFor} from '../../helpers/daemon.ts';
import {FakeClock, HOUR, MINUTE} from '../../helpers/fake-clock.ts';
import {FakeIssuer, wantedBy} from '../../helpers/fake-issuer.ts';
import {getFor} from '../../helpers/requests.ts';

const wanted = wantedBy('identity');

function setUp() {
  const clock = new FakeClock();
  const issuer = new FakeIssuer(clock);
  issuer.answers((_, count) => issuer.token(`token-${count}`, {life: HOUR}));
  const tokens = new TokenCache({acquire: issuer.acquire, clock, random: () => 0});
  return {clock, issuer, tokens, patient: patientTokens(tokens, 1)};
}

function resultOf(found: Found): string {
  return found.kind === 'failed' ? found.failure.code : found.token.secret.revealText();
}

test('a request without a token gets a reason after its patience', async (t) => {
  const {issuer, patient} = setUp();
  issuer.holdBack();
  t.is(resultOf(await patient.get(wanted)), 'ERR_TIMEOUT');
});

test('a request for a newer token gets the old one after its patience', async (t) => {
  const {clock, issuer, tokens, patient} = setUp();
  await tokens.get(wanted);
  clock.pass(55 * MINUTE);
  issuer.holdBack();
  t.is(resultOf(await patient.get(wanted)), 'token-1');
  t.is(resultOf(await patient.get(wanted, () => true)), 'ERR_TIMEOUT', 'but not one that was rejected');
});

test('a program of $command that hangs is named in the answer', async (t) => {
  const daemon = await daemonFor(t, {
    configuration:
      'integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: {$command: [sleep, "60"]}}]}]}\norgkey: {prefetch: false}\n',
  });
  t.regex(
    await daemon.ask(getFor('contoso')),
    /orgkey-error=.*the program of \$command failed: it took longer/,
  );
});
