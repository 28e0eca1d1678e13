import test from 'ava';
import {Person} from '../helpers/command-line.ts';

test('the repair of a remote over ssh is the URL that orgkey serves', async (t) => {
  const person = new Person(t);
  person.configure();
  const environment = {GIT_SSH_COMMAND: 'echo "git@host: Permission denied (publickey)." >&2; false'};
  const doctor = (url: string) => person.run('doctor', [url], {environment});
  const {code, stdout} = await doctor('git@ssh.dev.azure.com:v3/contoso/My%20Web/firmware');
  t.is(code, 1);
  t.regex(
    stdout,
    /✗ git: the ssh host rejects your own key: .*\n(?: .*\n)*? *repair: use the URL that orgkey serves: https:\/\/dev\.azure\.com\/contoso\/My%20Web\/_git\/firmware\n/,
  );
});
