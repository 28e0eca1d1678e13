import test from 'ava';
import {Person} from '../helpers/command-line.ts';

const ids = {
  ARM_CLIENT_ID: '11111111-1111-4111-8111-111111111111',
  ARM_TENANT_ID: '22222222-2222-4222-8222-222222222222',
};

test.serial("setup takes Terraform's variables, and says which", async (t) => {
  const person = new Person(t, {
    ...ids,
    ARM_CLIENT_SECRET: 'canary-secret',
    AZDO_ORG_SERVICE_URL: 'https://dev.azure.com/contoso',
  });
  const {code, stderr} = await person.run('setup', ['--service', 'none', '--dry-run']);
  t.is(code, 0, stderr);
  t.regex(
    stderr,
    /^Terraform's variables are set here: AZDO_ORG_SERVICE_URL, ARM_CLIENT_ID, ARM_TENANT_ID, ARM_CLIENT_SECRET$/m,
  );
  t.false(stderr.includes('canary'));
  t.is((await person.run('setup', ['--service', 'none'])).code, 0);
  const text = person.read('.config/orgkey/config.yaml') ?? '';
  t.regex(text, /organizations: \["contoso"\]\n +environment: terraform/);
});

test.serial('setup names the variables that are missing, and writes nothing', async (t) => {
  const person = new Person(t, ids);
  for (const argv of [[], ['--from-env']]) {
    const {code, stderr} = await person.run('setup', ['--service', 'none', ...argv]);
    t.is(code, 5, stderr);
    t.regex(stderr, /ARM_CLIENT_ID is set, but not one of ARM_CLIENT_SECRET, ARM_CLIENT_CERTIFICATE_PATH, /);
  }
  t.is(person.read('.config/orgkey/config.yaml'), undefined);
});

test.serial('setup without the name of an organization says that nothing was checked', async (t) => {
  const person = new Person(t, {ARM_USE_MSI: 'true'});
  const {code, stderr} = await person.run('setup', ['--service', 'plain']);
  t.is(code, 0, stderr);
  t.regex(
    stderr,
    /^– the rest of dev\.azure\.com: managed identity: not checked: no organization is named\n {2}repair: try one: orgkey doctor ORGANIZATION$/m,
  );
});
