import {clients} from '../../clients/clients.ts';
import type {ClientWorld} from '../../clients/client.ts';
import {lookAtClient} from '../../clients/look-at-client.ts';
import {readClients} from '../../clients/manifest.ts';
import {printable} from '../../text/printable.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';

const {ok, warning} = diagnosticsOf('tools');

/** Checks the tools that were made to ask orgkey: whether they still do, and whose credentials would win. */
export async function checkTools({
  clientWorld,
  setupDirectory,
}: {
  readonly clientWorld: ClientWorld | undefined;
  readonly setupDirectory: string;
}): Promise<readonly Diagnostic[]> {
  if (clientWorld === undefined) return [];
  const records = await readClients(setupDirectory);
  const found: Diagnostic[] = [];
  for (const client of clients.filter(({name}) => records.some((record) => record.name === name))) {
    const {name, state, problems, rivals} = await lookAtClient(client, clientWorld, records);
    for (const problem of problems)
      found.push(
        warning(
          name,
          `${name} does not ask orgkey: ${printable(problem, 300)}`,
          `orgkey tools install ${name}`,
        ),
      );
    for (const rival of rivals)
      found.push(
        warning(
          name,
          `${name} takes what it finds before it asks orgkey: ${printable(rival, 300)}`,
          `remove what orgkey replaces: ${printable(rival, 300)}`,
        ),
      );
    if (state === 'asks orgkey' && rivals.length === 0) found.push(ok(name, `${name} asks orgkey`));
  }
  return found;
}
