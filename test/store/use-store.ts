import {openSecretStore} from '../../src/store/secret-store.ts';
import {StoreError} from '../../src/store/store-error.ts';
import {Secret} from '../../src/secret/secret.ts';

// A child of the tests: use-store.ts DIRECTORY OPERATION… prints one line for each operation on plain entries.
const [directory = '', ...operations] = process.argv.slice(2);
const store = await openSecretStore({directory, key: undefined, uid: process.getuid?.() ?? 0}).catch(codeOf);
for (const operation of operations) {
  const [verb, name = '', text = ''] = operation.split(' ');
  console.log(typeof store === 'string' ? store : await use(verb, name, text).catch(codeOf));
}

async function use(verb: string | undefined, name: string, text: string): Promise<string> {
  if (typeof store === 'string') return store;
  if (verb === 'read') return (await store.read(name))?.revealText() ?? 'nothing';
  await (verb === 'write' ? store.write(name, Secret.fromText(text)) : store.remove(name));
  return 'done';
}

function codeOf(error: unknown): string {
  if (error instanceof StoreError) return error.code;
  throw error;
}
