/** Compares ten thousand organizations with ten. */
import {BuiltDaemon, PAT, Place} from './built-daemon.ts';
import {LoadClient} from './load-client.ts';
import type {Group} from './row.ts';
import {inTurns, median, pairedRatio} from './statistics.ts';

export async function measureOrganizations(): Promise<Group> {
  const client = new LoadClient();
  const few = new Place(configurationOf(10));
  const many = new Place(configurationOf(10_000));
  try {
    // The first start is not measured: later ones find the compiled code
    await inTurns(1, {few: start(few), many: start(many)});
    const started = await inTurns(7, {few: start(few), many: start(many)});
    const more = median(started.many.map((value, at) => value - (started.few[at] ?? NaN)));

    const daemons = [await BuiltDaemon.start(few), await BuiltDaemon.start(many)];
    const ask = (place: Place) => async () => {
      const request = place.request('organization-7');
      await client.load({socket: place.socket, request, expected: 'credential='}, 16, 10_000);
    };
    await inTurns(1, {few: ask(few), many: ask(many)});
    const asked = await inTurns(9, {few: ask(few), many: ask(many)});
    for (const daemon of daemons) await daemon.stop();
    return {
      rows: [
        {
          what: '10,000 organizations: longer start than with 10',
          value: more / 1000,
          unit: 's',
          target: {atMost: 0.5},
        },
        {
          what: '10,000 organizations: cost of a request against 10',
          value: pairedRatio(asked.many, asked.few),
          unit: '×',
          target: {atMost: 1.1},
        },
      ],
    };
  } finally {
    few.remove();
    many.remove();
  }
}

function start(place: Place): () => Promise<void> {
  return async () => {
    const daemon = await BuiltDaemon.start(place);
    await daemon.stop();
  };
}

function configurationOf(organizations: number): string {
  const credentials = Array.from(
    {length: organizations},
    (_, at) => `        - {organizations: [organization-${at}], personalAccessToken: ${PAT}}\n`,
  );
  return `integrations:\n  azure:\n    - host: dev.azure.com\n      credentials:\n${credentials.join('')}`;
}
