import {readFileSync, readdirSync} from 'node:fs';
import test from 'ava';
import {TIME_BUDGET as budget} from '../src/time-budget.ts';

const acquirer = budget.acquirer - budget.acquirerReport;

for (const [rule, holds] of [
  ['a reason reaches git before its connection is closed', budget.patience < budget.answer],
  ['the disk on top of the wait for a token', budget.patience + budget.disk <= budget.answer],
  ['an acquirer fits after slow secrets', budget.secrets + budget.leastAcquirer <= budget.patience],
  ['a secret that hangs is named', budget.secretSource < budget.patience],
  ['the acquirer with the last place', budget.acquirer + budget.leastAcquirer <= budget.acquisition],
  ['an acquirer that hangs ends before git gives up', budget.acquirer < budget.patience],
  ['an acquirer reports before it is killed', acquirer > budget.leastAcquirer],
  ['an update is polled more than once', budget.updatePoll * 2 < budget.leastAcquirer],
  ['an Azure CLI that hangs is named', budget.azureCli < acquirer],
  ['two requests that hang', budget.httpTry * 2 + budget.httpRetry < acquirer],
  ['one request after the longest pause', budget.httpLongestPause + budget.httpTry < acquirer],
  ['a gateway whose proxy is silent says so', budget.connection < budget.patience],
  ['four tries of a metadata service', budget.metadataRetry * 1.125 * 3 + budget.httpRetry < acquirer],
  ["a tool's helper waits for every answer", budget.toolPatience > budget.answer],
  ['NuGet, which waits five seconds for news, hears some', budget.toolProgress * 2 < 5000],
  ['a cold start leaves time for the answer', budget.coldStart < budget.answer],
  ['systemd accepts 30 starts in a minute', budget.failedStart * 30 > 60_000],
  ['requests under way are answered before the end', budget.finish > budget.answer],
] as const) {
  test(`time budget: ${rule}`, (t) => t.true(holds));
}

test('one function makes ERR_TIMEOUT', (t) => {
  const src = new URL('../src/', import.meta.url);
  const makers = readdirSync(src, {recursive: true, encoding: 'utf8'})
    .filter((path) => path.endsWith('.ts'))
    // a union of types may name it
    .filter((path) => /(?<!\| )'ERR_TIMEOUT'/.test(readFileSync(new URL(path, src), 'utf8')));
  t.deepEqual(makers, ['text/timed-out.ts']);
});
