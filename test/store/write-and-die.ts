import {openSecretStore} from '../../src/store/secret-store.ts';
import {diskFiles} from '../../src/store/store-files.ts';
import {Secret} from '../../src/secret/secret.ts';
import {watchedFiles} from '../helpers/failing-files.ts';

// A child of the tests: write-and-die.ts DIRECTORY KEY before|after STEP writes `new` under the name `name`, and kills
// itself with SIGKILL before or after that step, counted from its start. write-and-die.ts DIRECTORY KEY wait prints
// that it is about to write, and waits for the end of its input.
const [directory = '', letter = '', moment, step] = process.argv.slice(2);
const die = ({number}: {readonly number: number}) => {
  if (number === Number(step)) process.kill(process.pid, 'SIGKILL');
};
const store = await openSecretStore({
  directory,
  uid: process.getuid?.() ?? 0,
  key: letter === '' ? undefined : Secret.fromText(letter.repeat(32)),
  files: watchedFiles(diskFiles, {
    ...(moment === 'before' && {before: die}),
    ...(moment === 'after' && {after: die}),
    most: 40,
  }),
});
if (moment === 'wait') {
  console.log('about to write');
  for await (const chunk of process.stdin) void chunk;
}
await store.write('name', Secret.fromText('new'.repeat(30)));
